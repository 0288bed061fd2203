"""Checks of the best template: is there a signal within the range that the model was trained for?"""

from chirpleaf.inference.observation import Observation
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, SignalSettings
from chirpleaf.result.trust import Finding, Level


def examine_observation(
    observation: Observation, settings: SignalSettings = DEFAULT_TRUST.signal, *, certified: bool = False
) -> tuple[Finding, ...]:
    """Compares the best template with the range of the model.

    Args:
        observation: the data in the form that the model takes.
        settings: the range of signal-to-noise ratios.
        certified: whether the posterior is compared with the end of the prior, as certified ones are.

    Returns:
        A finding for each limit that the template crosses.
    """
    snr, found = observation.snr, []
    if snr < settings.least_snr:
        found.append(
            Finding(
                "signal.snr",
                Level.REFUSE,
                f"no signal: network signal-to-noise {snr:.1f}, below {settings.least_snr:g}; check the trigger time",
                value=snr,
            )
        )
    if snr > settings.greatest_snr:
        message = f"signal-to-noise {snr:.1f} lies above the {settings.greatest_snr:g} that the model was trained for"
        found.append(Finding("model.snr", Level.REFUSE, message, value=snr))
    return (*found, *_examine_template(observation, certified=certified))


def _examine_template(observation: Observation, *, certified: bool) -> tuple[Finding, ...]:
    """Whether the best template lies at an end of the model's chirp masses.

    Templates of heavy binaries are far apart, and the heaviest one suits a tenth of the range: the walls of a certified
    posterior tell signals within the range from those beyond it.
    """
    prior = observation.model.architecture.prior
    templates = observation.model.estimator.canonical.chirp_mass
    lightest, heaviest = float(templates.min()), float(templates.max())
    cut_below, cut_above = prior.chirp_mass_cuts
    found = observation.chirp_mass
    if not ((cut_below and found <= lightest) or (cut_above and found >= heaviest and not certified)):
        return ()
    low, high = prior.chirp_mass_range
    message = (
        f"the best template lies at the edge of the chirp masses of {observation.model.name}, {low:.0f}-{high:.0f} "
        "solar masses; choose another model"
    )
    return (Finding("model.template", Level.REFUSE, message, value=found),)
