"""Waveform source: computes the rows of a bank; each row is a function of the seed and its number.

A row holds the series of a binary's signal model on the multiband grid, with carrier and reference weights, scaled to a
joint norm of one. Pairs (real, imaginary) of float16 round by 5e-4 of the signal, far below the noise at any relevant
signal-to-noise ratio.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chirpleaf.physics.signals import SignalModel
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.system.processes import worker_pool
from chirpleaf.system.progress import report_progress
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.parallel.ranks import ALONE, Ranks

Rows = tuple[NDArray[np.float64], NDArray[np.float16]]
"""Parameters of binaries (n, d) and their series (n, S, n_bins, 2)."""

CHUNK = 8192
"""Rows whose binaries are drawn with one generator."""


_ATTEMPTS = 64
"""Rows that are tried in place of one whose waveform cannot be computed, before its error is raised. More accept an
approximant that fails in a larger part of the prior."""


@dataclass(frozen=True)
class WaveformSource:
    """Everything that a process needs to compute any rows of a bank.

    Attributes:
        proposal: distribution of the binaries.
        parameters: names of the parameters, in the order of the columns.
        signal: signal model.
        grid: the multiband grid.
        reference_weights: whitening weights of the reference detector, shape (n_bins,), Hz.
        seed: seed of the binaries.
        ranks: the place of this process; each rank has rows of its own.
    """

    proposal: StratifiedProposal
    parameters: tuple[str, ...]
    signal: SignalModel
    grid: Multiband
    reference_weights: FloatArray
    seed: int
    ranks: Ranks = ALONE

    @property
    def row_shape(self) -> tuple[int, int, int]:
        """Shape of the series of one row: (S, n_bins, 2)."""
        return len(self.signal.harmonics), self.grid.n_bins, 2

    def rows(self, start: int, stop: int) -> Rows:
        """Computes rows of the initial bank.

        Args:
            start: number of the first row.
            stop: number after the last row, in the same chunk of 8192.

        Returns:
            Parameters and series.
        """
        chunk, first = divmod(start, CHUNK)
        theta = self._sample_binaries(CHUNK, [self.seed, self._global_number(chunk)])
        return self._add_series(theta, range(first, first + stop - start))

    def renewal(self, index: int, n: int) -> Rows:
        """Computes the new rows of a batch.

        Args:
            index: number of the batch among those of this rank.
            n: number of rows.

        Returns:
            Parameters and series.
        """
        theta = self._sample_binaries(n, [self.seed, self._global_number(index), 1])
        return self._add_series(theta, range(n))

    def first(self, n: int, workers: int = 1) -> tuple[Tensor, Tensor]:
        """Computes the initial bank.

        Args:
            n: number of rows.
            workers: processes; their number does not change the result.

        Returns:
            Parameters (n, d), float64, and series (n, S, n_bins, 2), float16, in memory that forked processes share.
        """
        theta = torch.empty(n, len(self.parameters), dtype=torch.float64).share_memory_()
        series = torch.empty(n, *self.row_shape, dtype=torch.float16).share_memory_()
        starts = range(0, n, CHUNK)
        report_progress("waveforms", 0, n)
        for start, (some_theta, some_series) in zip(starts, self._compute_chunks(starts, n, workers), strict=True):
            rows = slice(start, start + len(some_theta))
            theta[rows], series[rows] = torch.from_numpy(some_theta), torch.from_numpy(some_series)
            report_progress("waveforms", rows.stop, n)
        return theta, series

    def _global_number(self, index: int) -> int:
        """Number of a rank's chunk or batch among those of all ranks."""
        return index * self.ranks.size + self.ranks.rank

    def _sample_binaries(self, n: int, seed: list[int]) -> NDArray[np.float64]:
        binaries = self.proposal.sample(n, np.random.default_rng(seed))
        return np.stack([binaries[name] for name in self.parameters], axis=1)

    def _add_series(self, theta: NDArray[np.float64], places: range) -> Rows:
        """Some of a chunk of binaries with their series.

        A binary whose waveform cannot be computed becomes that of the next row of the chunk that can, whatever rows are
        computed together.
        """
        own = theta[places.start : places.stop].copy()
        series = self._compute_series(own)
        for row in np.flatnonzero(np.isnan(series).any(axis=(1, 2, 3))):
            for step in range(1, min(len(theta), _ATTEMPTS)):
                other = theta[[(places[int(row)] + step) % len(theta)]]
                wave = self._compute_series(other)
                if np.isfinite(wave).all():
                    own[row], series[row] = other[0], wave[0]
                    break
            else:
                self._compute_series(own[[row]], skip_failures=False)
        return own, series

    def _compute_series(self, theta: NDArray[np.float64], *, skip_failures: bool = True) -> NDArray[np.float16]:
        binaries = dict(zip(self.parameters, theta.T, strict=True))
        return unit_series(binaries, self.signal, self.grid, self.reference_weights, skip_failures=skip_failures)

    def _compute_chunks(self, starts: range, n: int, workers: int) -> Iterator[Rows]:
        stops = [min(start + CHUNK, n) for start in starts]
        if workers <= 1 or len(starts) == 1:
            yield from map(self.rows, starts, stops)
            return
        with worker_pool(workers) as pool:
            yield from pool.map(self.rows, starts, stops)


def unit_series(
    binaries: dict[str, NDArray[np.float64]],
    signal: SignalModel,
    grid: Multiband,
    reference_weights: FloatArray,
    *,
    skip_failures: bool = False,
) -> NDArray[np.float16]:
    """Series of a signal model, whitened by the reference weights and scaled to a joint norm of one for each binary.

    Args:
        binaries: parameter name to values, each of shape (n,).
        signal: signal model.
        grid: the multiband grid.
        reference_weights: whitening weights of the reference detector, shape (n_bins,), Hz.
        skip_failures: whether a binary whose waveform cannot be computed becomes NaN; otherwise it is an error.

    Returns:
        Real and imaginary parts, shape (n, S, n_bins, 2).
    """
    waves = signal.series(binaries, grid.frequencies, skip_failures=skip_failures)
    whitened = waves * (grid.carrier(grid.frequencies) * reference_weights)
    joint = whitened.reshape(len(whitened), -1)
    with np.errstate(invalid="ignore"):  # waveforms that cannot be computed
        joint /= np.sqrt(np.sum(np.abs(joint) ** 2, axis=1, keepdims=True))
    unit = joint.reshape(whitened.shape)
    return np.stack([unit.real, unit.imag], axis=-1).astype(np.float16)
