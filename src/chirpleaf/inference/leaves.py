"""Estimates by leaves: single quantities, each with the components of its uncertainty.

The uncertainty of a deterministic leaf is the scatter of its estimates under many noise spectra that the strain allows.
A Bayesian leaf separates the effect of the noise in the data (aleatoric) from that of unknown network weights
(epistemic), arXiv:1903.01998.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch

from chirpleaf.inference.amortised import NetworkOutput
from chirpleaf.inference.observation import Observation, canonicalise
from chirpleaf.networks.bayesian import Predictive
from chirpleaf.strain.psd import PowerSpectralDensity

WEIGHTS = 1000
"""Draws of the random network weights of a predictive. More determine the epistemic component better."""

_CHUNK = 10_000
"""Values whose density is computed at a time. Fewer need less memory."""


def sample_predictive(observation: Observation, n: int, seed: int) -> NetworkOutput:
    """Draws from the posterior predictives of Bayesian leaves.

    Args:
        observation: data in the form that a model with Bayesian leaves takes.
        n: number of samples.
        seed: seed of the network weights and of the samples.

    Returns:
        Samples of each quantity, independent of the others; ln of the product of their densities per unit of the
        quantities; and the standard deviations "aleatoric" and "epistemic" to first order, in these units.

    Raises:
        InputError: the model has no leaves.
    """
    estimator = observation.model.leaves
    targets, generator = estimator.targets, torch.Generator().manual_seed(seed)
    predictives = list(estimator.predictive(observation.canonical, WEIGHTS, generator).values())
    draws = torch.cat([predictive.sample(n, generator) for predictive in predictives], dim=1)
    pairs = zip(predictives, draws.T, strict=True)
    log_prob = torch.stack([_log_prob(predictive, values) for predictive, values in pairs], dim=1)
    density = (log_prob.double() - targets.slope(draws).log()).sum(1)
    slope = targets.slope(torch.cat([predictive.mean for predictive in predictives]))
    components = {
        name: {
            "aleatoric": float(scale * predictive.aleatoric),
            "epistemic": float(scale * predictive.epistemic),
        }
        for name, predictive, scale in zip(targets.names, predictives, slope, strict=True)
    }
    samples = {name: values.numpy() for name, values in targets.inv(draws).items()}
    return NetworkOutput(samples, density.numpy(), components)


def estimate(observation: Observation, spectra: Iterable[Mapping[str, PowerSpectralDensity]]) -> NetworkOutput:
    """Makes estimates by deterministic leaves under many noise spectra.

    Args:
        observation: data in the form that a model with deterministic leaves takes.
        spectra: detector name to power spectral density, for each sample.

    Returns:
        An estimate of each quantity for each spectrum; NaN for their density; and as components the "estimate" for the
        spectrum of the observation, and the standard deviation "noise_spectrum" of the others.

    Raises:
        InputError: the model has no leaves.
    """
    estimator, segment = observation.model.leaves, observation.segment
    segments = [
        replace(segment, psd=np.stack([psd[name].at(segment.frequencies) for name in segment.detectors]))
        for psd in spectra
    ]
    estimates = estimator.estimate(canonicalise(observation.model, segments))
    best = estimator.estimate(observation.canonical)
    samples = {name: values.numpy() for name, values in estimates.items()}
    components = {
        name: {"estimate": float(best[name]), "noise_spectrum": float(values.std())} for name, values in samples.items()
    }
    return NetworkOutput(samples, np.full(len(segments), np.nan), components)


def _log_prob(predictive: Predictive, values: torch.Tensor) -> torch.Tensor:
    """ln of the density of values (n,) of one event, in chunks, because each value meets every draw of the weights."""
    return torch.cat([predictive.log_prob(chunk[:, None])[:, 0] for chunk in values.split(_CHUNK)])
