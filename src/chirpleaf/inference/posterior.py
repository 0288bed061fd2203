"""A posterior: samples, their density, and what they are of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.observe import Observation
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.trust import Trust
from chirpleaf.result.weights import effective_sample_size, relative_weights, resample_systematically

if TYPE_CHECKING:
    from chirpleaf.inference.certify.target import Target
    from chirpleaf.result.certificate import Certificate
    from chirpleaf.result.sky import SkyMap

Array = NDArray[np.float64]

HEADLINE = (
    "chirp_mass",
    "mass_1",
    "mass_2",
    "mass_ratio",
    "chi_eff",
    "final_mass",
    "final_spin",
    "f_220",
    "tau_220",
)
"""Parameters of the table that `chirpleaf infer` prints."""

PLACED = ("luminosity_distance", "chirp_mass_source", "mass_1_source", "mass_2_source", "network_optimal_snr")
"""What a certified posterior adds to it."""


@dataclass(frozen=True)
class Posterior:
    """The posterior of one event.

    Attributes:
        samples: parameter name to values, each of shape (n,), in the units of `physics.parameters`.
        log_prob: ln of the density they were drawn from per unit of chirp_mass, mass_ratio, chi_1, chi_2, or of the
            quantities of leaves, shape (n,); NaN where they are estimates.
        log_weight: ln of their weights, shape (n,); zeros where the posterior is not certified.
        event: name of the event, or "strain" for the user's own files.
        trigger_time: GPS time that was asked for, seconds.
        seed: seed of the draws.
        observation: the data as the model saw them.
        trust: whether the answer can be trusted, and why not.
        timing: seconds by stage: load_s, infer_s, certify_s (None when not certified), total_s.
        certificate: how good the weighed samples are; None when not certified.
        sky: where the source lies; None when not certified.
        target: prior and waveform that it is certified under; None when not certified.
        parts: what the width of a leaf's quantity is made of (`inference.leaves`); empty for all parameters together.
    """

    samples: Samples
    log_prob: Array
    log_weight: Array
    event: str
    trigger_time: float
    seed: int
    observation: Observation
    trust: Trust
    timing: Mapping[str, float | None] = field(default_factory=dict)
    certificate: "Certificate | None" = None
    sky: "SkyMap | None" = None
    target: "Target | None" = None
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def headline(self) -> tuple[str, ...]:
        """Parameters of the corner plot and of the head of the table."""
        return tuple(self.parts) or HEADLINE

    @property
    def detectors(self) -> tuple[str, ...]:
        """Detectors whose data were used."""
        return self.certificate.detectors if self.certificate else self.observation.model.detectors

    @property
    def approximant(self) -> str:
        """Waveform model of the posterior."""
        return self.certificate.approximant if self.certificate else self.observation.model.architecture.approximant

    @property
    def effective_samples(self) -> int:
        """Samples of equal weight that these are worth."""
        return max(int(effective_sample_size(self.weights)), 1)

    @property
    def weights(self) -> Array:
        """Weights of the samples, the greatest one, shape (n,); all one where none has any (`trust` says so)."""
        weight = relative_weights(self.log_weight)
        return weight if weight.any() else np.ones(len(self))

    def resampled(self, n: int | None = None) -> Samples:
        """Samples of equal weight.

        Args:
            n: how many; all where they have equal weights, else as many as are effective, when None.

        Returns:
            Parameter name to values, each of shape (n,); draws repeat where their weight is large.
        """
        if n is None and not np.ptp(self.weights):
            return self.samples
        chosen = resample_systematically(self.weights, n or self.effective_samples, self.seed)
        return {name: values[chosen] for name, values in self.samples.items()}

    def __len__(self) -> int:
        return len(self.log_prob)

    def summary(self, parameters: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
        """Median and 90 % interval of parameters.

        Args:
            parameters: names; all when None.

        Returns:
            Name to {"median", "lower", "upper", "unit"}, and `parts` where there are any; lower and upper are the 5 %
            and 95 % quantiles.
        """
        weighed: dict[str, Any] = {"weights": self.weights, "method": "inverted_cdf"} if np.ptp(self.weights) else {}
        rows = {}
        for name in parameters or tuple(self.samples):
            lower, median, upper = np.quantile(self.samples[name], (0.05, 0.5, 0.95), **weighed)
            rows[name] = {
                "median": float(median),
                "lower": float(lower),
                "upper": float(upper),
                "unit": PARAMETERS[name].unit,
                **self.parts.get(name, {}),
            }
        return rows
