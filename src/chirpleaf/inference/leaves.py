"""What leaves say of an event: single quantities, each with what its width is made of.

The width of a deterministic leaf is that of its estimates under many noise spectra, each of which the strain might as
well have given. A Bayesian leaf tells what the noise in the data causes (aleatoric) from what its weights do not know
(epistemic).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch

from chirpleaf.inference.amortised import Answer
from chirpleaf.inference.observe import Observation, canonicalise
from chirpleaf.networks.bayesian import Predictive
from chirpleaf.strain.psd import PowerSpectralDensity

WEIGHTS = 1000
"""Draws of the random weights that make a predictive."""

_CHUNK = 10_000


def predict(observation: Observation, n: int, seed: int) -> Answer:
    """The posterior predictives of Bayesian leaves.

    Args:
        observation: data as a model with Bayesian leaves sees them.
        n: number of samples.
        seed: of weights and samples.

    Returns:
        Samples of each quantity, for the leaves know nothing of each other; their density per unit of the quantities;
        and standard deviations in these units, to first order: "aleatoric" and "epistemic".
    """
    estimator = observation.model.leaves
    targets, generator = estimator.targets, torch.Generator().manual_seed(seed)
    found = list(estimator.predictive(observation.canonical, WEIGHTS, generator).values())
    draws = torch.cat([one.sample(n, generator) for one in found], dim=1)
    log_prob = torch.stack([_log_prob(one, values) for one, values in zip(found, draws.T, strict=True)], dim=1)
    density = (log_prob.double() - targets.slope(draws).log()).sum(1)
    slope = targets.slope(torch.cat([one.mean for one in found]))
    parts = {
        name: {"aleatoric": float(unit * one.aleatoric), "epistemic": float(unit * one.epistemic)}
        for name, one, unit in zip(targets.names, found, slope, strict=True)
    }
    samples = {name: values.numpy() for name, values in targets.inv(draws).items()}
    return Answer(samples, density.numpy(), parts)


def estimate(observation: Observation, spectra: Iterable[Mapping[str, PowerSpectralDensity]]) -> Answer:
    """The estimates of deterministic leaves under many noise spectra.

    Args:
        observation: data as a model with deterministic leaves sees them.
        spectra: detector name to power spectral density, for each sample.

    Returns:
        An estimate by each spectrum; for each quantity the "estimate" of the observation itself, and as
        "noise_spectrum" the standard deviation of the others.
    """
    estimator, segment = observation.model.leaves, observation.segment
    segments = [
        replace(segment, psd=np.stack([psd[name].at(segment.frequencies) for name in segment.detectors]))
        for psd in spectra
    ]
    found = estimator.estimate(canonicalise(observation.model, segments))
    best = estimator.estimate(observation.canonical)
    samples = {name: values.numpy() for name, values in found.items()}
    parts = {
        name: {"estimate": float(best[name]), "noise_spectrum": float(values.std())} for name, values in samples.items()
    }
    return Answer(samples, np.full(len(segments), np.nan), parts)


def _log_prob(predictive: Predictive, values: torch.Tensor) -> torch.Tensor:
    """ln of the density of values (n,) of one event, some at a time: each meets every draw of the weights."""
    return torch.cat([predictive.log_prob(some[:, None])[:, 0] for some in values.split(_CHUNK)])
