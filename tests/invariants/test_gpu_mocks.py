"""Training on GPUs, by mocks: no GPU is used. Recorders stand for CUDA, NCCL and Lightning's trainer, and torch's
`meta` device, whose tensors refuse to meet those of the processor, stands for the memory of a GPU.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed, nn

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.models.architecture_json import decode_head
from chirpleaf.networks.convolutional import Convolution, ConvolutionalSettings
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.training import engine
from chirpleaf.training.batch import Batch
from chirpleaf.training.data import build_simulator
from chirpleaf.training.objectives import make_objective
from chirpleaf.training.parallel import strategy, threads
from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation

FOUR = Ranks(rank=2, size=4, local_rank=2, local_size=4)
"""The third rank of the paper's machine with four GPUs."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a rank asks of CUDA and of torch.distributed, recorded by mocks."""
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: made.append(("set_device", device)))
    monkeypatch.setattr(
        distributed, "init_process_group", lambda backend, **options: made.append((backend, options["rank"]))
    )
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: made.append(("destroy",)))
    return made


def mock_gpus(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)


def test_ranks_on_mocked_gpus_take_one_each_and_connect_by_nccl(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]
) -> None:
    mock_gpus(monkeypatch, 4)
    with FOUR.connect():
        assert calls == [("set_device", 2), ("nccl", 2)]  # NCCL sends through the device that is set
    assert calls[-1] == ("destroy",)


def test_ranks_on_processors_connect_by_gloo(monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]) -> None:
    mock_gpus(monkeypatch, 0)
    with FOUR.connect():
        assert calls == [("gloo", 2)]


def test_more_ranks_than_mocked_gpus_are_refused(monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]) -> None:
    mock_gpus(monkeypatch, 2)
    with pytest.raises(InputError, match="each of 2 GPUs of a node; got 4"), FOUR.connect():
        pass
    assert not calls


@pytest.mark.parametrize(("gpus", "kind"), [(4, "NetworkStrategy"), (0, "SharedMemoryStrategy")])
def test_gradients_go_over_the_network_between_mocked_gpus(
    monkeypatch: pytest.MonkeyPatch, gpus: int, kind: str
) -> None:
    mock_gpus(monkeypatch, gpus)
    monkeypatch.setattr(distributed, "new_group", lambda **_: None)
    found = strategy.choose_strategy(FOUR, Communication(memory=True))
    assert type(found).__name__ == kind
    assert strategy.choose_strategy(ALONE, Communication()) == "auto"


@pytest.mark.parametrize(("communication", "hooked"), [(Communication(bfloat16=False, grid=False), False),
                                                       (Communication(bfloat16=True), True)])  # fmt: skip
def test_plain_gradients_on_mocked_gpus_are_left_to_nccl(
    monkeypatch: pytest.MonkeyPatch, communication: Communication, hooked: bool
) -> None:
    mock_gpus(monkeypatch, 4)
    monkeypatch.setattr(distributed, "new_group", lambda **_: None)
    monkeypatch.setattr(strategy, "NetworkExchange", lambda *_: None)
    registered: list[Any] = []

    class Wrapped(nn.Module):
        def register_comm_hook(self, state: Any, hook: Callable[..., Any]) -> None:
            registered.append(hook)

    monkeypatch.setattr(strategy, "DistributedDataParallel", Wrapped)
    monkeypatch.setattr(DDPStrategy, "configure_ddp", lambda self: None)
    found = strategy.NetworkStrategy(FOUR, communication)
    found._model = Wrapped()
    found.configure_ddp()
    assert bool(registered) == hooked


@pytest.mark.parametrize(("gpus", "accelerator"), [(4, "gpu"), (0, "cpu")])
def test_the_trainer_takes_mocked_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gpus: int, accelerator: str
) -> None:
    mock_gpus(monkeypatch, gpus)
    asked: dict[str, Any] = {}

    class Recorder(lightning.Trainer):
        def __init__(self, **options: Any) -> None:
            asked.update(options)

    monkeypatch.setattr(lightning, "Trainer", Recorder)
    engine._make_trainer(Schedule(), tmp_path, "auto", FOUR, [])
    assert (asked["accelerator"], asked["devices"], asked["num_nodes"]) == (accelerator, 4, 1)


@pytest.mark.parametrize("supported", [True, False])
def test_a_mocked_gpu_says_itself_whether_it_has_bfloat16(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    mock_gpus(monkeypatch, 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert threads.bfloat16_pays() == supported


SERIES = {
    "series": SeriesSettings(rate=1024, n_samples=64, align="template", context=True),
    "root": ConvolutionalSettings((Convolution(16, 4, stride=4), Convolution(4, 4)), detectors="pooled", conditions=3),
}
LEAVES, BAYESIAN = (
    {"head": decode_head({"kind": kind, "names": ["mass_1", "final_spin"]})} for kind in ("leaves", "bayesian-leaves")
)
CASES: dict[str, dict[str, Any]] = {
    "density": {},
    "leaves": LEAVES,
    "bayesian leaves": BAYESIAN,
    "bayesian leaves on series": BAYESIAN | SERIES,
}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_error_stay_on_the_device_of_the_weights(
    monkeypatch: pytest.MonkeyPatch, architecture: Architecture, case: str
) -> None:
    """On the `meta` device, a tensor that was left on the processor ends the step with an error."""
    changed = replace(architecture, **CASES[case])
    simulation = Simulation(waveforms=16, spectra=2, batch_size=4)
    estimator = changed.build()
    batch = build_simulator(changed, estimator, simulation, seed=0).batch(0)
    objective = make_objective(estimator, simulation, Schedule(warmup=1))
    network = estimator.network.to("meta")
    far = Batch(
        type(batch.tokens)(*(part.to("meta") for part in batch.tokens)), *(part.to("meta") for part in batch[1:])
    )
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)  # without checks of values, which meta lacks
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", False)
    loss, error = objective.loss(network, far, 10), objective.error(network, far)
    loss.backward()
    assert loss.device.type == "meta"
    assert error is None if case == "density" else error is not None and error.device.type == "meta"
    assert all(weight.grad is not None for weight in network.parameters())


class Idle:
    """A trainer that does nothing, and a simulator that is never asked."""

    def fit(self, *_: object, **__: object) -> None:
        pass

    def batch(self, index: int) -> Batch:
        raise AssertionError(index)


def test_the_root_is_compiled_where_the_schedule_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a mock of `nn.Module.compile` and of the trainer: what it makes of the root is torch's own affair."""
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(self))  # noqa: PLW0108 - a method
    monkeypatch.setattr(engine, "_make_trainer", lambda *_: Idle())
    network = nn.Module()
    network.root = nn.Linear(2, 2)
    for compiles in (True, False):
        engine.fit(network, Idle(), [], Schedule(compile=compiles), out=tmp_path)
    assert compiled == [network.root]
