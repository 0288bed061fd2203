"""Certificate: how good weighed samples are, and whether they are to be trusted."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.sky import SkyMap
from chirpleaf.physics.derived import Samples

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """How good weighed samples are.

    Attributes:
        efficiency: effective samples over draws.
        effective_samples: (sum w)^2 / sum w^2.
        log_bayes_factor: ln of the evidence of signal over that of noise.
        log_bayes_factor_error: its standard error.
        pareto_k: shape of the tail of the weights; above 0.7 they are not to be believed.
        draws: proposals that were weighed.
        marginal_error: standard error of ln L of a draw from the extrinsic points, median over the posterior.
        likelihood_error: root mean square, over some samples, of ln L less its value on every frequency.
        approximant: waveform model.
        detectors: whose data were used.
        wanted: effective samples that were asked for.
        edges: where the posterior reaches beyond what the network proposes, a sentence for each edge.
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

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the samples are not to be trusted; empty where they are."""
        found = []
        if self.effective_samples < self.wanted:
            found.append(
                f"{self.effective_samples:.0f} effective samples of {self.wanted} after {self.draws} draws "
                f"(efficiency {self.efficiency:.2g}): the network's proposal misses the posterior, or --budget is short"
            )
        if self.pareto_k > 0.7:
            found.append(f"the weights have a heavy tail (Pareto k {self.pareto_k:.2f}, above 0.7)")
        if self.likelihood_error > 0.1:
            found.append(f"the fast likelihood is off by {self.likelihood_error:.2f} nats from the full one")
        return (*found, *self.edges)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; what is not finite becomes null."""
        return {name: None if _infinite(value) else value for name, value in asdict(self).items()}


class Certified(NamedTuple):
    """Weighed draws.

    Attributes:
        samples: the eleven parameters, what follows from them, optimal signal-to-noises, and log_likelihood (over that
            of noise, nats), each of shape (n,).
        log_prob: ln of the density they were drawn from, per unit of chirp_mass, mass_ratio, chi_1, chi_2.
        log_weight: ln of their weights, of mean one.
        sky: where the source lies.
        certificate: the verdict.
    """

    samples: Samples
    log_prob: Array
    log_weight: Array
    sky: SkyMap
    certificate: Certificate


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not np.isfinite(value)
