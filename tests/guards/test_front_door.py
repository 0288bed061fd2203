"""`import chirpleaf` imports packages on demand only, and nothing heavy."""

import subprocess
import sys

import pytest

import chirpleaf

HEAVY = ["torch", "lal", "lightning", "matplotlib", "astropy", "h5py", "scipy"]


def _heavy_imports_of(statement: str) -> str:
    code = f"{statement}\nimport sys\nsys.stdout.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("statement", ["import chirpleaf", "import chirpleaf.cli"])
def test_importing_is_light(statement: str) -> None:
    assert _heavy_imports_of(statement) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("infer", "GW150914", "--prior", "nonsense"),
        ("infer", "GW150914", "--samples", "0"),
        ("infer", "--strain", "H1=x.hdf5"),
        ("infer",),
        ("test-gr",),
        ("test-gr", "GW150914", "--budget", "0"),
        ("catalog", "list.txt", "--out", "out", "--prior", "nonsense"),
        ("inject", "nowhere.json", "--out", "out"),
        ("inject", "nowhere.json", "--out", "out", "--noise", "loud"),
        ("stream",),
    ],
)
def test_wrong_input_is_told_before_slow_imports(arguments: tuple[str, ...]) -> None:
    statement = f"from chirpleaf.cli import main\nassert main({list(arguments)!r}) == 2"
    assert _heavy_imports_of(statement) == ""


def test_the_probe_sees_a_heavy_import() -> None:
    assert _heavy_imports_of("import h5py") == "h5py"


@pytest.mark.parametrize("name", chirpleaf.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(chirpleaf, name)
    assert name in dir(chirpleaf)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'infr'"):
        chirpleaf.__getattr__("infr")
