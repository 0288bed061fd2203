"""Certificate: the quality of importance-weighted samples, and whether they can be trusted."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any

GREATEST_PARETO_K = 0.7
"""Tail shape of the weights above which their mean has not converged (arXiv:1507.02646)."""

GREATEST_LIKELIHOOD_ERROR = 0.1
"""Root mean square error of ln L, nats, above which the fast likelihood would distort the posterior."""

GREATEST_FAILED_SHARE = 0.01
"""Share of the draws whose waveform cannot be computed above which the posterior may lack a part."""


@dataclass(frozen=True)
class Certificate:
    """Importance-sampling diagnostics of a certified posterior.

    Attributes:
        efficiency: effective sample size divided by the number of draws.
        effective_samples: effective sample size, (sum w)^2 / sum w^2.
        log_bayes_factor: ln of the evidence ratio of signal to noise.
        log_bayes_factor_error: standard error of `log_bayes_factor`.
        pareto_k: shape of the tail of the weights; weights above 0.7 cannot be trusted.
        draws: number of draws from the proposal.
        marginal_error: standard error of ln L of a draw that the finite number of extrinsic points causes, median
            over the posterior, nats.
        likelihood_error: root mean square difference of the fast ln L from its value on every frequency, nats.
        approximant: waveform model of the likelihood.
        detectors: names of the detectors whose data were used.
        wanted: effective sample size that the user asked for.
        edges: a sentence for each edge of the network's prior beyond which the posterior may continue.
        failed_waveforms: number of draws whose waveform could not be computed; their likelihood counts as zero.
    """

    efficiency: float
    effective_samples: float
    log_bayes_factor: float
    log_bayes_factor_error: float
    pareto_k: float
    draws: int
    marginal_error: float
    likelihood_error: float
    approximant: str
    detectors: tuple[str, ...]
    wanted: int
    edges: tuple[str, ...] = ()
    failed_waveforms: int = 0

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons not to trust the samples, a sentence each; empty if there is none."""
        found = []
        if self.effective_samples < self.wanted:
            found.append(
                f"{self.effective_samples:.0f} effective samples of {self.wanted} after {self.draws} draws "
                f"(efficiency {self.efficiency:.2g}): the network's proposal misses the posterior, or --budget is short"
            )
        if self.pareto_k > GREATEST_PARETO_K:
            found.append(f"the weights have a heavy tail (Pareto k {self.pareto_k:.2f}, above {GREATEST_PARETO_K:g})")
        if self.likelihood_error > GREATEST_LIKELIHOOD_ERROR:
            found.append(f"the fast likelihood is off by {self.likelihood_error:.2f} nats from the full one")
        if self.failed_waveforms > GREATEST_FAILED_SHARE * self.draws:
            found.append(
                f"{self.approximant} cannot compute {self.failed_waveforms} waveforms of {self.draws} draws, which "
                "count as impossible; choose another approximant"
            )
        return (*found, *self.edges)

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values; infinite numbers become null."""
        return {name: None if _is_infinite(value) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Certificate":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name; other names are ignored. Null becomes minus infinity for
                `log_bayes_factor`, and infinity for every other number.

        Raises:
            KeyError: an attribute is missing.
        """
        known: dict[str, Any] = {field.name: values[field.name] for field in fields(cls) if _is_stored(field, values)}
        infinite = {name: _infinity_of(name) for name, value in known.items() if value is None}
        return cls(
            **{**known, **infinite, "detectors": tuple(known["detectors"]), "edges": tuple(known.get("edges", ()))}
        )


def _is_stored(field: Field[Any], values: Mapping[str, Any]) -> bool:
    """Whether an attribute is among the values; files of former versions lack those that have a default."""
    return field.name in values or field.default is MISSING


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _infinity_of(name: str) -> float:
    return -math.inf if name == "log_bayes_factor" else math.inf
