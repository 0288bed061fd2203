"""The files of a catalogue: catalog.csv, catalog.json, catalog.html, written together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from chirpleaf.catalog.outcome import Outcome
from chirpleaf.catalog.page import render_page
from chirpleaf.catalog.run import CatalogRun
from chirpleaf.catalog.table import make_document, write_csv
from chirpleaf.result.json_files import write_json
from chirpleaf.system.files import write_files
from chirpleaf.system.products import add_products


def write_tables(run: CatalogRun, outcomes: Sequence[Outcome]) -> tuple[Path, ...]:
    """Writes table and page.

    Args:
        run: the run.
        outcomes: those of its finished events, in the order of the table.

    Returns:
        The files.
    """
    expected = len(run.entries)
    texts = {"catalog.csv": write_csv(outcomes), "catalog.html": render_page(run.catalogue, outcomes, expected)}
    writers = {name: partial(_write_text, text) for name, text in texts.items()}
    document = make_document(run.catalogue, outcomes, expected)
    files = {**writers, "catalog.json": partial(write_json, lambda: document, indented=True)}
    written = write_files(files, run.folder)
    add_products(run.folder, written)
    return written


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
