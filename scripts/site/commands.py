"""The page of the command line, written from the command tree of `chirpleaf` so that it cannot differ from `--help`."""

from collections.abc import Iterator
from typing import Any

import typer

from chirpleaf.cli import app


def write_commands() -> str:
    """Writes all subcommands with their arguments and options.

    Returns:
        Markdown.
    """
    return "\n".join(_list_lines()) + "\n"


def _list_lines() -> Iterator[str]:
    yield from (
        "# Command line",
        "",
        "All subcommands, as `chirpleaf VERB --help` lists them. `chirpleaf --install-completion` lets the shell",
        "complete verbs, options, events, models, detectors and presets.",
    )
    tree: Any = typer.main.get_command(app)
    for name, command in tree.commands.items():
        positional = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        usage = " ".join(("chirpleaf", name, *(_name_argument(one) for one in positional), "[OPTIONS]"))
        yield from ("", f"## {name}", "", " ".join(command.help.split()), "", "```text", usage, "```", "")
        yield from ("| argument or option | meaning |", "|---|---|")
        yield from (f"| `{_name_argument(one)}` | {_escape(one.help)} |" for one in positional)
        yield from (f"| {_name_option(one)} | {_escape(one.help)}{_state_default(one)} |" for one in options)


def _name_argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _name_option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} `{option.metavar or option.name.upper()}`".replace("|", "\\|")


def _state_default(option: Any) -> str:
    shown = not option.is_flag and isinstance(option.default, (int, float, str)) and option.show_default
    return f" Default: {option.default}." if shown else ""


def _escape(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("<", "&lt;")
