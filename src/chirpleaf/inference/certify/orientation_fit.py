"""How well a signal fits one detector alone at each arrival time, at the best orientation for that detector.

A detector sees h = sum_s R_s h_s, with R_s linear in its antenna patterns and turned by exp(i m_s phase). At a given
phase, the best patterns (F+, Fx), which may be any two real numbers, give the squared signal-to-noise ratio

    b^T M^-1 b,    b_a = Re sum_s conj(R_as) <d|h_s>,    M_ab = Re sum_(s, u) R_as conj(R_bu) <h_s|h_u>,

where a and b stand for plus and cross; its maximum over phases is the fit. One free amplitude for each series would fit
a signal of few cycles at wrong times just as well: a free phase of one harmonic stands for a delay.

For a signal of one harmonic, the maximum over the phase is |<d|h>|^2 / <h|h>.
"""

import numpy as np
from jaxtyping import Complex64, Complex128, Float64

from chirpleaf.physics.signals import SignalModel

_PHASES = 32
"""Phases that are tried. Between two of them, a signal of m = 2 loses at most 4 % of its squared ratio."""
_INCLINATIONS = np.array([0.6, 1.2, 1.9, 2.5])
"""Inclinations that are tried for models whose series do not have one, rad."""
_RIDGE = 1e-3
"""Added to the diagonal of M over its mean: one polarisation may be absent, or both the same."""

Matched = Complex64[np.ndarray, "n series time"] | Complex128[np.ndarray, "n series time"]


def fit_orientations(
    signal: SignalModel, matched: Matched, power: Complex128[np.ndarray, "n series series"]
) -> Float64[np.ndarray, "n time"]:
    """Squared signal-to-noise ratio of signals in one detector at the best orientation.

    Args:
        signal: signal model.
        matched: <d|h_s> at some arrival times, shape (n, S, time).
        power: <h_s|h_u>, shape (n, S, S).

    Returns:
        Shape (n, time).
    """
    tiny = np.finfo(np.float32).tiny  # a waveform that ends below the band fits equally badly at any time
    if len(signal.harmonics) == 1:
        return np.asarray(np.abs(matched[:, 0]) ** 2 / power[:, 0, 0, None].real.clip(tiny))
    responses = _try_orientations(signal)
    orientations, _, series = responses.shape
    turned = responses.conj().reshape(-1, series)
    parts = np.concatenate([turned.real, -turned.imag], axis=1).astype(matched.real.dtype)
    values = parts @ np.concatenate([matched.real, matched.imag], axis=1)
    plus, cross = values.reshape(len(matched), orientations, 2, -1).swapaxes(0, 2).swapaxes(1, 2)
    gram = np.einsum("oas,nsu,obu->abno", responses, power, responses.conj(), optimize=True).real
    ridge = (_RIDGE / 2 * (gram[0, 0] + gram[1, 1])).clip(tiny)
    first, second, mixed = (one[..., None] for one in (gram[0, 0] + ridge, gram[1, 1] + ridge, gram[0, 1]))
    heights = (second * plus**2 - 2 * mixed * plus * cross + first * cross**2) / (first * second - mixed**2)
    return np.asarray(heights.max(axis=1), dtype=np.float64)


def _try_orientations(signal: SignalModel) -> Complex128[np.ndarray, "orientation 2 series"]:
    """Responses to plus and to cross alone, at all phases and inclinations that make a difference."""
    phases = 2 * np.pi * np.arange(_PHASES) / _PHASES
    plus, cross = np.eye(2)[:, :, None, None]
    found = signal.response(plus, cross, _INCLINATIONS[:, None], phases)
    return np.unique(found.reshape(2, -1, found.shape[-1]).swapaxes(0, 1), axis=0)
