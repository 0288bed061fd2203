"""Exchange of gradients: lack of memory, and batches that are simulated during the exchange."""

import errno
import os
from pathlib import Path

import pytest
import torch
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop

from chirpleaf.errors import InputError
from chirpleaf.training.loading import PrefetchingLoader
from chirpleaf.training.parallel import exchange, strategy
from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks


class Numbers:
    """A simulator whose batches are their indices."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def batch(self, index: int) -> int:
        self.made.append(index)
        return index


@pytest.mark.usefixtures("unchecked_types")
def test_batches_come_in_their_order_made_ahead_or_not() -> None:
    simulator = Numbers()
    batches = PrefetchingLoader(simulator, [3, 5, 7])  # type: ignore[arg-type]
    assert len(batches) == 3
    for _ in range(2):  # epochs
        seen = []
        for batch in batches:
            seen.append(batch)
            if batch != 5:
                batches.prefetch()
                batches.prefetch()
                assert simulator.made[-1] == {3: 5, 7: 7}[batch]
        assert seen == [3, 5, 7]
    assert simulator.made == 2 * [3, 5, 7]


def test_places_in_memory_are_gone_from_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_SHARED_FOLDER", tmp_path)
    monkeypatch.setattr(exchange.distributed, "barrier", lambda: None)
    places = exchange.allocate_shared(ALONE, (2, 3, 5))
    assert places.shape == (2, 3, 5)
    places[1, 2, 4] = 1.0
    assert places.sum() == 1
    assert not list(tmp_path.iterdir())


def test_full_memory_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exchange, "_SHARED_FOLDER", tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match=r"expected 4 MB in .*got `.*No space left.*memory: false"):
        exchange.allocate_shared(ALONE, (2, 1, 2**19))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ranks", "memory", "way"),
    [
        (Ranks(0, 4, 0, 4), True, "memory"),
        (Ranks(0, 4, 0, 4), False, "network"),
        (Ranks(0, 4, 0, 2), True, "network"),  # two machines
    ],
    ids=["one machine", "switched off", "two machines"],
)
def test_ranks_of_one_machine_average_through_its_memory(
    monkeypatch: pytest.MonkeyPatch, ranks: Ranks, memory: bool, way: str
) -> None:
    monkeypatch.setattr(strategy, "SharedMemoryStrategy", lambda *_: "memory")
    monkeypatch.setattr(strategy, "NetworkStrategy", lambda *_: "network")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert strategy.choose_strategy(ranks, Communication(memory=memory)) == way


class CountingExchange:
    """An exchange that counts its starts."""

    started = 0

    def start(self) -> None:
        self.started += 1


def test_gradients_that_add_up_are_not_exchanged_before_the_last() -> None:
    ours = strategy.SharedMemoryStrategy.__new__(strategy.SharedMemoryStrategy)
    ours._exchange = CountingExchange()  # type: ignore[assignment]
    with ours.block_backward_sync():
        ours.start_exchange()
    assert ours._exchange.started == 0  # type: ignore[attr-defined]
    ours.start_exchange()
    assert ours._exchange.started == 1  # type: ignore[attr-defined]


def test_lightning_still_has_what_data_parallel_switches_off() -> None:
    assert callable(_TrainingEpochLoop._broadcast_sigterm_tensor)
