"""Notebooks are stored without outputs, stand in the navigation, and import what exists; `make docs` executes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from code_blocks import ROOT, Block, check_python

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def read_code_cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook that hold code."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["gw150914", "looking-inside", "own-injection"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    cells = read_code_cells(path)
    assert len(cells) > 3
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_what_exists(path: Path) -> None:
    code = "\n".join("".join(cell["source"]) for cell in read_code_cells(path))
    check_python(Block(path.relative_to(ROOT), 1, "python", code, ""))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_stands_in_the_navigation(path: Path) -> None:
    assert f"notebooks/{path.stem}.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
