"""A test of general relativity as JSON: `relativity.json`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chirpleaf.inference.relativity.analysis import RelativityTest
from chirpleaf.inference.relativity.comparison import Comparison, Part
from chirpleaf.inference.relativity.leaves import LeafComparison
from chirpleaf.physics.parameters import PARAMETERS

Row = dict[str, float | str]

_INTERVAL = (0.05, 0.5, 0.95)


def to_json(test: RelativityTest) -> dict[str, Any]:
    """The result as JSON values; `lower` and `upper` are the 5 % and 95 % quantiles.

    Args:
        test: the result.

    Returns:
        Keys as in `summary.json`; `cutoff_hz`, `parts`, `deviation` and `gr_quantile` are null without a comparison.
    """
    origin, comparison = test.provenance, test.comparison
    return {
        "event": origin.event,
        "trigger_time": origin.trigger_time,
        "detectors": list(origin.detectors),
        "model": origin.model,
        "approximant": origin.approximant,
        "prior": f"{test.prior}, made flat in final mass and final spin",
        "seed": origin.seed,
        **_describe_comparison(comparison),
        "leaves": {one.name: _describe_leaf(one) for one in test.leaves},
        "trust": test.trust.to_json(),
        "timing": test.timing,
        "provenance": origin.to_json(),
    }


def _describe_comparison(comparison: Comparison | None) -> dict[str, Any]:
    if comparison is None:
        return dict.fromkeys(("cutoff_hz", "parts", "deviation", "gr_quantile"))
    deviation = comparison.deviation
    rows = None
    if deviation is not None:
        mass, spin = deviation.quantiles(_INTERVAL)
        rows = {"final_mass": make_row(mass), "final_spin": make_row(spin)}
    return {
        "cutoff_hz": comparison.cutoff,
        "parts": {name: _describe_part(part) for name, part in comparison.parts.items()},
        "deviation": rows,
        "gr_quantile": None if deviation is None else deviation.quantile,
    }


def _describe_part(part: Part) -> dict[str, Any]:
    rows = {
        name: make_row(np.quantile(values, _INTERVAL), PARAMETERS[name].unit) for name, values in part.samples.items()
    }
    return {
        "f_min": part.band[0],
        "f_max": part.band[1],
        "optimal_snr": part.snr,
        "parameters": rows or None,
        "certificate": None if part.certificate is None else part.certificate.to_json(),
    }


def _describe_leaf(one: LeafComparison) -> dict[str, Any]:
    return {"leaf": make_row(one.leaf), "fit": make_row(one.fit), "quantile": one.quantile}


def make_row(quantiles: Sequence[float] | np.ndarray, unit: str = "") -> Row:
    """Median and 90 % interval.

    Args:
        quantiles: 5 %, 50 % and 95 % quantiles.
        unit: their unit; empty for pure numbers.
    """
    lower, median, upper = (float(value) for value in quantiles)
    return {"median": median, "lower": lower, "upper": upper, "unit": unit}
