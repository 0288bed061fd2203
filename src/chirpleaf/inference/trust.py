"""The verdict on a result: whether the event is within the training range, and the exact likelihood confirms it.

A network returns a posterior for any input. These checks detect inputs outside of the training range, and results that
the exact likelihood contradicts.
"""

from collections.abc import Sequence

from chirpleaf.inference.observation import Observation
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.trust import TRUSTED, UNTRUSTED, Trust

LEAST_SNR = 6.0
"""Peak network signal-to-noise ratio below which there is no signal. Training begins at an optimal ratio of 7, so a
higher limit would refuse events that the model knows, a lower one would accept noise."""

GREATEST_SNR = 65.0
"""Peak network signal-to-noise ratio above which the model was not trained. Training ends at an optimal ratio of 60."""


def assess(observation: Observation, certificate: Certificate | None = None, doubts: Sequence[str] = ()) -> Trust:
    """Judges a result.

    Args:
        observation: the data in the form that the model takes.
        certificate: importance-sampling diagnostics; None if the result is not certified.
        doubts: reasons of the data to distrust the result.

    Returns:
        The verdict, with a reason for each check that failed.
    """
    snr = observation.snr
    reasons = list(doubts)
    if snr < LEAST_SNR:
        reasons.append(f"no signal: network signal-to-noise {snr:.1f}, below {LEAST_SNR:g}; check the trigger time")
    if snr > GREATEST_SNR:
        reasons.append(f"signal-to-noise {snr:.1f} lies above the {GREATEST_SNR:g} that the model was trained for")
    prior = observation.model.architecture.prior
    templates = observation.model.estimator.canonical.chirp_mass
    lightest, heaviest = float(templates.min()), float(templates.max())
    cut_below, cut_above = prior.chirp_mass_cuts
    at_edge = (cut_below and observation.chirp_mass <= lightest) or (cut_above and observation.chirp_mass >= heaviest)
    if at_edge:
        low, high = prior.chirp_mass_range
        reasons.append(
            f"the best template lies at the edge of the chirp masses of {observation.model.name}, {low:.0f}-{high:.0f} "
            "solar masses; choose another model"
        )
    if certificate is not None:
        reasons.extend(certificate.reasons)
    notes = tuple(model.describe() for model in observation.untried)
    return Trust(UNTRUSTED if reasons else TRUSTED, snr, observation.snr_by_detector, tuple(reasons), notes)
