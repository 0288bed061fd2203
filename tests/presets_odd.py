"""Odd values of the settings of a preset, for tests and fuzzer: zero, negative, huge, empty, of another type."""

from collections.abc import Iterator
from typing import Any

BASES: dict[str, dict[str, Any]] = {
    "mixture": {"name": "x"},
    "flow": {"name": "x", "head": {"kind": "flow"}, "encoder": {"kind": "pooled"}},
    "leaves": {
        "name": "x",
        "series": {"rate": 2048, "n_samples": 2048},
        "root": {"layers": [{"kernel": 16, "channels": 8, "pool": 4}]},
        "head": {"kind": "bayesian-leaves", "names": ["mass_1", "mass_2"]},
        "simulation": {"subsets": {"sizes": [0, 1], "weights": [1, 1]}},
        "prior": {"kind": "IsotropicSpinPrior", "chirp_mass_min": 20.0},
    },
}
"""Presets that have every variant of the settings between them."""

ODD: tuple[Any, ...] = (
    *(0, -1, 1, 1e-300, 1e300, 10**30, 1e7, float("nan"), float("inf"), float("-inf"), True, None),
    *("", "x", "H1", [], [0], [1e300, 1e300], [-1, -1], [1] * 50, ["H1", "H1"], {}, {"x": 1}, [[[]]], "0" * 500),
)


def list_places(values: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in sections and lists."""
    if place:
        yield place
    entries = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for name, value in entries:
        yield from list_places(value, (*place, name))


def replace_value(values: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of sections and lists with another value at a place."""
    if not place:
        return value
    first, *others = place
    copy = dict(values) if isinstance(values, dict) else list(values)
    copy[first] = replace_value(copy[first], tuple(others), value)
    return copy
