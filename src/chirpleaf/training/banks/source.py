"""Waveform source: the rows of a bank, each a function of the seed and its number, whoever computes it.

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

from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.parallel.ranks import ALONE, Ranks

Rows = tuple[NDArray[np.float64], NDArray[np.float16]]
"""Binaries (n, 4) and their waveforms (n, n_bins, 2)."""

CHUNK = 8192
"""Rows whose binaries are drawn together."""
_PARAMETERS = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")


@dataclass(frozen=True)
class WaveformSource:
    """What a process needs to make any rows of a bank.

    Attributes:
        proposal: where binaries are drawn.
        grid: the multiband grid.
        reference_weights: whitening weights of the reference detector, shape (n_bins,).
        approximant: waveform model.
        seed: seed of the draws.
        ranks: of several ranks each has rows of its own.
    """

    proposal: StratifiedProposal
    grid: Multiband
    reference_weights: FloatArray
    approximant: str
    seed: int
    ranks: Ranks = ALONE

    def rows(self, start: int, stop: int) -> Rows:
        """Some of the first rows, all of one chunk."""
        chunk, first = divmod(start, CHUNK)
        binaries = self._binaries(CHUNK, [self.seed, self._number(chunk)])
        return self._with_waves(binaries[first : first + stop - start])

    def renewal(self, index: int, n: int) -> Rows:
        """The `n` new rows of this rank's batch of an index."""
        return self._with_waves(self._binaries(n, [self.seed, self._number(index), 1]))

    def first(self, n: int, workers: int = 1) -> tuple[Tensor, Tensor]:
        """The first rows, on any number of processes; in memory that forked processes share."""
        theta = torch.empty(n, len(_PARAMETERS), dtype=torch.float64).share_memory_()
        waves = torch.empty(n, self.grid.n_bins, 2, dtype=torch.float16).share_memory_()
        starts = range(0, n, CHUNK)
        for start, (some_theta, some_waves) in zip(starts, self._chunks(starts, n, workers), strict=True):
            rows = slice(start, start + len(some_theta))
            theta[rows], waves[rows] = torch.from_numpy(some_theta), torch.from_numpy(some_waves)
        return theta, waves

    def _number(self, index: int) -> int:
        """What a rank's index is among those of all ranks."""
        return index * self.ranks.size + self.ranks.rank

    def _binaries(self, n: int, seed: list[int]) -> NDArray[np.float64]:
        binaries = self.proposal.sample(n, np.random.default_rng(seed))
        return np.stack([binaries[name] for name in _PARAMETERS], axis=1)

    def _with_waves(self, theta: NDArray[np.float64]) -> Rows:
        return theta, unit_waves(theta, self.grid, self.reference_weights, self.approximant)

    def _chunks(self, starts: range, n: int, workers: int) -> Iterator[Rows]:
        stops = [min(start + CHUNK, n) for start in starts]
        if workers <= 1 or len(starts) == 1:
            yield from map(self.rows, starts, stops)
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(self.rows, starts, stops)


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
    hp = face_on(dict(zip(_PARAMETERS, theta.T, strict=True)), grid.frequencies, approximant)
    whitened = hp * (grid.carrier(grid.frequencies) * reference_weights)
    whitened /= np.sqrt(np.sum(np.abs(whitened) ** 2, axis=1, keepdims=True))
    return np.stack([whitened.real, whitened.imag], axis=-1).astype(np.float16)
