"""Documentation: the README's Python block runs and is short; links and file names resolve."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOCAL_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
FILE_NAME = re.compile(r"`([a-z_]+/[\w/]*(?:\.py|\.json)?)`")
REGISTRY = re.compile(r"`([a-z_.]+)\.([A-Z_]+)`")
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def _python_blocks() -> list[str]:
    return PYTHON_BLOCK.findall(README.read_text(encoding="utf-8"))


def test_readme_has_one_block_of_at_most_twelve_lines() -> None:
    (block,) = _python_blocks()
    assert 0 < len([line for line in block.splitlines() if line.strip()]) <= 12


def test_readme_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _python_blocks():
        exec(compile(block, str(README), "exec"), {"__name__": "readme"})
    assert "chirp_mass" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_local_links_resolve(page: Path) -> None:
    links = LOCAL_LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_files_of_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = [name for name in FILE_NAME.findall(text) if "NAME" not in name]
    assert len(names) > 20
    assert [name for name in names if not any((root / name).exists() for root in (ROOT, ROOT / "src/chirpleaf"))] == []


def test_registries_of_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = REGISTRY.findall(text)
    assert len(names) >= 4
    for module, name in names:
        assert hasattr(import_module(f"chirpleaf.{module}"), name)
