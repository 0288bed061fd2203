"""Code blocks of the documentation, and what is checked of those that are not run.

A block that needs hours, a cluster or other people's files has a comment above it, `<!-- not run: REASON -->`. Its
programs, verbs, options and imports must exist all the same.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import typer

from chirpleaf.cli import app

ROOT = Path(__file__).parents[1]
LANGUAGES = frozenset({"console", "python", "text", "yaml"})
_BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>[^\n]+?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_OTHERS = frozenset({".venv/bin/pip", "cat", "cd", "chromium", "curl", "echo", "git", "pip", "python3", "source"})
"""Programs of blocks whose arguments are not checked."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: path of the page, relative to the root.
        line: line of the page on which the block begins.
        language: what the fence says.
        code: the text between the fences, without their indentation.
        reason: why it is not run; empty if it is run.
    """

    page: Path
    line: int
    language: str
    code: str
    reason: str

    @property
    def place(self) -> str:
        """Page and line."""
        return f"{self.page}:{self.line}"


def list_pages() -> list[Path]:
    """All pages with blocks."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def read_blocks(page: Path) -> list[Block]:
    """Reads the blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    assert text.count("```") == 2 * len(found), f"a fence of {page} is not closed"
    return [
        Block(
            page.relative_to(ROOT),
            text.count("\n", 0, one.start("language")) + 1,
            one["language"].strip(),
            dedent(one["code"]),
            one["reason"] or "",
        )
        for one in found
    ]


def list_commands(block: Block) -> Iterator[list[str]]:
    """The commands of a console block as words, without here-documents, redirections and comments."""
    code = re.sub(r"<<'?END'?\n.*?^END$", "", block.code, flags=re.MULTILINE | re.DOTALL).replace("\\\n", " ")
    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words[: words.index(">")] if ">" in words else words


def check_command(words: list[str]) -> None:
    """Checks that a program, its verb and its options exist."""
    while re.fullmatch(r"\w+=\S*", words[0]):  # variables of the environment
        words = words[1:]
    program = Path(words[0]).name
    if "chirpleaf" in words and program in {"mpirun", "srun", "torchrun"}:
        words = words[words.index("chirpleaf") :]
        program = "chirpleaf"
    if program == "chirpleaf":
        _check_verb(words[1:])
    elif program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert [word for word in words[1:] if "=" not in word and word not in targets] == []
    elif program == "python" and words[1].endswith(".py"):
        text = (ROOT / words[1]).read_text()
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in text] == []
    else:
        assert program in {"python", "pre-commit"} or words[0] in _OTHERS, f"unknown program {words[0]}"


def _check_verb(arguments: list[str]) -> None:
    """Parses arguments as the command line does, and runs nothing."""
    tree: Any = typer.main.get_command(app)
    if arguments[0].startswith("-"):
        assert arguments[0] in {option for parameter in tree.params for option in parameter.opts}
        return
    command = tree.commands[arguments[0]]
    command.make_context(arguments[0], arguments[1:])


def check_python(block: Block) -> None:
    """Compiles a Python block, and imports what it imports."""
    for node in ast.walk(ast.parse(block.code, str(block.page))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
