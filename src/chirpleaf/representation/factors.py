"""Factors of matched filters: few common factors from which the outputs of many filters follow.

Templates and arrival times overlap, so few of their combinations are independent (arXiv:1005.0012).
"""

import numpy as np

from chirpleaf.representation.multiband import FloatArray
from chirpleaf.system.threads import map_in_threads

_KEPT = 0.998
"""Share of the filters' power that their common factors keep."""


def factorise_filters(filters: np.ndarray, noise: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Factorises filters by groups.

    Args:
        filters: complex filters of group g, shape (g, m, n).
        noise: standard deviation of the noise that they are applied to, shape (n,).

    Returns:
        Common factors, shape (g, r, n), and how the filters follow from them, shape (g, m, r): the smallest r that
        keeps `_KEPT` of the filters' power on the noise.
    """
    noisy = filters * noise
    rows = filters.shape[1] <= filters.shape[2]

    def decompose(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Eigenvectors of the smaller of both Gram matrices are the singular vectors, in a third of the time.
        return np.linalg.eigh(group @ _adjoint(group) if rows else _adjoint(group) @ group)

    powers, vectors = zip(*map_in_threads(decompose, noisy, 2), strict=True)
    power = np.stack(powers)[:, ::-1].clip(0.0)
    kept = np.cumsum(power, axis=1) / power.sum(axis=1, keepdims=True)
    rank = min(int((kept < _KEPT).sum(axis=1).max()) + 1, power.shape[1])
    common = np.stack([some[:, : -rank - 1 : -1] for some in vectors])  # a third of them: copies take time
    return (_adjoint(common) @ filters, common) if rows else (_adjoint(common) / noise, noisy @ common)


def _adjoint(matrices: np.ndarray) -> np.ndarray:
    """Conjugate transposes, shape (..., n, m) of (..., m, n)."""
    return matrices.conj().swapaxes(-1, -2)


def as_real(matrix: np.ndarray) -> np.ndarray:
    """A complex matrix as a real one on real and imaginary parts, in single precision.

    Args:
        matrix: shape (..., m, n).

    Returns:
        Shape (..., part, m, n, part).
    """
    matrix = matrix.astype(np.complex64)
    real = np.stack([matrix.real, -matrix.imag], axis=-1)
    imaginary = np.stack([matrix.imag, matrix.real], axis=-1)
    return np.stack([real, imaginary], axis=-4)
