"""Reweighting of a certified posterior for a systematic uncertainty, as its certificate records it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

TITLES = {
    "psd": "other noise spectra",
    "spectra": "uncertainty of the noise spectra",
    "calibration": "uncertainty of the calibration",
}
"""What each reweighting is for, in words, by its name."""

LEAST_EFFECTIVE_SAMPLES = 500
"""Effective samples that a reweighted posterior needs, unless fewer were asked for. With fewer, the probability below a
5 % quantile is known to worse than one percent; more would refuse spectra that differ by little."""


@dataclass(frozen=True)
class Reweighting:
    """One reweighting: samples of a posterior become samples under another likelihood.

    Attributes:
        name: a key of `TITLES`.
        detectors: names of the detectors that it changes.
        samples: number of samples of equal weight that were reweighted.
        efficiency: effective sample size of the new weights over `samples`.
        effective_samples: the same effective sample size.
        pareto_k: shape of the tail of the new weights.
        log_bayes_factor_change: change of ln of the evidence ratio of signal to noise.
        log_bayes_factor_scatter: its standard deviation over the drawn spectra; zero if none are drawn.
        draws: spectra, or curves for each sample and detector, that were drawn; zero for given spectra.
        effective_draws: effective number of these curves for a sample, or of the spectra; zero for given spectra.
        correction: what calibration envelopes correct, "data" or "template"; else empty.
    """

    name: str
    detectors: tuple[str, ...]
    samples: int
    efficiency: float
    effective_samples: float
    pareto_k: float
    log_bayes_factor_change: float
    log_bayes_factor_scatter: float = 0.0
    draws: int = 0
    effective_draws: float = 0.0
    correction: str = ""

    @property
    def title(self) -> str:
        """What the reweighting is for, in words."""
        return TITLES.get(self.name, self.name)

    def describe(self) -> str:
        """The attributes in one sentence.

        Example:
            >>> Reweighting("psd", ("H1",), 4000, 0.75, 3000.0, 0.2, -0.114).describe()
            'other noise spectra of H1: ln Bayes factor -0.11, efficiency of the reweighting 0.75'
        """
        note = f" (envelopes correct the {self.correction})" if self.correction else ""
        scatter = f" +- {self.log_bayes_factor_scatter:.2f}" if self.log_bayes_factor_scatter else ""
        return (
            f"{self.title} of {', '.join(self.detectors)}{note}: ln Bayes factor {self.log_bayes_factor_change:+.2f}"
            f"{scatter}, efficiency of the reweighting {self.efficiency:.2f}"
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Reweighting":
        """Inverse of `dataclasses.asdict`, for values of JSON.

        Args:
            values: JSON values by attribute name; other names are ignored, and null is infinity.

        Raises:
            TypeError: an attribute is missing.
        """
        known = {entry.name: values[entry.name] for entry in fields(cls) if entry.name in values}
        known = {name: float("inf") if value is None else value for name, value in known.items()}
        return cls(**{**known, "detectors": tuple(known.get("detectors", ()))})
