"""Every picture of the documentation has a command and a page; the README's first picture is that of `make demo`."""

import re
import shlex
from pathlib import Path

import pytest
from code_blocks import ROOT, check_command, list_pages

IMAGES = ROOT / "docs" / "images"
ROW = re.compile(r"^\| (?P<pictures>\[.*?) \| (?P<commands>.*) \|$", re.MULTILINE)
ROWS = [one.groupdict() for one in ROW.finditer((ROOT / "docs" / "pictures.md").read_text(encoding="utf-8"))]


def list_links(text: str) -> list[str]:
    """File names of the pictures that a text shows or links to."""
    return re.findall(r"images/([\w.-]+\.png)", text)


def test_every_picture_has_a_command() -> None:
    named = [name for row in ROWS for name in list_links(row["pictures"])]
    assert sorted(named) == sorted(path.name for path in IMAGES.iterdir())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(list_links(row["pictures"])[0]))
def test_the_command_of_a_picture_exists(row: dict[str, str]) -> None:
    commands = re.findall(r"`((?:chirpleaf|make|python) [^`]+)`", row["commands"])
    assert commands
    for command in commands:
        check_command(shlex.split(command))


def test_every_picture_is_on_a_page() -> None:
    pages = [page for page in list_pages() if page != ROOT / "docs" / "pictures.md"]
    shown = {name for page in pages for name in list_links(page.read_text(encoding="utf-8"))}
    assert {path.name for path in IMAGES.iterdir()} - shown == set()


def test_the_first_picture_is_that_of_the_demo() -> None:
    for page in ("README.md", "docs/index.md"):
        assert list_links(Path(ROOT / page).read_text(encoding="utf-8"))[0] == "demo.png"
