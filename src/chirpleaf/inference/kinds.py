"""Second stage of an analysis: the network proposes.

A posterior draws samples of all intrinsic parameters with their density. Bayesian leaves draw from the posterior
predictive distribution of each quantity. Deterministic leaves make an estimate for each of many noise spectra. `KINDS`
is the only place that distinguishes these kinds of estimators.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from chirpleaf.inference.amortised import NetworkOutput, sample_posterior
from chirpleaf.inference.build import build_leaf_estimates, build_posterior
from chirpleaf.inference.leaves import estimate, sample_predictive
from chirpleaf.inference.noise_spectra import resample_spectra
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.models.estimator import EstimatorKind
from chirpleaf.physics.derived import Samples
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior

SPECTRA = 128
"""Most noise spectra for which deterministic leaves make estimates. More determine the scatter of the estimates better,
at some milliseconds each."""

Timing: TypeAlias = Mapping[str, float | None]


class Kind(NamedTuple):
    """What the analysis does with one kind of estimator.

    Attributes:
        propose: function from the data, a number of samples and a seed to the output of the network.
        build: function from the data, this output, the seed and the timing to the result.
        sample: function from an observation, a number of samples and a seed to values of the quantities, for
            injections, whose noise spectrum is known.
    """

    propose: Callable[[PreparedData, int, int], NetworkOutput]
    build: Callable[[PreparedData, NetworkOutput, int, Timing], Posterior | LeafEstimates]
    sample: Callable[[Observation, int, int], Samples]


def propose(data: PreparedData, samples: int, seed: int) -> NetworkOutput:
    """Draws samples from the network.

    Args:
        data: the prepared data.
        samples: number of draws, at least one; deterministic leaves make at most `SPECTRA` estimates.
        seed: seed of the draws.

    Returns:
        Samples of each parameter, their density, and the uncertainty components of leaves.
    """
    return KINDS[data.model.estimator.kind].propose(data, samples, seed)


def build_result(data: PreparedData, output: NetworkOutput, seed: int, timing: Timing) -> Posterior | LeafEstimates:
    """Makes the result of an output of the network.

    Args:
        data: the prepared data.
        output: result of `propose`.
        seed: seed of the draws.
        timing: seconds by stage.

    Returns:
        A posterior without certificate, or leaf estimates.
    """
    return KINDS[data.model.estimator.kind].build(data, output, seed, timing)


def sample_quantities(observation: Observation, samples: int, seed: int) -> Samples:
    """Draws the quantities of a model from an observation alone, without the scatter of its noise spectrum.

    Args:
        observation: the data in the form that the model takes.
        samples: number of draws.
        seed: seed of the draws.

    Returns:
        Name to values, shape (n,); for deterministic leaves the one estimate, shape (1,).
    """
    return KINDS[observation.model.estimator.kind].sample(observation, samples, seed)


def _propose_posterior(data: PreparedData, samples: int, seed: int) -> NetworkOutput:
    return NetworkOutput(*sample_posterior(data.observation, samples, seed))


def _propose_bayesian_leaves(data: PreparedData, samples: int, seed: int) -> NetworkOutput:
    return sample_predictive(data.observation, samples, seed)


def _propose_leaves(data: PreparedData, samples: int, seed: int) -> NetworkOutput:
    n = min(samples, SPECTRA)
    return estimate(data.observation, resample_spectra(data.noise, data.spectra, data.known, n, seed))


def _sample_posterior(observation: Observation, samples: int, seed: int) -> Samples:
    return sample_posterior(observation, samples, seed)[0]


def _sample_bayesian_leaves(observation: Observation, samples: int, seed: int) -> Samples:
    return sample_predictive(observation, samples, seed).samples


def _estimate_leaves(observation: Observation, samples: int, seed: int) -> Samples:
    return {name: value.numpy() for name, value in observation.model.leaves.estimate(observation.canonical).items()}


KINDS: Mapping[EstimatorKind, Kind] = {
    "posterior": Kind(_propose_posterior, build_posterior, _sample_posterior),
    "leaves": Kind(_propose_leaves, build_leaf_estimates, _estimate_leaves),
    "bayesian-leaves": Kind(_propose_bayesian_leaves, build_leaf_estimates, _sample_bayesian_leaves),
}
"""What the analysis does, by the kind of the estimator."""
