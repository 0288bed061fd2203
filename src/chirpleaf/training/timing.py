"""Timing of training steps on this machine, and of the exchange of gradients; needs Lightning."""

import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import distributed

from chirpleaf.models.architecture import Architecture
from chirpleaf.training.data import build_simulator
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import make_objective
from chirpleaf.training.pace import Pace
from chirpleaf.training.parallel.communication import DEFAULT_COMMUNICATION, Communication
from chirpleaf.training.parallel.exchange import NetworkExchange
from chirpleaf.training.parallel.ranks import Ranks
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation

_WARM_UP_STEPS = 5
"""Untimed steps at the beginning, which fill caches."""
_WAVEFORMS = 4096
"""Waveforms of each rank, at most: more take longer to make and do not change the time of a step."""
_SPECTRA = 64
"""Noise spectra, at most: as for `_WAVEFORMS`."""
_WARM_UP_EXCHANGES = 2
"""Exchanges of each size before the timed ones."""
_EXCHANGES = 15
"""Timed exchanges of each size."""


class _Clock(Callback):
    """Records the ends of steps, the durations of backward passes and the time until the exchange must finish."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.backward: list[float] = []
        self.meanwhile: list[float] = []

    def on_before_backward(self, *_: Any) -> None:
        self._backward_start = time.perf_counter()

    def on_after_backward(self, *_: Any) -> None:
        self._backward_end = time.perf_counter()

    def on_before_optimizer_step(self, *_: Any) -> None:
        self.backward.append(self._backward_end - self._backward_start)
        self.meanwhile.append(time.perf_counter() - self._backward_end)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step > len(self.ends):
            self.ends.append(time.perf_counter())


def measure_pace(
    architecture: Architecture,
    simulation: Simulation,
    schedule: Schedule,
    *,
    ranks: Ranks,
    communication: Communication = DEFAULT_COMMUNICATION,
    steps: int = 40,
    seed: int = 0,
) -> Pace:
    """Times training steps with one thread for each rank, which simulates between the steps; runs on all ranks at once.

    Args:
        architecture: the architecture to train.
        simulation: settings of the data.
        schedule: settings of the optimisation.
        ranks: the place of this process.
        communication: how the ranks average their gradients.
        steps: number of timed steps.
        seed: seed of weights and data.

    Returns:
        The times.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    simulation = replace(
        simulation,
        waveforms=min(simulation.waveforms, _WAVEFORMS * ranks.size),
        spectra=min(simulation.spectra, _SPECTRA),
    )
    batches = (steps + _WARM_UP_STEPS) * schedule.accumulate * ranks.size
    with ranks.connect(), tempfile.TemporaryDirectory() as folder:
        estimator = architecture.build()
        simulator = build_simulator(architecture, estimator, simulation, seed=seed, ranks=ranks)
        clock = _Clock()
        fit(
            estimator.network,
            simulator,
            [simulator.batch(10**9)],
            replace(schedule, epochs=1, batches=batches, stop_below=None),
            out=Path(folder),
            objective=make_objective(estimator, simulation, schedule),
            seed=seed,
            ranks=ranks,
            communication=communication,
            callbacks=[clock],
        )
        lengths = [weight.numel() for weight in estimator.network.parameters() if weight.requires_grad]
        exchanges = _time_exchanges(ranks, communication, sum(lengths)) if ranks.size > 1 else []
    ends = clock.ends[_WARM_UP_STEPS - 1 :]
    return Pace(
        ranks.size,
        simulation.batch_size,
        schedule.accumulate,
        [after - before for before, after in pairwise(ends)],
        clock.backward[_WARM_UP_STEPS:],
        clock.meanwhile[_WARM_UP_STEPS:],
        lengths,
        exchanges,
    )


def _time_exchanges(ranks: Ranks, communication: Communication, length: int) -> list[tuple[int, float]]:
    """Bytes and seconds of averages, of tensors from a hundredth of the gradient to twice its length."""
    exchange, times = NetworkExchange(ranks, communication), []
    for part in (length // 100, length // 10, length // 3, length, 2 * length):
        tensor = torch.ones(max(part, ranks.size))
        for turn in range(_WARM_UP_EXCHANGES + _EXCHANGES):
            distributed.barrier()
            start = time.perf_counter()
            exchange.start(tensor)
            exchange.finish()
            if turn >= _WARM_UP_EXCHANGES:
                times.append((communication.bytes_per_gradient * len(tensor), time.perf_counter() - start))
    return times
