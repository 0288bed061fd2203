"""Waveform bank: the intrinsic half of the training data, computed on all free cores and partly renewed by each batch.

Sky position, inclination, distance and noise are drawn anew for each batch. A waveform, which takes the most time, is
used several times.
"""

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from chirpleaf.training.banks.source import WaveformSource

_MARGIN = 64
"""Batches by which worker processes may be ahead or behind: a wider margin keeps more rows from being drawn."""


class WaveformBank:
    """Binaries and the series of their signals.

    The rows form a ring. Batch n writes `fresh` new rows after those of batch n - 1, over the oldest rows, and draws
    from the other rows except a margin on either side, in which other processes may be writing. Each rank has its own
    ring and its own batches.

    Args:
        theta: parameters of the binaries, float64, shape (n, d).
        series: whitened series of joint unit norm, float16, shape (n, S, n_bins, 2).
        source: computes new rows; None for a bank that stays as it is.
        fresh: number of rows that each batch renews.
    """

    def __init__(self, theta: Tensor, series: Tensor, source: WaveformSource | None = None, fresh: int = 0) -> None:
        self.theta, self.series = theta, series
        self._source, self._fresh = source, fresh if source else 0
        self._done = 0

    def __len__(self) -> int:
        return len(self.theta)

    @property
    def failed_waveforms(self) -> int:
        """Number of binaries whose waveform could not be computed: their rows repeat others (`WaveformSource`)."""
        return len(self) - len(torch.unique(self.theta, dim=0))

    def sample_rows(self, batch: int, n: int, generator: torch.Generator) -> Tensor:
        """Renews the bank for a batch and draws rows; a function of the batch's number and the generator alone.

        Args:
            batch: number of the batch.
            n: number of rows.
            generator: source of randomness.

        Returns:
            Indices of rows, shape (n,).
        """
        if not self._fresh:
            return torch.randint(len(self), (n,), generator=generator)
        assert self._source is not None
        own = batch // self._source.ranks.size
        self._renew(own, self._source)
        margin = min(_MARGIN * self._fresh, len(self) // 4)
        places = torch.randint(margin, len(self) - margin, (n,), generator=generator)
        return (places + (own + 1) * self._fresh) % len(self)

    def _renew(self, batch: int, source: WaveformSource) -> None:
        """Brings the ring to its state at a batch of this rank."""
        whole = -(-len(self) // self._fresh)
        if batch + 1 < self._done:
            self._done = 0
            theta, series = source.first(len(self))
            self.theta.copy_(theta)
            self.series.copy_(series)
        first = max(self._done, batch + 1 - whole)
        if get_worker_info() and self._done > 0 and batch - self._done < _MARGIN:
            first = batch  # the other workers have the batches between, and write their rows
        for index in range(first, batch + 1):
            theta_rows, series_rows = source.renewal(index, self._fresh)
            rows = (torch.arange(self._fresh) + index * self._fresh) % len(self)
            self.theta[rows], self.series[rows] = torch.from_numpy(theta_rows), torch.from_numpy(series_rows)
        self._done = max(self._done, batch + 1)


def build_waveform_bank(source: WaveformSource, n: int, *, fresh: int = 0, workers: int = 1) -> WaveformBank:
    """Computes a bank; the same source gives the same bank on any number of workers.

    Args:
        source: computes the rows.
        n: number of waveforms in the banks of all ranks.
        fresh: number of waveforms that each batch renews.
        workers: processes.

    Returns:
        The bank, or this rank's part of it, in memory that forked processes share.
    """
    return WaveformBank(*source.first(-(-n // source.ranks.size), workers), source, fresh)
