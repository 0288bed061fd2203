"""Matched filters of many binaries at the arrival times of many extrinsic points.

Times the carrier, exp(2 pi i F t), the filtered data <d|h_s>_d(t) of the heterodyne are a slow function of the arrival
time t: frequencies far from F have little power. So they are computed on a grid of times, in one matrix product, and
are interpolated by cubic polynomials: four rows of a table per point, detector and series in place of a sum over all
nodes. Sums of rows by weights are `torch.nn.functional.embedding_bag`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex64, Complex128, Float32, Float64, Int32
from torch import Tensor
from torch.nn.functional import embedding_bag

from chirpleaf.inference.certify.heterodyne import Heterodyne, Ratios
from chirpleaf.system.threads import map_in_threads

Responses = Complex128[np.ndarray, "m detector series"]
Arrivals = Float64[np.ndarray, "m detector"]

_STEP = 0.3
"""Largest phase, rad, by which a node turns against the carrier in one step of the grid. The error of the polynomials
grows with its fourth power: at the node farthest from the carrier it is 0.0002 of the node's share, at others less."""
_POINTS = 1024
"""Extrinsic points whose sums are made at once, so that they stay in the processor's cache."""


def match_points(
    heterodyne: Heterodyne, ratios: Ratios, response: Responses, arrivals: Arrivals
) -> Complex64[Tensor, "harmonic n m"]:
    """kappa_m of every harmonic m: sum over the detectors and the harmonic's series of conj(R_ds) <d|h_s>_d(t_d).

    Args:
        heterodyne: sums over the data.
        ratios: ratios of the binaries (`Heterodyne.compute_ratios`), shape (n, S, E).
        response: responses of the points, shape (m, detector, S).
        arrivals: arrival times of the points, shape (m, detector), seconds after the reference time.

    Returns:
        The harmonics increase.
    """
    harmonics = np.array(heterodyne.signal.harmonics)
    carrier = _find_carrier(heterodyne)
    slow = heterodyne.frequencies - carrier
    grid = _Grid.spanning(arrivals, _STEP / (2 * np.pi * np.abs(slow).max()))
    filtered = _filter_on_grid(heterodyne, ratios, slow, grid)
    factor = response.conj() * np.exp(2j * np.pi * carrier * (arrivals - heterodyne.arrivals))[..., None]
    kappa = torch.empty((len(set(harmonics)), len(ratios), len(arrivals)), dtype=torch.complex64)
    for index, harmonic in enumerate(np.unique(harmonics)):
        own = np.flatnonzero(harmonics == harmonic)
        _sum_rows(filtered[:, own], grid, factor[:, :, own], kappa[index])
    return kappa


def _find_carrier(heterodyne: Heterodyne) -> float:
    """The mean frequency of the signal's power in all detectors, Hz."""
    own = heterodyne.signal.dominant
    power = heterodyne.power[:, own, own].real.sum(axis=0).clip(min=0.0)
    return float(np.average(heterodyne.frequencies, weights=power))


class _Grid(NamedTuple):
    """Evenly spaced times of each detector, and the places of the points among them.

    Attributes:
        start: first time, shape (detector,), seconds after the reference time.
        step: seconds.
        size: number of times.
        first: index of the first of the four times about each point.
        weights: weights of the four times in the Lagrange polynomial through them.
    """

    start: Float64[np.ndarray, " detector"]
    step: float
    size: int
    first: Int32[np.ndarray, "m detector"]
    weights: Float64[np.ndarray, "m detector four"]

    @classmethod
    def spanning(cls, arrivals: Arrivals, step: float) -> "_Grid":
        """A grid of some step, seconds, that holds all arrivals."""
        earliest = arrivals.min(axis=0)
        place = (arrivals - earliest) / step
        first = np.floor(place)
        u = place - first
        below, above = u * (u - 1), (u + 1) * (u - 2)
        weights = [-below * (u - 2) / 6, above * (u - 1) / 2, -above * u / 2, below * (u + 1) / 6]
        return cls(earliest - step, step, int(first.max()) + 4, first.astype(np.int32), np.stack(weights, axis=-1))


def _filter_on_grid(
    heterodyne: Heterodyne, ratios: Ratios, slow: Float64[np.ndarray, " node"], grid: _Grid
) -> Complex64[Tensor, "detector series time n"]:
    """<d|h_s>_d at the times of a grid, without the carrier, whose nodes turn with the frequencies `slow`, Hz."""
    at_start = heterodyne.filters * np.exp(2j * np.pi * np.outer(grid.start - heterodyne.arrivals, slow))[:, None]
    of_binaries = torch.from_numpy(ratios.conj()[:, None] * at_start).to(torch.complex64)
    angle = torch.outer(torch.arange(grid.size, dtype=torch.float64), torch.from_numpy(2 * np.pi * grid.step * slow))
    turned = torch.polar(torch.ones(1), angle.remainder(2 * torch.pi).float())
    found = turned @ of_binaries.flatten(end_dim=2).T
    return found.view(grid.size, *of_binaries.shape[:3]).permute(2, 3, 0, 1)


def _sum_rows(
    filtered: Complex64[Tensor, "detector series time n"],
    grid: _Grid,
    factor: Complex128[np.ndarray, "m detector series"],
    kappa: Complex64[Tensor, "n m"],
) -> None:
    """Interpolates series at the points and adds them, times a factor each, over detectors and series, into `kappa`."""
    n_times, n = filtered.shape[2:]
    # Complex factors on real rows: the real part times a row, and the imaginary part times the row turned by i.
    parts = torch.view_as_real(torch.stack([filtered, 1j * filtered], dim=2))
    table: Float32[Tensor, "row column"] = parts.reshape(-1, 2 * n)
    blocks = n_times * np.arange(len(table) // n_times, dtype=np.int32).reshape(*filtered.shape[:2], 2, 1)
    factors = np.stack([factor.real, factor.imag], axis=-1)[..., None]

    def sum_some(first: int) -> None:
        some = slice(first, first + _POINTS)
        places = grid.first[some, :, None, None, None] + blocks + np.arange(4, dtype=np.int32)
        weights = (factors[some] * grid.weights[some, :, None, None]).astype(np.float32)
        rows, shares = (torch.from_numpy(values.reshape(len(values), -1)) for values in (places, weights))
        found = embedding_bag(rows, table, mode="sum", per_sample_weights=shares)
        kappa[:, some] = torch.view_as_complex(found.view(-1, n, 2)).T

    map_in_threads(sum_some, range(0, len(factor), _POINTS), 2)
