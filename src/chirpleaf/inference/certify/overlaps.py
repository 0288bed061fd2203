"""Overlaps: the inner products of signals with the data and with themselves, as functions of the orbital phase.

A signal h = sum_s R_s exp(i m_s phase) h_s / D has, over all detectors,

    <d|h> = (1 / D) sum_m kappa_m exp(-i m phase),
    <h|h> = (1 / D^2) (P + 2 Re sum_k X_k exp(i k phase)),

with one kappa_m for each harmonic m, and one X_k for each positive difference k of two harmonics. With one harmonic
there is one kappa and no X: the phase rotates <d|h> and does not change <h|h>.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor


class Overlaps(NamedTuple):
    """Inner products of signals at 1 Mpc; `pair` stands for any shape, (n, m) for n binaries and m extrinsic points.

    Attributes:
        harmonics: the harmonics m, increasing, length H.
        differences: the positive differences k of two harmonics, increasing, length K.
        kappa: kappa_m, complex, shape (H, *pair).
        power: P, float64, shape (*pair).
        cross: X_k, complex, shape (K, *pair).
    """

    harmonics: tuple[int, ...]
    differences: tuple[int, ...]
    kappa: Tensor
    power: Tensor
    cross: Tensor

    def select(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> "Overlaps":
        """One extrinsic point for some binaries.

        Args:
            rows: indices of the binaries, shape (p,).
            columns: index of the point for each of them, shape (p,).

        Returns:
            Overlaps of shape (p,).
        """
        kappa, cross = self.kappa[:, rows, columns], self.cross[:, rows, columns]
        return self._replace(kappa=kappa, power=self.power[rows, columns], cross=cross)

    def at_phase(self, phase: Float64[np.ndarray, " p"]) -> tuple[Float64[np.ndarray, " p"], Float64[np.ndarray, " p"]]:
        """Overlaps of shape (p,) at one orbital phase each.

        Args:
            phase: rad, shape (p,).

        Returns:
            Re <d|h> and the root of <h|h>, both at 1 Mpc, of shape (p,). The root is rounded to single precision, as it
            is for the integrated likelihood.
        """
        kappa, cross = self.kappa.numpy().astype(complex), self.cross.numpy().astype(complex)
        matched = sum((k * np.exp(-1j * m * phase)).real for m, k in zip(self.harmonics, kappa, strict=True))
        beats = sum((x * np.exp(1j * k * phase)).real for k, x in zip(self.differences, cross, strict=True))
        power = self.power.numpy() + 2 * beats
        rho = np.sqrt(np.maximum(power, LEAST_POWER)).astype(np.float32)
        return np.asarray(matched), rho.astype(np.float64)

    def log_likelihood(
        self, phase: Float64[np.ndarray, " p"], distance: Float64[np.ndarray, " p"]
    ) -> Float64[np.ndarray, " p"]:
        """ln of the likelihood ratio, <d|h> - <h|h> / 2, of overlaps of shape (p,), nats.

        Args:
            phase: rad, shape (p,).
            distance: Mpc, shape (p,).
        """
        matched, rho = self.at_phase(phase)
        return matched / distance - rho**2 / (2 * distance**2)


LEAST_POWER = 1e-12
"""Least <h|h> at 1 Mpc: rounding may make it negative where no detector responds."""


def find_differences(harmonics: tuple[int, ...]) -> tuple[int, ...]:
    """Positive differences of two harmonics, increasing.

    Example:
        >>> find_differences((2, 3)), find_differences((2, 2)), find_differences((1, 2, 3))
        ((1,), (), (1, 2))
    """
    return tuple(sorted({a - b for a, b in product(harmonics, harmonics) if a > b}))
