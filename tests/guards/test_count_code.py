"""The counts of `make counts`: each finds its offenders in a small project, and nothing else."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "count_code.py"
DOC = '"""Vein."""\n'
BREACHES = {
    "long function": "functions over",
    "long file": "files over",
    "undocumented": "public names",
    "circle": "import circles",
    "few tests": "lines of code",
    "estimator": "isinstance",
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("count_code", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["count_code"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes files by name; a sound project with one test line for each line of code."""

    def make(**files: str) -> Path:
        sound = {
            "src/leaf/__init__.py": '"""Leaf."""\n',
            "src/leaf/vein.py": '"""Vein."""\n\nWIDTH = 1\n',
            "tests/test_vein.py": "from leaf.vein import WIDTH\nassert WIDTH == 1\n",
            "benchmarks/speed.py": '"""Speed."""\n',
        }
        for name, text in (sound | files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def function(lines: int) -> str:
    return '"""Code."""\n\n\ndef grow():\n    """Grow."""\n' + "    x = 1\n" * (lines - 2)


TESTS = {"tests/test_all.py": "assert 1\n" * 280}
FILES = {
    "long function": {"src/leaf/vein.py": function(61)},
    "long file": {"scripts/make.py": '"""Make."""\n' + "x = 1\n" * 300},
    "undocumented": {
        "benchmarks/speed.py": '"""Speed."""\n\nclass Clock:\n    """A clock."""\n\n    def tick(self): ...\n'
    },
    "circle": {
        "src/leaf/vein.py": (
            '"""Vein."""\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from leaf.stem import Stem\n'
        ),
        "src/leaf/stem.py": '"""Stem."""\ndef grow():\n    """Grow."""\n    from leaf import vein\n',
    },
    "few tests": {"src/leaf/vein.py": '"""Vein."""\n' + "x = 1\n" * 100, "tests/test_all.py": "assert 1\n" * 70},
    "estimator": {"src/leaf/vein.py": '"""Vein."""\nisinstance(WIDTH, (int, models.LeafEstimator))\n'},
}


def test_a_sound_project_passes(
    script: ModuleType, project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(project(**TESTS)) == 0
    printed = capsys.readouterr().out
    assert all(title in printed for title in BREACHES.values())
    assert "BREACH" not in printed


@pytest.mark.parametrize("kind", BREACHES)
def test_each_breach_is_found_and_no_other(
    script: ModuleType, project: Callable[..., Path], capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert script.main(project(**(TESTS | FILES[kind]))) == 1
    breached = [line for line in capsys.readouterr().out.splitlines() if line.endswith("BREACH")]
    assert [line.startswith(BREACHES[kind]) for line in breached] == [True]


@pytest.mark.parametrize(
    "files",
    [
        {"src/leaf/vein.py": function(60)},
        {"scripts/make.py": '"""Make."""\n' + "x = 1\n" * 299},
        {"src/leaf/vein.py": '"""Vein."""\nclass _Private:\n    def public(self): ...\ndef _grow(): ...\n'},
        {
            "src/leaf/vein.py": (
                f'{DOC}class Vein:\n    """Vein."""\n\n    @property\n    def width(self):\n        """Width."""\n'
                "    @width.setter\n    def width(self, value): ...\n    def __len__(self): ...\n"
            )
        },
        {"src/leaf/vein.py": f"{DOC}from leaf import stem\n", "src/leaf/stem.py": f"{DOC}import leaf.bud\n"},
        {"src/leaf/vein.py": f"{DOC}x = [1]\n\n# comment\n" + 90 * DOC, "tests/test_all.py": "assert 1\n"},
        {"src/leaf/vein.py": f"{DOC}isinstance(estimator, Model)\n", "tests/test_vein.py": "isinstance(x, Estimator)"},
    ],
    ids=["60 lines", "300 lines", "private", "setter", "chain", "docstrings are no code", "other classes"],
)  # fmt: skip
def test_what_is_within_bounds_passes(script: ModuleType, project: Callable[..., Path], files: dict[str, str]) -> None:
    assert script.main(project(**(TESTS | files))) == 0


@pytest.mark.parametrize(
    ("statement", "circle"),
    [
        ("from . import vein", True),
        ("from .vein import WIDTH", True),
        ("import leaf.vein", True),
        ("from leaf import vein", True),
        ("import leaf", False),
        ("from .. import vein", False),
        ("from other.leaf import vein", False),
    ],
)
def test_all_kinds_of_import_are_followed(
    script: ModuleType, project: Callable[..., Path], statement: str, circle: bool
) -> None:
    root = project(**{
        "src/leaf/vein.py": '"""Vein."""\nimport leaf.stem\n', "src/leaf/stem.py": f'"""Stem."""\n{statement}\n'
    })  # fmt: skip
    count = script.count_circles(script.read_sources(root))
    assert count.offenders == (("leaf.stem <-> leaf.vein",) if circle else ())


def test_a_package_that_imports_its_module_which_imports_the_package_is_a_circle(
    script: ModuleType, project: Callable[..., Path]
) -> None:
    root = project(**{
        "src/leaf/__init__.py": '"""Leaf."""\nfrom leaf.vein import WIDTH\n',
        "src/leaf/vein.py": '"""Vein."""\nfrom leaf import OTHER\n',
    })  # fmt: skip
    assert script.count_circles(script.read_sources(root)).offenders == ("leaf <-> leaf.vein",)
