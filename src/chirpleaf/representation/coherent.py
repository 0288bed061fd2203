"""Coherent sum: the canonical series of all detectors as that of one detector with their joint sensitivity.

The series x_dc of the detectors d in the bands c are aligned in time and phase, have unit noise variance, and the
expectation a_dc |q_kc| where template k is right, with the amplitude

    a_dc = snr_d n_dc / sqrt(sum_c |q_kc|^2 n_dc^2).

Their optimal combination, again of unit noise variance, and its amplitude are

    x_c = sum_d a_dc x_dc / a_c,        a_c^2 = sum_d a_dc^2.

It contains the information of all detectors about masses and spins in the form of a single detector, for any number
of detectors, so that a root need not learn to add detectors.
"""

import torch
from jaxtyping import Complex64, Float32
from torch import Tensor


def coherent_features(
    series: Complex64[Tensor, "batch detector band"],
    amplitude: Float32[Tensor, "batch detector band"],
    snr: Float32[Tensor, "batch detector"],
    log_height: Float32[Tensor, " band"],
) -> Float32[Tensor, "batch feature"]:
    """Makes the features of the coherent sum.

    Args:
        series: canonical series, zero where a detector is absent, shape (batch, detector, n_bands).
        amplitude: a_dc, zero where a detector is absent, same shape.
        snr: matched-filter signal-to-noise ratio, zero where a detector is absent, shape (batch, detector).
        log_height: ln of the amplitude of a reference detector, shape (n_bands,).

    Returns:
        The series (real and imaginary parts, scaled by the root of the signal-to-noise ratio over 10), the shape and
        the level of ln a_c relative to the reference detector, and ln of the signal-to-noise ratio of all detectors;
        shape (batch, `count_coherent_features(n_bands)`).
    """
    joint = amplitude.square().sum(1).sqrt()
    network_snr = snr.square().sum(1, keepdim=True).sqrt()
    summed = (series * amplitude).sum(1) / (joint * (network_snr / 10).sqrt())
    spectrum = joint.log() - log_height
    level = spectrum.mean(1, keepdim=True)
    return torch.cat([torch.view_as_real(summed).flatten(1), spectrum - level, level, network_snr.log() - 2.5], dim=1)


def count_coherent_features(n_bands: int) -> int:
    """Number of the features of the coherent sum over that many bands."""
    return 3 * n_bands + 2
