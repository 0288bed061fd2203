"""Trust: is the event one that the model was trained for?

An amortised posterior answers whatever it is asked. These checks say when the question lies outside its training, and
when the exact likelihood does not bear the answer out.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chirpleaf.inference.observe import Observation

if TYPE_CHECKING:
    from chirpleaf.inference.certify.certificate import Certificate

LEAST_SNR = 6.0
"""Peak network signal-to-noise below which there is no signal to speak of: training begins at an optimal 7."""

GREATEST_SNR = 65.0
"""Training ends at an optimal 60."""


@dataclass(frozen=True)
class Trust:
    """A verdict on one answer.

    Attributes:
        verdict: "trusted" or "untrusted".
        network_snr: peak matched-filter signal-to-noise of the loudest waveform tried, root of the sum of squares.
        snr: that of the best template in each detector.
        reasons: why it is not trusted, one sentence each.
    """

    verdict: str
    network_snr: float
    snr: dict[str, float]
    reasons: tuple[str, ...]

    @property
    def trusted(self) -> bool:
        """Whether the answer can be trusted."""
        return self.verdict == "trusted"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def assess(observation: Observation, certificate: "Certificate | None" = None) -> Trust:
    """Judges an answer.

    Args:
        observation: the data as the model saw them.
        certificate: how good the weighed samples are, where they are weighed.

    Returns:
        The verdict.
    """
    snr = observation.snr
    reasons = []
    if snr < LEAST_SNR:
        reasons.append(f"no signal: network signal-to-noise {snr:.1f}, below {LEAST_SNR:g}; check the trigger time")
    if snr > GREATEST_SNR:
        reasons.append(f"signal-to-noise {snr:.1f} lies above the {GREATEST_SNR:g} that the model was trained for")
    prior = observation.model.architecture.prior
    rungs = observation.model.estimator.canonical.chirp_mass
    lightest, heaviest = float(rungs.min()), float(rungs.max())
    at_edge = (prior.chirp_mass_min is not None and observation.chirp_mass <= lightest) or (
        prior.chirp_mass_max is not None and observation.chirp_mass >= heaviest
    )
    if at_edge:
        low, high = prior.chirp_mass_range
        reasons.append(
            f"the best template lies at the edge of the chirp masses of {observation.model.name}, {low:.0f}-{high:.0f} "
            "solar masses; choose another model"
        )
    if certificate is not None:
        reasons.extend(certificate.reasons)
    by_detector = dict(zip(observation.model.detectors, observation.canonical.snr[0].tolist(), strict=True))
    return Trust("untrusted" if reasons else "trusted", snr, by_detector, tuple(reasons))
