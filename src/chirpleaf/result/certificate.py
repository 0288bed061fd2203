"""Certificate: the quality of importance-weighted samples, and whether they can be trusted."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any, Literal

from chirpleaf.result.reweighting import LEAST_EFFECTIVE_SAMPLES, Reweighting
from chirpleaf.result.tail import GREATEST_PARETO_K, has_converged, hidden_share, limit_pareto_k

GREATEST_LIKELIHOOD_ERROR = 0.1
"""Root mean square error of ln L, nats, above which the fast likelihood would distort the posterior."""

GREATEST_FAILED_SHARE = 0.01
"""Share of the draws whose waveform cannot be computed above which the posterior may lack a part."""

FEWEST_POINTS = 100
"""Effective extrinsic points that a posterior needs, and effective pairs likewise, unless fewer samples were asked for.
With fewer, the sky map and the distance rest on a handful of orientations; more would refuse loud events, whose points
are hard to find. Ordinary events have tens of thousands."""

ENOUGH_POINTS = 500
"""Effective extrinsic points below which an answer is doubtful, likewise."""

FEWEST_DRAWS = 10
"""Draws below which the tail of the weights says nothing: the greatest Pareto k that is allowed would be negative."""

Stopped = Literal["enough", "draws", "budget", "hopeless", "refused", "unknown"]
"""Why no more draws were made: enough are effective, the most that are allowed were made, the user's time budget was
up, no number that is allowed would be enough, or the data refuse the answer, whatever the draws are. Results of former
versions do not state it."""

_OPTIONAL = ("effective_points", "effective_pairs")
"""Numbers that results of former versions lack; they are never infinite."""


@dataclass(frozen=True)
class Certificate:
    """Importance-sampling diagnostics of a certified posterior.

    Attributes:
        efficiency: effective sample size divided by the number of draws.
        effective_samples: effective sample size, (sum w)^2 / sum w^2.
        log_bayes_factor: ln of the evidence ratio of signal to noise.
        log_bayes_factor_error: standard error of `log_bayes_factor`.
        pareto_k: shape of the tail of the weights (see `result.tail`).
        draws: number of draws from the proposal.
        marginal_error: standard error of ln L of a draw that the finite number of extrinsic points causes, median
            over the posterior, nats.
        likelihood_error: root mean square difference of the fast ln L from its value on every frequency, nats.
        approximant: waveform model of the likelihood.
        detectors: names of the detectors whose data were used.
        wanted: effective sample size that the user asked for.
        edges: a sentence for each edge of the network's prior beyond which the posterior may continue.
        failed_waveforms: number of draws whose waveform could not be computed; their likelihood counts as zero.
        largest_weight: largest weight over the sum of all; one, which bounds it, in results of former versions.
        stopped: why no more draws were made.
        reweightings: what the samples were reweighted for after the certification, in this order. All numbers above are
            those after the last one; `draws`, `marginal_error` and `likelihood_error` are of the certification.
        effective_points: effective number of extrinsic points of the certification; None in results of former versions.
        effective_pairs: effective number of pairs of a draw and an extrinsic point, likewise. Draws, of which
            `effective_samples` are effective, points and pairs must all be many: pairs may be a crowd from a handful of
            either.
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
    largest_weight: float = 1.0
    stopped: Stopped = "unknown"
    reweightings: tuple[Reweighting, ...] = ()
    effective_points: float | None = None
    effective_pairs: float | None = None

    @property
    def needed(self) -> int:
        """Effective samples that the result must have: those that were asked for, and fewer after a reweighting."""
        return min(self.wanted, LEAST_EFFECTIVE_SAMPLES) if self.reweightings else self.wanted

    @property
    def converged(self) -> bool:
        """Whether the tail of the weights is light enough; in results of former versions, whether k is at most 0.7."""
        if self.stopped == "unknown":
            return self.pareto_k <= GREATEST_PARETO_K
        return has_converged(self.pareto_k, self.largest_weight, self.draws)

    @property
    def is_inexact(self) -> bool:
        """Whether the fast likelihood of the samples differs too much from that on every frequency."""
        return GREATEST_LIKELIHOOD_ERROR < self.likelihood_error < math.inf

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons not to trust the samples, a sentence each; empty if there is none."""
        if self.stopped == "refused":
            return (f"only {self.draws} draws were made, because the data refuse the answer, whatever its draws are",)
        if self.log_bayes_factor == -math.inf and not self._lacks_waveforms:
            return (
                f"none of {self.draws} draws is possible under data and prior: look at --prior, its geocent_time above "
                "all, and at the times of the strain",
            )
        found = [self._describe_shortage()] if self.effective_samples < self.needed else []
        if not self.converged:
            found.append(self._describe_tail())
        if self.is_inexact:
            found.append(f"the fast likelihood is off by {self.likelihood_error:.2f} nats from the full one")
        elif self.likelihood_error > GREATEST_LIKELIHOOD_ERROR:
            found.append("the fast likelihood cannot be compared with the full one, which has no possible draw")
        if self._lacks_waveforms:
            found.append(
                f"{self.approximant} cannot compute {self.failed_waveforms} waveforms of {self.draws} draws, which "
                "count as impossible; choose another approximant"
            )
        return (*found, *(self._describe_points() if self._lacks_points(FEWEST_POINTS) else ()), *self.edges)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Reasons to take the samples with care, a sentence each; empty if there is none, or one not to trust them."""
        few = self._lacks_points(ENOUGH_POINTS) and not self._lacks_points(FEWEST_POINTS)
        return self._describe_points() if few and self.stopped != "refused" else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What does not change the verdict, a sentence each: that the time of a user ended the sampling."""
        if self.stopped != "budget":
            return ()
        after = f"{self.reweightings[-1].samples} reweighted samples" if self.reweightings else f"{self.draws} draws"
        return (f"the time of --budget ended the sampling after {after}",)

    @property
    def _lacks_waveforms(self) -> bool:
        """Whether too many waveforms could not be computed."""
        return self.failed_waveforms > GREATEST_FAILED_SHARE * self.draws

    def _lacks_points(self, needed: int) -> bool:
        """Whether fewer extrinsic points, or pairs, are effective than are needed, but some are."""
        sizes = [size for size in (self.effective_points, self.effective_pairs) if size is not None]
        return self.effective_samples >= 1 and any(size < min(needed, self.wanted) for size in sizes)

    def _describe_points(self) -> tuple[str, ...]:
        """The sentence on too few extrinsic points."""
        return (
            f"only {self.effective_points:.0f} points of sky, time and orientation, and {self.effective_pairs:.0f} "
            "pairs of a draw and a point, are effective: sky map and distance rest on few of them",
        )

    def _describe_shortage(self) -> str:
        """The sentence on too few effective samples; a wrong proposal is no reason if the time was up."""
        if self.reweightings:
            titles = " and ".join(one.title for one in self.reweightings)
            cut = self.stopped == "budget" and self.reweightings[-1].samples < self.needed
            cause = (
                "the time of --budget was up, give more"
                if cut
                else "the posterior moves too far from the certified one"
            )
            return (
                f"{self.effective_samples:.0f} effective samples of the {self.needed} that are needed after "
                f"reweighting for {titles}: {cause}"
            )
        count = f"{self.effective_samples:.0f} effective samples of {self.wanted} after {self.draws} draws"
        if self.stopped == "budget":
            return f"{count}, when the time of --budget was up: give more time"
        return f"{count} (efficiency {self.efficiency:.2g}): the network's proposal misses the posterior"

    def _describe_tail(self) -> str:
        """The sentence on weights that have not converged."""
        limit = limit_pareto_k(self.draws)
        if self.draws < FEWEST_DRAWS:
            return f"{self.draws} draws are too few to judge their weights: 10000 are usual"
        if self.pareto_k <= limit:
            return f"a single draw has {self.largest_weight:.0%} of the weight"
        hidden = hidden_share(self.pareto_k, self.largest_weight)
        known = self.stopped != "unknown" and hidden < 1
        share = f", which may hide {hidden:.0%} of the posterior" if known else ""
        more = "; the time of --budget was up before more draws" if self.stopped == "budget" else ""
        return f"the weights have a heavy tail (Pareto k {self.pareto_k:.2f}, above {limit:.2g}){share}{more}"

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values; infinite numbers become null."""
        found = {name: _finite(value) for name, value in asdict(self).items()}
        found["reweightings"] = [{name: _finite(value) for name, value in one.items()} for one in found["reweightings"]]
        return found

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
        lacking = {name for name, value in known.items() if value is None} - set(_OPTIONAL)
        infinite = {name: _infinity_of(name) for name in lacking}
        lists = {name: tuple(known.get(name, ())) for name in ("detectors", "edges")}
        reweightings = tuple(Reweighting.from_json(one) for one in known.get("reweightings", ()))
        return cls(**{**known, **infinite, **lists, "reweightings": reweightings})


def _is_stored(field: Field[Any], values: Mapping[str, Any]) -> bool:
    """Whether an attribute is among the values; files of former versions lack those that have a default."""
    return field.name in values or field.default is MISSING


def _finite(value: Any) -> Any:
    """A value as JSON has it: numbers that are not finite become null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _infinity_of(name: str) -> float:
    return -math.inf if name == "log_bayes_factor" else math.inf
