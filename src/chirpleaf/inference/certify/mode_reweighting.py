"""Reweighting: certified samples of the (2, 2) mode become samples under an approximant with further modes.

LALSimulation gives such an approximant as the sum of its modes at one orientation, so its likelihood is not
marginalised over the extrinsic parameters. But samples of all eleven parameters, certified with the (2, 2) mode, are
draws from a density proportional to L_22 pi. With the weights L / L_22, both likelihoods on every frequency, they
represent L pi.

Waveform models define time zero and phase zero differently. Time and phase of each sample are therefore shifted first,
by amounts that depend on its masses and spins only. Both priors are uniform, so the prior density does not change.
"""

import math
from dataclasses import replace

import numpy as np

from chirpleaf.inference.certify.certified import Certified
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.settings import DEFAULTS, CertifySettings, ReweightingSettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.weights import relative_weights, resample_systematically
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

_STREAM = 7
"""Number of the stream of random numbers."""


def reweight_with_modes(
    first: Certified,
    segment: Segment,
    old: WaveformSettings,
    new: WaveformSettings,
    settings: CertifySettings = DEFAULTS,
    *,
    seed: int = 0,
    workers: int = 1,
    most: int | None = None,
    deadline: Deadline = NEVER,
) -> Certified:
    """Reweights certified samples towards another waveform model.

    Args:
        first: samples certified with the (2, 2) mode.
        segment: the data that they were certified with.
        old: waveform model that they were certified with.
        new: any waveform model.
        settings: settings of certification.
        seed: seed of the resampling before the second weights.
        workers: processes that share the waveforms on every frequency (see `log_likelihood_ratio`).
        most: most samples that are reweighted; no limit if None.
        deadline: end of the time budget.

    Returns:
        As many samples as the first effective sample size, or `most`, or as time allows, weighted towards the new
        model, with its `log_likelihood` and optimal signal-to-noises; the efficiency is the product of both
        efficiencies.
    """
    before = first.certificate
    n = max(int(min(before.effective_samples, math.inf if most is None else most)), 1)
    chosen = resample_systematically(relative_weights(first.log_weight), n, seed)
    if deadline.limited:  # the first ones of a shuffled list represent all
        chosen = np.random.default_rng([seed, _STREAM]).permutation(chosen)
    all_samples = {name: values[chosen] for name, values in first.samples.items()}
    parts, ratios = [], []
    for piece in deadline.split(n, settings.likelihood.waveforms):
        samples = {name: values[piece] for name, values in all_samples.items()}
        former, _ = log_likelihood_ratio(segment, samples, old, workers=workers, settings=settings.likelihood)
        samples |= _align(samples, segment, old, new, settings.reweighting)
        value, snr = log_likelihood_ratio(segment, samples, new, workers=workers, settings=settings.likelihood)
        samples |= {"log_likelihood": value, "network_optimal_snr": np.sqrt(np.sum(snr**2, axis=1))}
        samples |= {f"{name}_optimal_snr": snr[:, index] for index, name in enumerate(segment.detectors)}
        parts.append(samples)
        ratios.append(value - former)
    log_ratio, samples = (
        np.concatenate(ratios),
        {name: np.concatenate([one[name] for one in parts]) for name in parts[0]},
    )
    found = ImportanceDiagnostics.from_log_weights(log_ratio)
    failed = before.failed_waveforms + int(np.isneginf(samples["log_likelihood"]).sum())
    combined = combine_certificates(before, found)
    certificate = replace(combined, approximant=new.approximant, failed_waveforms=failed)
    # Weighted draws become draws of equal weight from the density of the draws times their weights.
    log_prob = (first.log_prob + first.log_weight)[chosen[: len(log_ratio)]]
    return Certified(samples, log_prob, log_ratio - found.log_evidence, first.sky, certificate)


def combine_certificates(before: Certificate, second: ImportanceDiagnostics) -> Certificate:
    """The certificate after samples are weighted a second time: Z = Z_1 mean(L_2 / L_1).

    Args:
        before: the certificate of the first weights.
        second: diagnostics of the second ones.
    """
    return replace(
        before,
        efficiency=before.efficiency * second.efficiency,
        effective_samples=second.effective_samples,
        log_bayes_factor=before.log_bayes_factor + second.log_evidence,
        log_bayes_factor_error=float(np.hypot(before.log_bayes_factor_error, second.error)),
        pareto_k=max(before.pareto_k, second.pareto_k),
        largest_weight=max(before.largest_weight, second.largest_weight),
    )


def _align(
    samples: Samples, segment: Segment, old: WaveformSettings, new: WaveformSettings, settings: ReweightingSettings
) -> Samples:
    """Times and phases at which a new model's waveforms, seen face-on, match the old one's best."""
    some = slice(None, None, settings.stride)
    frequencies, weight = segment.frequencies[some], (1 / segment.psd[:, some]).sum(axis=0)
    first, second = (Quadrupole(one).series(samples, frequencies, skip_failures=True)[:, 0] for one in (old, new))
    product = np.nan_to_num(first * second.conj() * weight)
    product /= np.maximum(np.abs(product).sum(axis=1, keepdims=True), np.finfo(float).tiny)
    delays = np.arange(-settings.search, settings.search, settings.step)
    best = np.abs(product @ np.exp(2j * np.pi * np.outer(frequencies, delays))).argmax(axis=1)
    delay = delays[best]
    turn = np.angle(np.sum(product * np.exp(2j * np.pi * np.outer(delay, frequencies)), axis=1)) / 2
    return {
        "geocent_time": samples["geocent_time"] + delay,
        "phase": np.mod(samples["phase"] + turn, 2 * np.pi),
    }
