"""Notebooks of the site: executed when it is built, and shown as pages with their outputs."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

_LONGEST_CELL = 600
"""Seconds after which a cell counts as hanging; a notebook takes less than a minute on a quiet machine."""
_ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # CI chooses another one, which shows nothing
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore:Wswiglal-redir-stdio",  # LAL explains how it prints within IPython
}


def execute_notebooks(folder: Path) -> dict[str, str | bytes]:
    """Executes all notebooks of a folder, unless the environment says `NOTEBOOKS=0`.

    Args:
        folder: folder with `*.ipynb`.

    Returns:
        Content by path below the parent of the folder: a page, its pictures and the executed notebook for each.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
        ValueError: a notebook shows no picture.
    """
    made: dict[str, str | bytes] = {}
    for path in sorted(folder.glob("*.ipynb")):
        made |= {f"{folder.name}/{name}": content for name, content in _execute(path).items()}
    return made


def _execute(path: Path) -> dict[str, str | bytes]:
    notebook = nbformat.read(path, as_version=4)
    if os.environ.get("NOTEBOOKS") != "0":
        with TemporaryDirectory() as sockets:  # TCP would be open to other users of the machine
            manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
            NotebookClient(notebook, timeout=_LONGEST_CELL, km=manager).execute(env=os.environ | _ENVIRONMENT)
    resources = {"output_files_dir": f"{path.stem}-files", "unique_key": path.stem}
    body, resources = MarkdownExporter().from_notebook_node(notebook, resources=resources)
    head, _, rest = body.partition("\n\n")
    if os.environ.get("NOTEBOOKS") != "0" and not resources["outputs"]:
        raise ValueError(f"expected pictures among the outputs of {path.name}; got none: look at the backend")
    button = f"[Download this notebook]({path.name}){{ .md-button }}"
    return {
        f"{path.stem}.md": f"{head}\n\n{button}\n\n{rest}",
        path.name: nbformat.writes(notebook),
        **resources["outputs"],
    }
