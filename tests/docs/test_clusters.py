"""Batch scripts are valid shell scripts and use existing options of chirpleaf."""

import re
import subprocess
from pathlib import Path

import pytest

from chirpleaf.cli import app

SCRIPTS = sorted((Path(__file__).parents[2] / "docs" / "clusters").iterdir())
MARKS = {".slurm": "#SBATCH", ".pbs": "#PBS"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_parses(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True, capture_output=True)
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    commands = next(place for place, line in enumerate(lines) if line and not line.startswith("#"))
    directives = [place for place, line in enumerate(lines) if line.startswith(MARKS[script.suffix])]
    assert directives
    assert max(directives) < commands, "a scheduler reads no directives after the first command"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_options_exist(script: Path, chirpleaf_options: dict[str, set[str]]) -> None:
    (call,) = re.findall(r"chirpleaf (train|bank)(?=\s)(.*)", script.read_text().replace("\\\n", ""))
    verb, options = call
    assert set(re.findall(r"--[a-z-]+", options)) <= chirpleaf_options[verb]
    assert "--out" in options


@pytest.fixture
def chirpleaf_options() -> dict[str, set[str]]:
    """Options by subcommand."""
    import typer

    group = typer.main.get_command(app)
    return {
        name: {option for parameter in verb.params for option in parameter.opts}
        for name, verb in group.commands.items()
    }
