"""`chirpleaf infer` imports only what it uses, because every other package would slow its start."""

import subprocess
import sys
from pathlib import Path

import pytest

import chirpleaf

USED = {
    "chirpleaf", "numpy", "torch", "h5py", "lal", "lalsimulation", "jaxtyping", "safetensors", "typer", "rich",
    "orjson",
}  # fmt: skip
"""Packages that the verb uses."""

THEIRS = {
    "annotated_doc", "annotated_types", "pydantic", "pydantic_core", "shellingham", "typing_inspection",  # of typer
    "dill", "torchgen", "tqdm", "typing_extensions",  # of torch
    "markdown_it", "mdurl", "pygments",  # of rich
    "swig_runtime_data4", "swiglal_runtime_data",  # of lal
}  # fmt: skip
"""Packages that those import."""

PROGRAM = """
import sys
{patch}
from chirpleaf.cli import main
before = set(sys.modules)
assert main(["infer", "GW150914", "--samples", "500", "--cores", "1", "--out", {out!r}, *{arguments!r}]) == 0
loaded = set(sys.modules) - before
sys.stderr.write(" ".join(sorted(loaded)))
"""

IN_THIS_PROCESS = """
from chirpleaf.report import drawing, pictures
drawing._can_fork = lambda: False
draw = pictures.FigureDrawing.begin_data
def check(*arguments):
    assert not [name for name in sys.modules if name.startswith("matplotlib")], "matplotlib is imported too early"
    return draw(*arguments)
pictures.FigureDrawing.begin_data = check
"""


def modules_of_infer(out: Path, *arguments: str, patch: str = "") -> set[str]:
    """Modules that a cold process has imported when it ends."""
    program = PROGRAM.format(patch=patch, out=str(out), arguments=list(arguments))
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.split())


def packages_of(modules: set[str]) -> set[str]:
    """Installed packages; extension modules without a package of their own, as of Cython, do not count."""
    tops = {name.partition(".")[0] for name in modules}
    return {name for name in tops - set(sys.stdlib_module_names) if not name.startswith(("_", "cython_runtime"))}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere figures are drawn in the same process")
@pytest.mark.parametrize("arguments", [(), ("--no-certify",)], ids=["certified", "not certified"])
def test_only_the_packages_that_are_used(arguments: tuple[str, ...], tmp_path: Path) -> None:
    modules = modules_of_infer(tmp_path / "out", *arguments, patch="import os\nos.sched_getaffinity = lambda _: {0, 1}")
    found = packages_of(modules)
    assert found <= USED | THEIRS
    assert USED - {"typer", "rich"} <= found  # the probe sees imports
    assert "torch._dynamo" not in modules


def test_matplotlib_is_imported_when_figures_are_drawn(tmp_path: Path) -> None:
    modules = modules_of_infer(tmp_path / "out", "--no-certify", patch=IN_THIS_PROCESS)
    assert "matplotlib.figure" in modules
    assert not {"lightning", "torch._dynamo", "scipy", "astropy", "matplotlib.pyplot"} & modules


def test_help_imports_nothing_slow() -> None:
    program = "import sys\nfrom chirpleaf.cli import main\nmain(['--help'])\nsys.stderr.write(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(ran.stderr.split())
    assert not {"numpy", "orjson", "torch", "pydantic"} & modules
    assert Path(chirpleaf.__file__).parent.name in packages_of(modules)
