"""Waveform bank: the intrinsic half of the training data, computed on all free cores, renewed a little by each batch.

Sky, inclination, distance and noise are drawn anew for every batch; the waveform, which costs most, is kept for a few.
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

from chirpleaf.physics.waveforms import face_on
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.training.proposal import StratifiedProposal

Rows = tuple[NDArray[np.float64], NDArray[np.float16]]
"""Binaries (n, 4) and their waveforms (n, n_bins, 2)."""

_CHUNK = 8192
_MARGIN = 64
"""Batches that other processes may be ahead or behind."""
_PARAMETERS = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")


class WaveformBank:
    """Binaries and their waveforms.

    The rows are a ring: batch n writes `fresh` new ones after those of batch n - 1, over the oldest, and draws from the
    rest but for a margin on either side, within which other processes may be writing theirs.

    Args:
        theta: chirp_mass (solar masses), mass_ratio, chi_1, chi_2; float64, shape (n, 4).
        waves: unit-norm whitened waveforms, float16, shape (n, n_bins, 2).
        source: makes new rows; None for a bank that stays as it is.
        fresh: rows that a batch renews.
    """

    def __init__(self, theta: Tensor, waves: Tensor, source: "WaveformSource | None" = None, fresh: int = 0) -> None:
        self.theta, self.waves = theta, waves
        self._source, self._fresh = source, fresh if source else 0
        self._done = 0

    def __len__(self) -> int:
        return len(self.theta)

    def rows(self, batch: int, n: int, generator: torch.Generator) -> Tensor:
        """Rows for a batch, which is renewed first: a function of the batch's number and the generator alone.

        Args:
            batch: number of the batch.
            n: how many rows.
            generator: draws them.

        Returns:
            Indices of rows, shape (n,).
        """
        if not self._fresh:
            return torch.randint(len(self), (n,), generator=generator)
        self._renew(batch)
        margin = min(_MARGIN * self._fresh, len(self) // 4)
        places = torch.randint(margin, len(self) - margin, (n,), generator=generator)
        return (places + (batch + 1) * self._fresh) % len(self)

    def _renew(self, batch: int) -> None:
        """Brings the ring to what it is at a batch."""
        assert self._source is not None
        whole = -(-len(self) // self._fresh)
        if batch + 1 < self._done:
            self._done = 0
            theta, waves = self._source.first(len(self))
            self.theta.copy_(theta)
            self.waves.copy_(waves)
        for index in range(max(self._done, batch + 1 - whole), batch + 1):
            new_theta, new_waves = self._source.renewal(index, self._fresh)
            rows = (torch.arange(self._fresh) + index * self._fresh) % len(self)
            self.theta[rows], self.waves[rows] = torch.from_numpy(new_theta), torch.from_numpy(new_waves)
        self._done = max(self._done, batch + 1)


@dataclass(frozen=True)
class WaveformSource:
    """What a process needs to make any rows of a bank, which depend on the seed and their number alone.

    Attributes:
        proposal: where binaries are drawn.
        grid: the multiband grid.
        reference_weights: whitening weights of the reference detector, shape (n_bins,).
        approximant: waveform model.
        seed: seed of the draws.
    """

    proposal: StratifiedProposal
    grid: Multiband
    reference_weights: FloatArray
    approximant: str
    seed: int

    def chunk(self, index: int) -> Rows:
        """Binaries and waveforms of a chunk of the first rows."""
        return self._make(_CHUNK, [self.seed, index])

    def renewal(self, batch: int, n: int) -> Rows:
        """The `n` new rows of a batch."""
        return self._make(n, [self.seed, batch, 1])

    def first(self, n: int, workers: int = 1) -> tuple[Tensor, Tensor]:
        """The first rows, on any number of processes; in memory that forked processes share."""
        theta = torch.empty(n, len(_PARAMETERS), dtype=torch.float64).share_memory_()
        waves = torch.empty(n, self.grid.n_bins, 2, dtype=torch.float16).share_memory_()
        for index, (some_theta, some_waves) in enumerate(self._chunks(-(-n // _CHUNK), workers)):
            rows = slice(index * _CHUNK, min((index + 1) * _CHUNK, n))
            theta[rows] = torch.from_numpy(some_theta[: rows.stop - rows.start])
            waves[rows] = torch.from_numpy(some_waves[: rows.stop - rows.start])
        return theta, waves

    def _make(self, n: int, seed: list[int]) -> Rows:
        binaries = self.proposal.sample(n, np.random.default_rng(seed))
        theta = np.stack([binaries[name] for name in _PARAMETERS], axis=1)
        return theta, unit_waves(theta, self.grid, self.reference_weights, self.approximant)

    def _chunks(self, n_chunks: int, workers: int) -> Iterator[Rows]:
        if workers <= 1 or n_chunks == 1:
            yield from map(self.chunk, range(n_chunks))
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(self.chunk, range(n_chunks))


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


def build_waveform_bank(
    n: int,
    proposal: StratifiedProposal,
    grid: Multiband,
    reference_weights: FloatArray,
    *,
    approximant: str = "IMRPhenomXAS",
    seed: int = 0,
    fresh: int = 0,
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
        fresh: waveforms that each batch renews.
        workers: processes.

    Returns:
        The bank, in memory that forked processes share.
    """
    source = WaveformSource(proposal, grid, reference_weights, approximant, seed)
    return WaveformBank(*source.first(n, workers), source, fresh)
