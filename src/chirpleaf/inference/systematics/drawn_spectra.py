"""Uncertainty of the noise spectra: the posterior averaged over spectra drawn from their own posterior.

With spectra S_k drawn from p(S | strain around the event) and L_k the likelihood of each,

    p(theta | d) = mean over k of p(theta | d, S_k) = p(theta | d, S) mean over k of (L_k / L) / R_k,

where R_k, the mean of L_k / L over the posterior, is the ratio of the evidences (arXiv:2004.05149 averages posteriors
in the same way). The analysed segment does not change the distribution of S: it is one stretch among many. ln of the
Bayes factor is the mean of ln (B R_k), which lies between the values for spectra of the signal's posterior (harmonic
mean of B R_k) and of the noise's (arithmetic mean); the scatter of ln R_k is its uncertainty. It rises a little: the
estimate is made such that whitened noise has unit variance, and the mean of 1 / S_k is larger than its inverse.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.systematics.reweighting import Column, Draws, record_weights
from chirpleaf.inference.systematics.settings import DEFAULTS, SystematicsSettings
from chirpleaf.inference.systematics.terms import sum_terms
from chirpleaf.result.posterior import Posterior
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

_STREAM = 61
"""Number of the stream of random numbers."""


def list_uncertain(data: PreparedData) -> tuple[str, ...]:
    """The detectors whose noise spectrum of the likelihood is estimated, and not given.

    Args:
        data: the prepared data.

    Raises:
        InputError: there is none.
    """
    names = tuple(name for name in data.source.strain if name not in data.known and name not in data.likelihood_spectra)
    if not names:
        raise InputError(
            "expected a noise spectrum that is estimated from strain, to marginalise its uncertainty; got given ones "
            "of all detectors: leave --psd-uncertainty out"
        )
    return names


def marginalise_spectra(
    posterior: Posterior,
    data: PreparedData,
    settings: SystematicsSettings = DEFAULTS,
    *,
    seed: int = 0,
    deadline: Deadline = NEVER,
) -> Posterior:
    """Averages a certified posterior over the posterior of the noise spectra.

    Args:
        posterior: a certified posterior.
        data: the data that it was made of; spectra that the user gave do not vary.
        settings: numbers of samples and spectra.
        seed: seed of the draws.
        deadline: end of the time budget; fewer samples are reweighted if it is short.

    Returns:
        The averaged posterior.

    Raises:
        InputError: the posterior cannot be reweighted, or no spectrum is estimated.
    """
    draws = Draws.select(posterior, data, settings, deadline)
    uncertain = list_uncertain(data)
    n = settings.spectra.draws
    weights = compare_spectra(data, draws.segment, uncertain, n, seed)
    terms = sum_terms(draws.segment, draws.samples, draws.waveform, weights, settings, deadline=deadline)
    draws = draws.select_first(len(terms[0].power))
    value = np.sum([one.log_likelihood for one in terms], axis=0)
    ratios = np.nan_to_num(value[:, 1:] - value[:, :1], nan=-np.inf)
    log_ratio, change = average_posteriors(ratios)
    record = replace(
        record_weights("spectra", tuple(name for name in draws.segment.detectors if name in uncertain), log_ratio),
        log_bayes_factor_change=float(change.mean()),
        log_bayes_factor_scatter=float(change.std(ddof=1)) if n > 1 else 0.0,
        draws=n,
        effective_draws=count_effective_spectra(ratios),
    )
    level = {"log_likelihood": draws.samples["log_likelihood"] + np.nan_to_num(log_ratio, neginf=0.0)}
    return draws.reweight(log_ratio, record, level)


def compare_spectra(
    data: PreparedData, segment: Segment, uncertain: tuple[str, ...], n: int, seed: int
) -> list[Float64[np.ndarray, "frequency column"]]:
    """The spectrum of the segment over drawn ones.

    Args:
        data: the prepared data.
        segment: the data of the likelihood.
        uncertain: detectors whose spectrum varies.
        n: number of draws.
        seed: seed of the draws.

    Returns:
        For each detector one in the first column, and the ratios in n further ones, shape (F, n + 1); zero where the
        frequency is not used.
    """
    weights = []
    for index, name in enumerate(segment.detectors):
        used = np.isfinite(segment.psd[index])
        table = np.repeat(used.astype(float)[:, None], n + 1, axis=1)
        if name in uncertain:
            estimate = data.spectra[name].at(segment.frequencies[used], name)
            rng = np.random.default_rng([seed, _STREAM, index])
            for column, drawn in enumerate(data.noise[name].draw(n, rng), start=1):
                table[used, column] = estimate / drawn.at(segment.frequencies[used])
        weights.append(table)
    return weights


def average_posteriors(ratios: Float64[np.ndarray, "n spectrum"]) -> tuple[Column, Float64[np.ndarray, " spectrum"]]:
    """Averages the normalised posteriors of several likelihoods.

    Args:
        ratios: ln of each likelihood over the former one, for samples of equal weight, shape (n, spectrum).

    Returns:
        ln of the weights of the average, shape (n,), and ln R_k, shape (spectrum,).

    Example:
        >>> two = np.log([[1.0, 3.0], [3.0, 1.0]])
        >>> log_ratio, change = average_posteriors(two)
        >>> np.allclose(log_ratio, 0.0), np.allclose(change, np.log(2.0))
        (True, True)
    """
    change = np.logaddexp.reduce(ratios, axis=0) - np.log(len(ratios))
    log_ratio = np.logaddexp.reduce(ratios - change, axis=1) - np.log(ratios.shape[1])
    return log_ratio, change


def count_effective_spectra(ratios: Float64[np.ndarray, "n spectrum"]) -> float:
    """Effective number of spectra for a sample, mean over the samples.

    Args:
        ratios: as for `average_posteriors`.
    """
    share = np.exp(ratios - ratios.max(axis=0) - np.log(np.exp(ratios - ratios.max(axis=0)).sum(axis=0)))
    total = share.sum(axis=1)
    seen = total > 0
    return float(np.mean(total[seen] ** 2 / np.sum(share[seen] ** 2, axis=1)))
