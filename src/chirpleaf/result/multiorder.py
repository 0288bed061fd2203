"""Multi-order sky map with distances, as `ligo.skymap` and GraceDB use them.

A row holds a pixel of any size: `UNIQ` = 4 nside^2 + its nested number, the probability per steradian, and the layers
of the distance (`distance_layers`). Four pixels that hold the same become one.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from chirpleaf.errors import InputError
from chirpleaf.result.distance_layers import condition_distance, find_layers
from chirpleaf.result.fits import Column, Value, write_columns
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.sky import describe_event

COLUMNS = {"PROBDENSITY": "sr-1", "DISTMU": "Mpc", "DISTSIGMA": "Mpc", "DISTNORM": "Mpc-2"}
"""Columns after UNIQ, with their units."""


class MultiOrderMap(NamedTuple):
    """A sky map of pixels of different size.

    Attributes:
        uniq: numbers of the pixels, shape (n,).
        values: `COLUMNS` of each, shape (n, 4).
        order: of the smallest pixels.
    """

    uniq: Int64[np.ndarray, " n"]
    values: Float64[np.ndarray, "n 4"]
    order: int


def make_multiorder(posterior: Posterior) -> MultiOrderMap:
    """Makes the map of a posterior.

    Args:
        posterior: a certified posterior.

    Raises:
        InputError: the posterior has no sky map or no distances.
    """
    sky, draws = posterior.sky, posterior.proposal
    if sky is None or "luminosity_distance" not in posterior or posterior.impossible:
        raise InputError("expected a certified posterior; got one without a sky map: leave out --no-certify")
    samples = draws.samples
    mean, deviation = condition_distance(
        samples["ra"], samples["dec"], samples["luminosity_distance"], draws.weights, sky.nside
    )
    filled = np.flatnonzero(sky.probability)
    values = np.tile([0.0, np.inf, 1.0, 0.0], (len(sky.probability), 1))
    values[:, 0] = sky.probability / (4 * np.pi / len(sky.probability))
    values[filled, 1:] = np.stack(find_layers(mean[filled], deviation[filled]), axis=1)
    return merge_pixels(values)


def merge_pixels(values: Float64[np.ndarray, "pixel column"]) -> MultiOrderMap:
    """Joins pixels of equal content, four at a time.

    Args:
        values: content of the pixels of one size in nested order, shape (12 nside^2, 4).

    Returns:
        The pixels in the order of their numbers.
    """
    order = (len(values) // 12).bit_length() // 2
    pixel, uniq, kept = np.arange(len(values)), [], []
    for level in range(order, -1, -1):
        joined = np.zeros(len(pixel), bool)
        if level:
            parent = pixel >> 2
            first = np.flatnonzero(np.pad(parent[3:] == parent[:-3], (0, 3))) if len(pixel) > 3 else np.empty(0, int)
            same = [(values[first + step] == values[first]).all(axis=1) for step in (1, 2, 3)]
            first = first[np.logical_and.reduce(same)]
            joined[(first[:, np.newaxis] + np.arange(4)).ravel()] = True
        uniq.append(4 ** (level + 1) + pixel[~joined])
        kept.append(values[~joined])
        if not level:
            break
        pixel, values = parent[first], values[first]
    numbers = np.concatenate(uniq)
    ordered = np.argsort(numbers)
    return MultiOrderMap(numbers[ordered], np.concatenate(kept)[ordered], order)


def write_multiorder(posterior: Posterior, path: Path) -> None:
    """Writes the map of a posterior as `ligo.skymap.io.fits.read_sky_map` takes it.

    Args:
        posterior: a certified posterior.
        path: file name; an existing file is replaced.

    Raises:
        InputError: the posterior has no sky map or no distances.
    """
    found = make_multiorder(posterior)
    origin, distance = posterior.provenance, posterior.proposal.samples["luminosity_distance"]
    weights = posterior.proposal.weights / posterior.proposal.weights.sum()
    mean = float(weights @ distance)
    header: dict[str, Value] = {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NUNIQ",
        "COORDSYS": "C",
        "MOCORDER": found.order,
        "INDXSCHM": "EXPLICIT",
        **describe_event(origin.event, origin.trigger_time, origin.detectors, posterior.trust.verdict),
        "DISTMEAN": mean,
        "DISTSTD": float(np.sqrt(weights @ (distance - mean) ** 2)),
    }
    if posterior.certificate is not None and np.isfinite(posterior.certificate.log_bayes_factor):
        header["LOGBSN"] = posterior.certificate.log_bayes_factor
    columns = [Column("UNIQ", found.uniq)]
    columns += [
        Column(name, values, unit) for (name, unit), values in zip(COLUMNS.items(), found.values.T, strict=True)
    ]
    write_columns(path, columns, header)
