r"""Conditional distance distributions of the pixels of a sky map.

Given a direction, the distance r has the density (arXiv:1603.07333, equation 1)

    p(r) = N / (sqrt(2 pi) sigma) exp(-(r - mu)^2 / (2 sigma^2)) r^2,    r >= 0.

`DISTMU`, `DISTSIGMA` and `DISTNORM` of a sky map are mu, sigma and N. They follow from mean m and standard deviation s
of the distances in a direction: with z = mu / sigma and the integrals J_n = \int_0^\infty t^n phi(t - z) dt,

    m / sigma = J_3 / J_2,    (m^2 + s^2) / sigma^2 = J_4 / J_2,    N = 1 / (sigma^2 J_2).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.result.healpix import find_pixel

Values = Float64[np.ndarray, " n"]

LEAST_DIRECTIONS = 30
"""Effective number of directions whose distances a pixel is given. More give steadier layers, and follow the change of
the distance across the sky less closely."""

_LOWEST, _HIGHEST = -15.0, 1e4
"""Range of z = mu / sigma. Below it, the integrals lose their digits, and m / s differs from sqrt(3), its limit, by
less than a percent; above it, the distance is known to 1e-4."""

_HALVINGS = 60
"""Bisections of the range of z: enough for the last bit."""


class DistanceLayers(NamedTuple):
    """Parameters of the distance in each pixel, each of shape (n,); infinity, one and zero where there is none.

    Attributes:
        mu: location, Mpc.
        sigma: scale, Mpc.
        norm: normalisation, Mpc^-2.
    """

    mu: Values
    sigma: Values
    norm: Values


def find_layers(mean: Values, deviation: Values) -> DistanceLayers:
    """Layers of given mean and standard deviation.

    Args:
        mean: conditional mean distance, Mpc, shape (n,).
        deviation: conditional standard deviation, Mpc, shape (n,).

    Returns:
        The layers. There is no such distribution if the mean is not finite, or not above sqrt(3) standard deviations.

    Source:
        arXiv:1603.07333, section 3.2.
    """
    with np.errstate(all="ignore"):
        ratio = mean / deviation
        known = np.isfinite(ratio) & (ratio > _compute_ratio(np.array([_LOWEST]))[0])
    target = np.where(known, np.minimum(ratio, _compute_ratio(np.array([_HIGHEST]))[0]), 10.0)
    low, high = np.full(len(mean), _LOWEST), np.full(len(mean), _HIGHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = _compute_ratio(middle) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    second, third, _ = _compute_integrals(low)
    sigma = mean * second / third
    return DistanceLayers(
        np.where(known, low * sigma, np.inf),
        np.where(known, sigma, 1.0),
        np.where(known, 1 / (sigma**2 * second), 0.0),
    )


def _compute_ratio(z: Values) -> Values:
    """Mean over standard deviation of the distance at z = mu / sigma; it increases with z."""
    second, third, fourth = _compute_integrals(z)
    mean = third / second
    return np.asarray(mean / np.sqrt(np.maximum(fourth / second - mean**2, 1e-300)))


def _compute_integrals(z: Values) -> tuple[Values, Values, Values]:
    """J_2, J_3 and J_4 by J_n = z J_(n-1) + (n - 1) J_(n-2)."""
    from scipy.special import ndtr  # noqa: PLC0415 - an analysis runs without scipy

    zeroth = ndtr(z)
    first = z * zeroth + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    second = z * first + zeroth
    third = z * second + 2 * first
    return second, third, z * third + 3 * second


def condition_distance(
    ra: Values, dec: Values, distance: Values, weight: Values, nside: int
) -> tuple[Float64[np.ndarray, " pixel"], Float64[np.ndarray, " pixel"]]:
    """Mean and standard deviation of the distance in each pixel.

    A pixel has the distances of the smallest larger pixel that holds enough directions.

    Args:
        ra: right ascension, rad, shape (n,).
        dec: declination, rad, shape (n,).
        distance: luminosity distance, Mpc, shape (n,).
        weight: weights of the directions, not negative, not all zero, shape (n,).
        nside: resolution of the map.

    Returns:
        Mean and standard deviation in Mpc, nested order, each of shape (12 nside^2,).
    """
    finest = find_pixel(ra, dec, nside)
    share = weight / weight.sum()
    middle = share @ distance  # moments about it lose no digits
    moments = [share, share**2, share * (distance - middle), share * (distance - middle) ** 2]
    mean = np.full(12, middle)
    variance = np.full(12, moments[3].sum())
    for order in range(nside.bit_length()):
        pixels = 12 * 4**order
        place = finest // (nside >> order) ** 2
        total, squares, first, second = (np.bincount(place, values, pixels) for values in moments)
        if order:
            mean, variance = mean.repeat(4), variance.repeat(4)
        enough = total**2 >= LEAST_DIRECTIONS * np.maximum(squares, 1e-300)
        with np.errstate(all="ignore"):
            shift = first / total
            mean = np.where(enough, middle + shift, mean)
            variance = np.where(enough, second / total - shift**2, variance)
    return mean, np.sqrt(np.maximum(variance, 0.0))
