"""The leaves of the remnant against the fits: a second test of one signal by itself.

The leaves of a network estimate final spin and quasi-normal mode from the data directly (arXiv:1903.01998). The same
quantities follow from the masses and spins of the posterior by the fits to numerical relativity. Both see the same
noise, and the network learned from waveforms of general relativity: a difference beyond the uncertainties says that
one of the two fails for this signal, and agreement says less than that of inspiral and post-inspiral.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify import Certified
from chirpleaf.inference.leaves import sample_predictive
from chirpleaf.inference.observe import observe
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.models.shipped import load_model
from chirpleaf.result.weights import relative_weights, weighted_quantiles

MODEL = "remnant-bayesian"
"""The shipped model with the leaves of the remnant."""

_INTERVAL = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class LeafComparison:
    """A quantity by a leaf and by the fit.

    Attributes:
        name: name of the quantity.
        leaf: 5 %, 50 % and 95 % quantiles by the leaf.
        fit: the same by the fit, from the posterior of masses and spins.
        quantile: probability that the fit lies below the leaf, if the two were independent; near 0 or 1 where they
            disagree.
    """

    name: str
    leaf: tuple[float, float, float]
    fit: tuple[float, float, float]
    quantile: float


def compare_leaves(
    data: PreparedData, draws: Certified, settings: RelativitySettings = DEFAULT_RELATIVITY, *, seed: int = 0
) -> tuple[LeafComparison, ...]:
    """Compares the leaves of the remnant with the fits.

    Args:
        data: the prepared data.
        draws: weighted draws from the posterior of the whole signal.
        settings: number of samples.
        seed: seed of the samples.

    Returns:
        One comparison for each leaf.

    Raises:
        InputError: the model of the leaves cannot take the data: detectors or length of the segment do not suit it, or
            the signal is outside of the chirp masses that it knows.
    """
    model = load_model(MODEL)
    lowest, highest = model.architecture.prior.chirp_mass_range
    weight = relative_weights(draws.log_weight)
    (chirp_mass,) = weighted_quantiles(draws.samples["chirp_mass"], (0.5,), weight)
    if not lowest < chirp_mass < highest:
        raise InputError(
            f"expected a chirp mass of {lowest:.3g} to {highest:.3g} solar masses for {MODEL}; got {chirp_mass:.3g}: "
            "leave the comparison out"
        )
    source = data.source
    observation = observe(model, source.strain, data.spectra, source.trigger_time, data.options.conditioning)
    leaves = sample_predictive(observation, settings.leaf_samples, seed).samples
    return tuple(compare_quantity(name, values, draws.samples[name], weight) for name, values in leaves.items())


def compare_quantity(
    name: str, leaf: NDArray[np.float64], fit: NDArray[np.float64], weight: NDArray[np.float64]
) -> LeafComparison:
    """Compares samples of a leaf with weighted samples of a fit.

    Args:
        name: name of the quantity.
        leaf: samples of equal weight, shape (n,).
        fit: samples, shape (m,).
        weight: their weights, not all zero, shape (m,).
    """
    order = np.argsort(fit)
    below = np.concatenate([[0.0], np.cumsum(weight[order])])
    place = np.searchsorted(fit[order], leaf)
    quantile = float(np.mean(below[place]) / below[-1])
    lower, median, upper = (float(value) for value in weighted_quantiles(leaf, _INTERVAL))
    low, middle, high = (float(value) for value in weighted_quantiles(fit, _INTERVAL, weight))
    return LeafComparison(name, (lower, median, upper), (low, middle, high), quantile)
