"""Pace: how long the steps of a training take on this machine, and what the ranks exchange in them."""

import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import distributed

from chirpleaf.models.architecture import Architecture
from chirpleaf.training.engine import fit
from chirpleaf.training.parallel.communication import DEFAULT, Communication
from chirpleaf.training.parallel.exchange import NetworkExchange
from chirpleaf.training.parallel.ranks import Ranks
from chirpleaf.training.recipe import Simulation, build_simulator, objective
from chirpleaf.training.schedule import Schedule

_UNTIMED = 5
"""Steps that warm caches."""
_EXCHANGES = 15


@dataclass(frozen=True)
class Pace:
    """What rank 0 has measured.

    Attributes:
        ranks: number of ranks.
        batch_size: examples of a rank's batch.
        batches: batches of a step of a rank.
        steps: durations of steps, seconds.
        backward: of their last backward passes alone, seconds.
        meanwhile: between these and the wait for gradients on their way, in which the next batch is simulated; seconds.
        lengths: of the weights whose gradients are exchanged, in their order.
        exchanges: pairs of bytes and the seconds that their average took, with nothing beside it.
    """

    ranks: int
    batch_size: int
    batches: int
    steps: list[float]
    backward: list[float]
    meanwhile: list[float]
    lengths: list[int]
    exchanges: list[tuple[int, float]]


class _Clock(Callback):
    """Reads the clock at the ends of steps and about backward passes."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.backward: list[float] = []
        self.meanwhile: list[float] = []

    def on_before_backward(self, *_: Any) -> None:
        self._began = time.perf_counter()

    def on_after_backward(self, *_: Any) -> None:
        self._ended = time.perf_counter()

    def on_before_optimizer_step(self, *_: Any) -> None:
        self.backward.append(self._ended - self._began)
        self.meanwhile.append(time.perf_counter() - self._ended)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step > len(self.ends):
            self.ends.append(time.perf_counter())


def measure(
    architecture: Architecture,
    simulation: Simulation,
    schedule: Schedule,
    *,
    ranks: Ranks,
    communication: Communication = DEFAULT,
    steps: int = 40,
    seed: int = 0,
) -> Pace:
    """Trains for some steps on one thread a rank, simulating between them; on each rank at once.

    Args:
        architecture: what is trained.
        simulation: on what.
        schedule: how.
        ranks: the place of this process.
        communication: how ranks average their gradients.
        steps: how many are timed.
        seed: of weights and data.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    simulation = replace(simulation, waveforms=4096 * ranks.size, spectra=64)  # no step depends on these
    batches = (steps + _UNTIMED) * schedule.accumulate * ranks.size
    with ranks.joined(), tempfile.TemporaryDirectory() as folder:
        estimator = architecture.build()
        simulator = build_simulator(architecture, estimator, simulation, seed=seed, ranks=ranks)
        clock = _Clock()
        fit(
            estimator.network,
            simulator,
            [simulator.batch(10**9)],
            replace(schedule, epochs=1, batches=batches, stop_below=None),
            out=Path(folder),
            objective=objective(estimator, simulation, schedule),
            seed=seed,
            ranks=ranks,
            communication=communication,
            callbacks=[clock],
        )
        lengths = [weight.numel() for weight in estimator.network.parameters() if weight.requires_grad]
        exchanges = _exchanges(ranks, communication, sum(lengths)) if ranks.size > 1 else []
    ends = clock.ends[_UNTIMED - 1 :]
    return Pace(
        ranks.size,
        simulation.batch_size,
        schedule.accumulate,
        [after - before for before, after in pairwise(ends)],
        clock.backward[_UNTIMED:],
        clock.meanwhile[_UNTIMED:],
        lengths,
        exchanges,
    )


def _exchanges(ranks: Ranks, communication: Communication, length: int) -> list[tuple[int, float]]:
    """Averages of tensors from a hundredth of the gradient to twice as much."""
    exchange, found = NetworkExchange(ranks, communication), []
    for part in (length // 100, length // 10, length // 3, length, 2 * length):
        some = torch.ones(max(part, ranks.size))
        for turn in range(_EXCHANGES + 2):
            distributed.barrier()
            began = time.perf_counter()
            exchange.begin(some)
            exchange.wait()
            if turn >= 2:
                found.append((communication.size * len(some), time.perf_counter() - began))
    return found
