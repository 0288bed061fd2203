"""Every code block of the documentation is run, or says why it is not and names only what exists."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from code_blocks import LANGUAGES, ROOT, Block, check_command, check_python, list_commands, list_pages, read_blocks

PAGES = [page for page in list_pages() if read_blocks(page)]
README = ROOT / "README.md"
RUN = [
    page
    for page in PAGES
    if page != README and any(_.language in {"console", "python"} and not _.reason for _ in read_blocks(page))
]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_programs_options_and_imports_of_blocks_exist(page: Path) -> None:
    for block in read_blocks(page):
        assert block.language in LANGUAGES, block.place
        if block.language == "python":
            check_python(block)
        if block.language == "console":
            for words in list_commands(block):
                check_command(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=_name)
def test_blocks_run_in_the_order_of_their_page(page: Path, tmp_path: Path) -> None:
    """Each page in an empty folder, by the programs that a reader runs."""
    folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg"}
    for block in read_blocks(page):
        if block.reason or block.language not in {"console", "python"}:
            continue
        bash = ["bash", "-euo", "pipefail", "-c", block.code]
        call = bash if block.language == "console" else [sys.executable, "-W", "error", "-c", block.code]
        done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.place}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize(
    "command",
    [
        "chirpleaf infer GW150914 --sample 3",
        "chirpleaf inver GW150914",
        "make tests",
        "python benchmarks/none.py",
        "rm -rf x",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    (words,) = list_commands(Block(Path("page.md"), 1, "console", command, ""))
    with pytest.raises(Exception):  # noqa: B017, PT011 - typer's error, KeyError, AssertionError or FileNotFoundError
        check_command(words)


def test_imports_that_do_not_exist_are_found() -> None:
    with pytest.raises(AssertionError):
        check_python(Block(Path("page.md"), 1, "python", "from chirpleaf import infer, infers", ""))
