"""Waveform bank: the intrinsic half of the training data, computed on all free cores, renewed a little by each batch.

Sky, inclination, distance and noise are drawn anew for every batch; the waveform, which costs most, is kept for a few.
"""

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from chirpleaf.training.banks.source import WaveformSource

_MARGIN = 64
"""Batches that other processes may be ahead or behind."""


class WaveformBank:
    """Binaries and their waveforms.

    The rows are a ring: batch n writes `fresh` new ones after those of batch n - 1, over the oldest, and draws from the
    rest but for a margin on either side, within which other processes may be writing theirs. Of several ranks, each has
    a ring of its own, and its own batches.

    Args:
        theta: chirp_mass (solar masses), mass_ratio, chi_1, chi_2; float64, shape (n, 4).
        waves: unit-norm whitened waveforms, float16, shape (n, n_bins, 2).
        source: makes new rows; None for a bank that stays as it is.
        fresh: rows that a batch renews.
    """

    def __init__(self, theta: Tensor, waves: Tensor, source: WaveformSource | None = None, fresh: int = 0) -> None:
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
        assert self._source is not None
        own = batch // self._source.ranks.size
        self._renew(own, self._source)
        margin = min(_MARGIN * self._fresh, len(self) // 4)
        places = torch.randint(margin, len(self) - margin, (n,), generator=generator)
        return (places + (own + 1) * self._fresh) % len(self)

    def _renew(self, batch: int, source: WaveformSource) -> None:
        """Brings the ring to what it is at a batch."""
        whole = -(-len(self) // self._fresh)
        if batch + 1 < self._done:
            self._done = 0
            theta, waves = source.first(len(self))
            self.theta.copy_(theta)
            self.waves.copy_(waves)
        first = max(self._done, batch + 1 - whole)
        if get_worker_info() and self._done > 0 and batch - self._done < _MARGIN:
            first = batch  # the loader's other processes have the batches between, and write their rows
        for index in range(first, batch + 1):
            new_theta, new_waves = source.renewal(index, self._fresh)
            rows = (torch.arange(self._fresh) + index * self._fresh) % len(self)
            self.theta[rows], self.waves[rows] = torch.from_numpy(new_theta), torch.from_numpy(new_waves)
        self._done = max(self._done, batch + 1)


def build_waveform_bank(source: WaveformSource, n: int, *, fresh: int = 0, workers: int = 1) -> WaveformBank:
    """Computes a bank; the same source gives the same bank on any number of workers.

    Args:
        source: makes the rows.
        n: number of waveforms, of all its ranks.
        fresh: waveforms that each batch renews.
        workers: processes.

    Returns:
        The bank, or a rank's part of it, in memory that forked processes share.
    """
    return WaveformBank(*source.first(-(-n // source.ranks.size), workers), source, fresh)
