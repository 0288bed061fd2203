"""Loading: which batches a rank trains on, simulated by the rank itself or by other processes."""

import math
from collections.abc import Callable, Iterator

from torch.utils.data import DataLoader, Dataset, Sampler

from chirpleaf.training.batch import Batch
from chirpleaf.training.parallel.ranks import Ranks
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulator import Simulator

_AHEAD = 4
"""Batches that a process simulates before they are asked for."""


class EpochSampler(Sampler[int]):
    """Indices of a rank's batches of an epoch, from the first one that no rank has trained on.

    The place is asked for when an epoch begins, not counted here: Lightning restores it on a resume before it asks for
    the first index, but tells a sampler of its epoch only after.

    Args:
        schedule: how many batches an epoch has, and a step; an epoch ends with a whole step.
        ranks: the place of this process.
        done: gives the number of batches trained on so far.
    """

    def __init__(self, schedule: Schedule, ranks: Ranks, done: Callable[[], int]) -> None:
        self._length = math.ceil(schedule.batches / (ranks.size * schedule.accumulate)) * schedule.accumulate
        self._ranks, self._done = ranks, done

    def __iter__(self) -> Iterator[int]:
        first = self._done() + self._ranks.rank
        return iter(range(first, first + self._length * self._ranks.size, self._ranks.size))

    def __len__(self) -> int:
        return self._length


class Ahead:
    """A rank's batches, simulated by itself: each when it is asked for, or before, when there is time.

    Args:
        simulator: of the batches.
        sampler: their indices, epoch by epoch.
    """

    def __init__(self, simulator: Simulator, sampler: Sampler[int]) -> None:
        self._simulator, self._sampler = simulator, sampler
        self._indices: Iterator[int] = iter(())
        self._ready: Batch | None = None

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        self._indices, self._ready = iter(self._sampler), None
        return self

    def __next__(self) -> Batch:
        self.prepare()
        if self._ready is None:
            raise StopIteration
        batch, self._ready = self._ready, None
        return batch

    def prepare(self) -> None:
        """Simulates the next batch of the epoch, unless that is done or there is none."""
        if self._ready is None and (index := next(self._indices, None)) is not None:
            self._ready = self._simulator.batch(index)


class Batches(Dataset[Batch]):
    """The simulator as a dataset of whole batches, for other processes.

    Args:
        simulator: of the batches.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def __getitem__(self, index: int) -> Batch:
        return self._simulator.batch(index)


def loader(simulator: Simulator, sampler: Sampler[int], workers: int) -> Ahead | DataLoader[Batch]:
    """Gives a rank its batches.

    Args:
        simulator: of the batches.
        sampler: their indices, epoch by epoch.
        workers: processes that simulate; the rank does it itself when 0.
    """
    if workers == 0:
        return Ahead(simulator, sampler)
    return DataLoader(
        Batches(simulator),
        batch_size=None,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=True,
        prefetch_factor=_AHEAD,
    )
