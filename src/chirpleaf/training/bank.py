"""Waveform bank: the intrinsic half of the training data, computed once on all free cores.

Sky, inclination, distance and noise are drawn anew for every batch; only the waveform, which costs most, is kept.
Rows are face-on waveforms on the multiband grid, carrier and reference weights included, scaled to unit norm, as
float16 pairs (real, imaginary): rounding adds 5e-4 of the signal, far below the noise at any signal-to-noise ratio of
interest.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.training.proposal import StratifiedProposal

_CHUNK = 8192
_PARAMETERS = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")


@dataclass(frozen=True)
class WaveformBank:
    """Binaries and their waveforms.

    Attributes:
        theta: chirp_mass (solar masses), mass_ratio, chi_1, chi_2; float64, shape (n, 4).
        waves: unit-norm whitened waveforms, float16, shape (n, n_bins, 2).
    """

    theta: Tensor
    waves: Tensor

    def __len__(self) -> int:
        return len(self.theta)


@dataclass(frozen=True)
class _Job:
    """What a process needs to make any chunk; chunk i depends on (seed, i) alone."""

    proposal: StratifiedProposal
    grid: Multiband
    reference_weights: FloatArray
    approximant: str
    seed: int

    def chunk(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
        rng = np.random.default_rng([self.seed, index])
        binaries = self.proposal.sample(_CHUNK, rng)
        theta = np.stack([binaries[name] for name in _PARAMETERS], axis=1)
        return theta, unit_waves(theta, self.grid, self.reference_weights, self.approximant)


def unit_waves(
    theta: FloatArray, grid: Multiband, reference_weights: FloatArray, approximant: str
) -> NDArray[np.float16]:
    """Face-on waveforms, whitened by the reference weights, of unit norm.

    Args:
        theta: chirp_mass (solar masses), mass_ratio, chi_1, chi_2; shape (n, 4).
        grid: the multiband grid.
        reference_weights: shape (n_bins,).
        approximant: waveform model.

    Returns:
        Real and imaginary parts, shape (n, n_bins, 2).
    """
    mass_1, mass_2 = component_masses(theta[:, 0], theta[:, 1])
    parameters = {
        "mass_1": mass_1,
        "mass_2": mass_2,
        "chi_1": theta[:, 2],
        "chi_2": theta[:, 3],
        "luminosity_distance": 1.0,
        "theta_jn": 0.0,
        "phase": 0.0,
    }
    hp, _ = polarizations(parameters, grid.frequencies, approximant=approximant)
    whitened = hp * (grid.carrier(grid.frequencies) * reference_weights)
    whitened /= np.sqrt(np.sum(np.abs(whitened) ** 2, axis=1, keepdims=True))
    return np.stack([whitened.real, whitened.imag], axis=-1).astype(np.float16)


def build_waveform_bank(
    n: int,
    proposal: StratifiedProposal,
    grid: Multiband,
    reference_weights: FloatArray,
    *,
    approximant: str = "IMRPhenomXAS",
    seed: int = 0,
    workers: int = 1,
) -> WaveformBank:
    """Computes a bank; the same seed gives the same bank on any number of workers.

    Args:
        n: number of waveforms.
        proposal: where binaries are drawn.
        grid: the multiband grid.
        reference_weights: whitening weights of the reference detector, shape (n_bins,).
        approximant: waveform model.
        seed: seed of the draws.
        workers: processes.

    Returns:
        The bank, in memory that forked processes share.
    """
    theta = torch.empty(n, len(_PARAMETERS), dtype=torch.float64).share_memory_()
    waves = torch.empty(n, grid.n_bins, 2, dtype=torch.float16).share_memory_()
    job = _Job(proposal, grid, reference_weights, approximant, seed)
    for index, (some_theta, some_waves) in enumerate(_chunks(job, -(-n // _CHUNK), workers)):
        rows = slice(index * _CHUNK, min((index + 1) * _CHUNK, n))
        theta[rows] = torch.from_numpy(some_theta[: rows.stop - rows.start])
        waves[rows] = torch.from_numpy(some_waves[: rows.stop - rows.start])
    return WaveformBank(theta, waves)


def _chunks(job: _Job, n_chunks: int, workers: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float16]]]:
    if workers <= 1 or n_chunks == 1:
        yield from map(job.chunk, range(n_chunks))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(job.chunk, range(n_chunks))
