"""Trust: is the event one that the model was trained for?

An amortised posterior answers whatever it is asked. These checks say when the question lies outside its training, and
when the exact likelihood does not bear the answer out.
"""

from chirpleaf.inference.observe import Observation
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.trust import TRUSTED, UNTRUSTED, Trust

LEAST_SNR = 6.0
"""Peak network signal-to-noise below which there is no signal to speak of: training begins at an optimal 7."""

GREATEST_SNR = 65.0
"""Training ends at an optimal 60."""


def assess(observation: Observation, certificate: Certificate | None = None) -> Trust:
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
    return Trust(UNTRUSTED if reasons else TRUSTED, snr, by_detector, tuple(reasons))
