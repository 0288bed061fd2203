"""Peaks of sampled series, located between the samples."""

from jaxtyping import Float, Int64
from torch import Tensor

_LEAST_CURVATURE = 1e-12
"""Curvature below which a series counts as flat, and the offset is zero."""


def locate_peaks(height: Float[Tensor, "*n sample"]) -> tuple[Int64[Tensor, "*n"], Float[Tensor, "*n"]]:
    """Locates the maximum of each series by the parabola through its three highest neighbouring samples.

    Args:
        height: shape (..., sample), at least three samples.

    Returns:
        The index of the highest inner sample, and the offset of the maximum from it in samples, within [-1, 1]; both
        of shape (...).
    """
    index = height.argmax(-1, keepdim=True).clamp(1, height.shape[-1] - 2)
    left, middle, right = (height.gather(-1, index + step)[..., 0] for step in (-1, 0, 1))
    curvature = (2 * middle - left - right).clamp_min(_LEAST_CURVATURE)
    return index[..., 0], (0.5 * (right - left) / curvature).clamp(-1, 1)
