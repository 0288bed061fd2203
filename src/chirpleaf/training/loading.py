"""Loading of batches: which batches a rank trains on, simulated by the rank itself or by worker processes."""

import math
from collections.abc import Callable, Iterator

from torch.utils.data import DataLoader, Dataset, Sampler

from chirpleaf.training.batch import Batch, BatchSource
from chirpleaf.training.parallel.ranks import Ranks
from chirpleaf.training.schedule import Schedule

_PREFETCHED = 4
"""Batches that each worker simulates in advance: more bridge longer pauses of a worker, and use more memory."""


class EpochSampler(Sampler[int]):
    """Indices of a rank's batches in an epoch, which begin after the last batch that any rank has trained on.

    This number is requested when an epoch begins, because after a resume Lightning restores it before the first index,
    but sets the epoch of a sampler only after that.

    Args:
        schedule: number of batches in an epoch and in a step; an epoch ends with a whole step.
        ranks: the place of this process.
        count_done: returns the number of batches that all ranks have trained on so far.
    """

    def __init__(self, schedule: Schedule, ranks: Ranks, count_done: Callable[[], int]) -> None:
        self._length = math.ceil(schedule.batches / (ranks.size * schedule.accumulate)) * schedule.accumulate
        self._ranks, self._count_done = ranks, count_done

    def __iter__(self) -> Iterator[int]:
        first = self._count_done() + self._ranks.rank
        return iter(range(first, first + self._length * self._ranks.size, self._ranks.size))

    def __len__(self) -> int:
        return self._length


class PrefetchingLoader:
    """Simulates a rank's batches in its own process, one batch in advance when there is time.

    Args:
        simulator: makes the batches.
        sampler: indices of the batches, epoch by epoch.
    """

    def __init__(self, simulator: BatchSource, sampler: Sampler[int]) -> None:
        self._simulator, self._sampler = simulator, sampler
        self._indices: Iterator[int] = iter(())
        self._next: Batch | None = None

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        self._indices, self._next = iter(self._sampler), None
        return self

    def __next__(self) -> Batch:
        self.prefetch()
        if self._next is None:
            raise StopIteration
        batch, self._next = self._next, None
        return batch

    def prefetch(self) -> None:
        """Simulates the next batch of the epoch, unless it is ready or the epoch is over."""
        if self._next is None and (index := next(self._indices, None)) is not None:
            self._next = self._simulator.batch(index)


class BatchDataset(Dataset[Batch]):
    """The batches of a simulator as a dataset for worker processes.

    Args:
        simulator: makes the batches.
    """

    def __init__(self, simulator: BatchSource) -> None:
        self._simulator = simulator

    def __getitem__(self, index: int) -> Batch:
        return self._simulator.batch(index)


def make_loader(simulator: BatchSource, sampler: Sampler[int], workers: int) -> PrefetchingLoader | DataLoader[Batch]:
    """Makes the loader of a rank's batches.

    Args:
        simulator: makes the batches.
        sampler: indices of the batches, epoch by epoch.
        workers: processes that simulate; with 0 the rank simulates its batches itself.

    Returns:
        The loader.
    """
    if workers == 0:
        return PrefetchingLoader(simulator, sampler)
    return DataLoader(
        BatchDataset(simulator),
        batch_size=None,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=True,
        prefetch_factor=_PREFETCHED,
    )
