"""The table of a catalogue: CSV for spreadsheets, JSON with all parameters."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from chirpleaf.catalog.outcome import Outcome, worst_code

COLUMNS = (
    *("chirp_mass", "mass_ratio", "mass_1_source", "mass_2_source", "chi_eff", "chi_p"),
    *("final_mass_source", "final_spin", "luminosity_distance", "redshift"),
)
"""Parameters of the CSV table; `catalog.json` holds all."""

_BEFORE = ("name", "trigger_time", "detectors", "verdict", "exit_code")
_AFTER = (
    "snr",
    "log_bayes_factor",
    "efficiency",
    "effective_samples",
    "waveforms",
    "model",
    "seconds",
    "cpu_seconds",
    "reasons",
)


def write_csv(outcomes: Iterable[Outcome]) -> str:
    """The table as CSV, with median, lower and upper end of each parameter.

    Args:
        outcomes: in the order of the table.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = ("median", "lower", "upper")
    writer.writerow([*_BEFORE, *(f"{name}_{end}" for name in COLUMNS for end in ends), *_AFTER])
    for one in outcomes:
        rows = [one.parameters.get(name) for name in COLUMNS]
        numbers = [None if row is None else getattr(row, end) for row in rows for end in ends]
        cells = [*(getattr(one, name) for name in _BEFORE), *numbers, *(getattr(one, name) for name in _AFTER)]
        writer.writerow([_write_cell(cell) for cell in cells])
    return text.getvalue()


def make_document(catalogue: str, outcomes: Sequence[Outcome], expected: int) -> dict[str, Any]:
    """The content of `catalog.json`.

    Args:
        catalogue: name of the catalogue.
        outcomes: in the order of the table.
        expected: number of all events; more than outcomes after an interruption.
    """
    return {
        "catalogue": catalogue,
        "version": version("chirpleaf"),
        "n_events": expected,
        "n_finished": len(outcomes),
        "exit_code": worst_code({one.exit_code for one in outcomes}),
        "verdicts": count_verdicts(outcomes),
        "events": [one.to_json() for one in outcomes],
    }


def count_verdicts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Number of events of each verdict, the most frequent first.

    Args:
        outcomes: any.
    """
    return dict(Counter(one.verdict for one in outcomes).most_common())


def _write_cell(value: object) -> object:
    """A cell: text for lists, six digits for numbers."""
    if isinstance(value, tuple):
        return "; ".join(value) if any(" " in part for part in value) else " ".join(value)
    return f"{value:.12g}" if isinstance(value, float) else "" if value is None else value
