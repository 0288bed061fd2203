"""Functions that work without the extra `chirpleaf[train]`, that is without Lightning."""

import subprocess
import sys
from pathlib import Path

import pytest

PRESET = Path(__file__).parents[2] / "src" / "chirpleaf" / "training" / "presets" / "bbh.yaml"

PROGRAM = """
import importlib.util, sys
from importlib.abc import MetaPathFinder

MISSING = {"lightning", "lightning_fabric", "lightning_utilities", "pytorch_lightning", "torchmetrics"}

class Refuse(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in MISSING else find_spec(name, package)
sys.meta_path.insert(0, Refuse())
"""

NEED_LIGHTNING = {
    "chirpleaf.cli.pace",
    "chirpleaf.training.checkpoints",
    "chirpleaf.training.engine",
    "chirpleaf.training.finetune",
    "chirpleaf.training.parallel.strategy",
    "chirpleaf.training.progress",
    "chirpleaf.training.recipe",
    "chirpleaf.training.timing",
}


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM + program], capture_output=True, text=True, check=False
    )


def run_verb(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [str(argument) for argument in arguments]
    return run(f"from chirpleaf.cli import main\nsys.exit(main({words!r}))\n")


def test_only_the_modules_that_train_need_lightning() -> None:
    ran = run(
        "import pkgutil, chirpleaf\n"
        "for module in pkgutil.walk_packages(chirpleaf.__path__, 'chirpleaf.'):\n"
        "    if module.name != 'chirpleaf.__main__':\n"
        "        try:\n"
        "            importlib.import_module(module.name)\n"
        "        except ModuleNotFoundError as error:\n"
        "            assert error.name.partition('.')[0] in MISSING, error\n"
        "            sys.stdout.write(module.name + ' ')\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.split()) == NEED_LIGHTNING


@pytest.mark.parametrize(
    "arguments",
    [
        ("infer", "GW150914", "--model", "masses", "--samples", 200),
        ("evaluate", "remnant", "--injections", 4),
        ("decompose", "masses", "--leaf", "mass_1", "--events", 32),
    ],
    ids=lambda arguments: arguments[0],
)
def test_verbs_that_do_not_train_work(arguments: tuple[object, ...], tmp_path: Path) -> None:
    ran = run_verb(*arguments, "--out", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr
    assert f"wrote {tmp_path / 'out'}" in ran.stdout


def test_the_doctor_says_that_training_needs_an_extra() -> None:
    ran = run_verb("doctor")
    assert ran.returncode == 0, ran.stdout
    assert "chirpleaf[train]" in "".join(ran.stdout.split())


@pytest.mark.parametrize("verb", ["train", "scale"])
def test_verbs_that_train_say_how_to_get_lightning(verb: str, tmp_path: Path) -> None:
    ran = run_verb(verb, PRESET, "--out", tmp_path / "out")
    assert ran.returncode == 2
    expected = "error: expected Lightning, which trains networks; got none: pip install 'chirpleaf[train]'\n"
    assert (ran.stdout, ran.stderr) == ("", expected)
    assert not (tmp_path / "out").exists()
