"""Noise spectra of the likelihood that are not those which the network sees."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.systematics.reweighting import Draws, record_weights
from chirpleaf.inference.systematics.settings import DEFAULTS, SystematicsSettings
from chirpleaf.inference.systematics.terms import sum_terms
from chirpleaf.result.posterior import Posterior
from chirpleaf.strain.psd import PowerSpectralDensity


def reweight_to_spectra(
    posterior: Posterior,
    data: PreparedData,
    spectra: Mapping[str, PowerSpectralDensity],
    settings: SystematicsSettings = DEFAULTS,
) -> tuple[Posterior, PreparedData]:
    """Reweights a certified posterior to other noise spectra.

    Args:
        posterior: a certified posterior.
        data: the data that it was made of.
        spectra: detector name to power spectral density; the others keep theirs.
        settings: greatest number of samples.

    Returns:
        The posterior under the likelihood with these spectra, and the data with them, for further reweighting. The
        certificate's Bayes factor compares the signal with noise of these spectra.

    Raises:
        InputError: the posterior cannot be reweighted, a detector has no data, or a spectrum does not cover the band.
    """
    draws = Draws.select(posterior, data, settings)
    detectors = draws.segment.detectors
    stray = [name for name in spectra if name not in detectors]
    if stray:
        raise InputError(
            f"expected noise spectra of {', '.join(detectors)}; got one of {stray[0]}, whose data are not used: leave "
            "it out"
        )
    changed = replace(data, likelihood_spectra={**data.likelihood_spectra, **spectra})
    old, new = draws.segment.psd, changed.cut_network_segment().psd
    ratio = np.divide(old, new, out=np.zeros_like(old), where=np.isfinite(new))
    weights = [np.stack([np.isfinite(row).astype(float), one], axis=1) for row, one in zip(old, ratio, strict=True)]
    terms = sum_terms(draws.segment, draws.samples, draws.waveform, weights, settings)
    before, after = sum(one.log_likelihood for one in terms).T  # type: ignore[union-attr]
    log_ratio = np.nan_to_num(after - before, nan=-np.inf)
    power = np.nan_to_num(np.stack([one.power[:, 1] for one in terms], axis=1))
    samples = {"log_likelihood": np.nan_to_num(after), "network_optimal_snr": np.sqrt(power.sum(axis=1))}
    samples |= {f"{name}_optimal_snr": np.sqrt(power[:, index]) for index, name in enumerate(detectors)}
    record = record_weights("psd", tuple(name for name in detectors if name in spectra), log_ratio)
    return draws.reweight(log_ratio, record, samples), changed
