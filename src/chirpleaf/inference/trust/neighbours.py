"""Neighbours: does a shipped model of lighter or heavier binaries find a louder signal?

A posterior next to the end of its model's chirp masses may be that of a signal beyond it, which looks least foreign
there. The density at the end does not always show it: the best binaries of the model may lie just within. The models
next to it know what lies beyond.
"""

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.observe import is_louder, observe
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, NeighbourSettings
from chirpleaf.models.shipped import posteriors
from chirpleaf.result.trust import Finding, Level
from chirpleaf.result.weights import relative_weights, weighted_quantiles


def examine_neighbours(
    data: PreparedData,
    chirp_mass: NDArray[np.float64],
    log_weight: NDArray[np.float64],
    settings: NeighbourSettings = DEFAULT_TRUST.neighbours,
) -> tuple[Finding, ...]:
    """Tries the shipped models beyond an end of the chirp masses that the posterior comes near to.

    Args:
        data: the prepared data.
        chirp_mass: draws of the posterior, shape (n,), solar masses.
        log_weight: ln of their weights, shape (n,).
        settings: what is near.

    Returns:
        A finding if a model finds a much louder signal; none otherwise, or if the strain is too short for it.
    """
    architecture = data.model.architecture
    low, high = architecture.prior.chirp_mass_range
    cut_below, cut_above = architecture.prior.chirp_mass_cuts
    kept = np.isfinite(log_weight)
    least, greatest = weighted_quantiles(chirp_mass[kept], settings.quantiles, relative_weights(log_weight[kept]))
    beneath = cut_below and least < low * settings.near
    beyond = cut_above and greatest > high / settings.near
    if not (beneath or beyond):
        return ()
    for candidate in posteriors(architecture.approximant):
        other = candidate.load()
        lowest, highest = other.architecture.prior.chirp_mass_range
        if (beneath and lowest < low) or (beyond and highest > high):
            try:
                found = observe(
                    other, data.source.strain, data.spectra, data.source.trigger_time, data.options.conditioning
                )
            except InputError:
                continue
            if is_louder(found, data.observation):
                message = (
                    f"{other.name} finds a louder signal (signal-to-noise {found.snr:.1f}) of another chirp mass than "
                    f"{data.model.name}, {low:g}-{high:g} solar masses, whose end this posterior lies at: choose "
                    f"--model {other.name}"
                )
                return (Finding("model.neighbour", Level.REFUSE, message, value=found.snr),)
    return ()
