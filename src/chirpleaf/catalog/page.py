"""The page of a catalogue, `catalog.html`: all events with links to their reports, in one file without scripts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from chirpleaf.catalog.outcome import ANSWERED, Outcome, Row
from chirpleaf.catalog.run import EVENTS
from chirpleaf.catalog.table import count_verdicts
from chirpleaf.report.numbers import format_errors
from chirpleaf.report.templates import load_page

SHOWN = (
    ("chirp_mass", "ℳ_det", "M☉"),
    ("mass_1_source", "m₁", "M☉"),
    ("mass_2_source", "m₂", "M☉"),
    ("chi_eff", "χ_eff", ""),
    ("final_mass_source", "M_f", "M☉"),
    ("final_spin", "χ_f", ""),
    ("luminosity_distance", "d_L", "Mpc"),
)
"""Parameters of the page: name, symbol, unit."""

_AXIS = (1.0, 300.0)
"""Ends of the logarithmic axis of the masses, solar masses."""

_TICKS = (3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Bar:
    """An interval on the axis of the masses, in per cent of its length."""

    left: float
    width: float
    median: float


@dataclass(frozen=True)
class Line:
    """A line of the page.

    Attributes:
        outcome: the event.
        link: address of its report; empty without one.
        cells: the parameters of `SHOWN` that any event has: median, upper and lower error; all empty where unknown.
        bars: intervals of the source masses.
    """

    outcome: Outcome
    link: str
    cells: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...]


def render_page(catalogue: str, outcomes: Sequence[Outcome], expected: int) -> str:
    """Renders the page.

    Args:
        catalogue: name of the catalogue.
        outcomes: in the order of the table.
        expected: number of all events; more than outcomes after an interruption.

    Returns:
        HTML that refers to nothing but the reports of the events.
    """
    shown = [column for column in SHOWN if any(column[0] in one.parameters for one in outcomes)]
    lines = [_make_line(one, [name for name, _, _ in shown]) for one in outcomes]
    return load_page("chirpleaf.catalog").render(
        catalogue=catalogue,
        lines=lines,
        barred=any(line.bars for line in lines),
        expected=expected,
        verdicts=count_verdicts(outcomes),
        grades={one.verdict: one.grade for one in outcomes},
        shown=shown,
        ticks=[(tick, f"{_place(tick):.2f}") for tick in _TICKS],
        seconds=sum(one.cpu_seconds for one in outcomes),
        version=version("chirpleaf"),
    )


def _make_line(outcome: Outcome, shown: Sequence[str]) -> Line:
    rows = [outcome.parameters.get(name) for name in shown]
    link = f"{EVENTS}/{outcome.name}/report.html" if outcome.exit_code in ANSWERED else ""
    return Line(outcome, link, tuple(map(_split, rows)), tuple(_list_bars(outcome)))


def _split(row: Row | None) -> tuple[str, ...]:
    """Median, upper and lower error, as text."""
    parts = write_row(row).replace("(", "").rstrip(")").split()
    return (*parts, "", "", "")[:3]


def write_row(row: Row | None) -> str:
    """Median with errors, of as many digits as the interval warrants.

    Args:
        row: a parameter; None if it is unknown.
    """
    if row is None:
        return ""
    if row.upper - row.lower >= 100:
        return f"{row.median:.0f} (+{row.upper - row.median:.0f} −{row.median - row.lower:.0f})".replace("-", "−")
    return format_errors(row.median, row.upper, row.lower) if row.upper > row.lower else f"{row.median:.3f}"


def _list_bars(outcome: Outcome) -> Iterator[Bar]:
    for name in ("mass_1_source", "mass_2_source"):
        row = outcome.parameters.get(name)
        if row is not None and row.lower > 0:
            left, right = _place(row.lower), _place(row.upper)
            yield Bar(round(left, 2), round(max(right - left, 0.5), 2), round(_place(row.median), 2))


def _place(mass: float) -> float:
    """Place of a mass on the axis, per cent."""
    low, high = map(math.log, _AXIS)
    return min(max((math.log(mass) - low) / (high - low), 0.0), 1.0) * 100
