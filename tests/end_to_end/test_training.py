"""Training: finds a posterior that is known, learns from simulated mergers, goes on where it was broken off."""

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, load, save
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.training.batch import Batch
from chirpleaf.training.checkpoints import AtomicCheckpointIO
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import EvidenceBound, LogScore, SquaredError
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Scaling, Schedule
from chirpleaf.training.simulation import Simulation

MIXING = torch.tensor([[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, -0.5, 0.0], [0.3, 0.0, 1.0, 0.8], [0.0, 0.7, 0.0, 1.0],
                       [0.5, 0.0, 0.0, -1.0]])  # fmt: skip
NOISE = 0.5


pytestmark = pytest.mark.usefixtures("one_thread_and_a_seed")


@dataclass(frozen=True)
class LinearGaussian:
    """Batches of theta ~ N(0, width^2), d = MIXING theta + noise, weighted to the prior N(0, 1) when `weighted`."""

    width: float = 1.25
    weighted: bool = True
    size: int = 200
    seed: int = 0

    def batch(self, index: int) -> Batch:
        generator = torch.Generator().manual_seed(10_000 * self.seed + index)
        theta = self.width * torch.randn(self.size, 4, generator=generator)
        data = theta @ MIXING.T + NOISE * torch.randn(self.size, len(MIXING), generator=generator)
        log_weight = 4 * np.log(self.width) - 0.5 * (1 - self.width**-2) * theta.square().sum(1)
        weight = log_weight.exp() if self.weighted else torch.ones(self.size)
        return Batch(data, theta, torch.zeros(self.size), torch.full((self.size,), -torch.inf), weight)


def exact_posterior(data: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., 4) and covariance (4, 4) under the prior N(0, 1)."""
    covariance = torch.linalg.inv(torch.eye(4) + MIXING.T @ MIXING / NOISE**2)
    return data @ MIXING @ covariance / NOISE**2, covariance


def small_density() -> ConditionalDensity:
    root = ResidualSettings(width=32, n_blocks=1).build(len(MIXING), 16)
    return ConditionalDensity(root, MixtureSettings(n_components=3, n_hidden=16).build(16, 4)).train()


def learnt(problem: LinearGaussian, out: Path, epochs: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Data (n, 5), means (n, 4) and mean covariance (4, 4) of the posteriors that training finds for them."""
    density = small_density()
    schedule = Schedule(epochs=epochs, batches=200, learning_rate=5e-3, warmup=50, ema_decay=0.99, weight_decay=0.0)
    fit(density, problem, [problem.batch(10**6)], schedule, out=out)  # type: ignore[arg-type]
    held_out = replace(problem, width=1.0, size=200, seed=5).batch(0)
    with torch.no_grad():
        samples = density(held_out.tokens).sample(2000, torch.Generator().manual_seed(1))
    centred = samples - samples.mean(0)
    return held_out.tokens, samples.mean(0), torch.einsum("nbi,nbj->ij", centred, centred) / centred[..., 0].numel()


def test_the_posterior_of_a_linear_gaussian_problem_is_found(tmp_path: Path) -> None:
    data, mean, covariance = learnt(LinearGaussian(), tmp_path)
    expected_mean, expected_covariance = exact_posterior(data)
    widths = expected_covariance.diagonal().sqrt()
    assert ((mean - expected_mean) / widths).square().mean().sqrt() < 0.2
    scaled = (covariance - expected_covariance) / torch.outer(widths, widths)
    assert scaled.abs().max() < 0.12


def test_without_the_weights_the_posterior_is_under_another_prior(tmp_path: Path) -> None:
    data, mean, _ = learnt(LinearGaussian(width=3.0, weighted=False), tmp_path, epochs=1)
    expected, covariance = exact_posterior(data)
    assert ((mean - expected) / covariance.diagonal().sqrt()).square().mean().sqrt() > 0.3


SIMULATION = Simulation(
    waveforms=8192, validation_waveforms=2000, spectra=128, snr_range=(15.0, 40.0), batch_size=128, validation_batches=4
)


def test_training_on_mergers_lowers_the_loss_and_makes_a_model(architecture: Architecture, tmp_path: Path) -> None:
    schedule = Schedule(epochs=4, batches=60, learning_rate=3e-3, warmup=30, ema_decay=0.98)
    model = train("tiny", architecture, SIMULATION, schedule, out=tmp_path, seed=1, cores=1)
    rows = read_history(tmp_path / "history.csv")
    assert [row["step"] for row in rows] == [60, 120, 180, 240]
    losses = [row["validation_loss"] for row in rows]
    assert losses[-1] < losses[0] - 0.5
    assert losses[-1] < 6.0
    assert rows[-1]["loss"] == pytest.approx(losses[-1], abs=0.7)
    assert not model.estimator.training
    assert model.provenance["metrics"]["validation_loss"] == losses[-1]
    assert model.provenance["metrics"]["samples"] == 240 * 128
    assert len(model.provenance["data_sha256"]) == 64
    save(model, tmp_path / "tiny.safetensors")
    assert load(tmp_path / "tiny.safetensors").provenance == {
        **model.provenance,
        "simulation": _listed(model.provenance),
    }


def _listed(provenance: dict) -> dict:
    """What JSON makes of the provenance's simulation: its tuples are lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in provenance["simulation"].items()
    }


class KilledError(Exception):
    """What a test breaks a training off with."""


class Kill(Callback):
    """Breaks off in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.global_step == self._step:
            raise KilledError


PLAN = Schedule(epochs=4, batches=10, learning_rate=5e-3, warmup=5, ema_decay=0.9)


@dataclass(frozen=True)
class Recorded(LinearGaussian):
    """Keeps the indices of the batches that it was asked for."""

    asked: list[int] = field(default_factory=list)

    def batch(self, index: int) -> Batch:
        self.asked.append(index)
        return super().batch(index)


def run(
    out: Path,
    *,
    resume: bool = False,
    kill_at: int | None = None,
    problem: LinearGaussian | None = None,
    plan: Schedule = PLAN,
) -> ConditionalDensity:
    """Trains by `plan` until the end or until it is killed; a resumed training begins with other weights."""
    problem = problem or LinearGaussian()
    out.mkdir(exist_ok=True)
    torch.manual_seed(4 if resume else 3)
    density = small_density()
    callbacks: list[Callback] = [History(out / "history.csv")]
    if kill_at is not None:
        callbacks.append(Kill(kill_at))
    held_out = [LinearGaussian().batch(10**6)]
    fit(density, problem, held_out, plan, out=out, resume=resume, callbacks=callbacks)  # type: ignore[arg-type]
    return density


def losses(out: Path) -> list[tuple[str, str, str]]:
    with (out / "history.csv").open(newline="") as file:
        return [(row["step"], row["loss"], row["validation_loss"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("muon", [None, 0.01], ids=["AdamW", "Muon"])
@pytest.mark.parametrize("kill_at", [20, 27], ids=["between epochs", "within an epoch"])
def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(
    tmp_path: Path, kill_at: int, muon: float | None
) -> None:
    plan = replace(PLAN, muon=muon)
    whole = run(tmp_path / "whole", plan=plan)
    with pytest.raises(KilledError):
        run(tmp_path / "broken", plan=plan, kill_at=kill_at)
    assert len(losses(tmp_path / "broken")) == 2
    resumed = run(tmp_path / "broken", plan=plan, resume=True)
    for name, weight in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name
    assert losses(tmp_path / "broken") == losses(tmp_path / "whole")
    minutes = [row["minutes"] for row in read_history(tmp_path / "broken" / "history.csv")]
    assert minutes == sorted(minutes)


@dataclass(frozen=True)
class Pairs(LinearGaussian):
    """Two quantities to estimate."""

    def batch(self, index: int) -> Batch:
        return super().batch(index)._replace(target=super().batch(index).target[:, :2])


@pytest.mark.parametrize("kind", [LeafSettings, BayesianLeafSettings])
def test_what_leaves_draw_is_drawn_again_by_a_resumed_training(
    tmp_path: Path, kind: type[LeafSettings] | type[BayesianLeafSettings]
) -> None:
    targets = LeafTargets(("mass_1", "mass_2"), aligned_space(IntrinsicPrior()))
    objective = EvidenceBound(targets, 1000) if kind is BayesianLeafSettings else SquaredError(targets)

    def learn(out: Path, *, resume: bool = False, kill_at: int | None = None) -> list[tuple[str, str, str]]:
        out.mkdir(exist_ok=True)
        torch.manual_seed(3)
        root = ResidualSettings(width=16, n_blocks=1).build(len(MIXING), 8)
        network = RootLeaves(root, targets.names, lambda: kind(targets.names, width=16, dropout=0.5).build(8))
        torch.manual_seed(4 if resume else 3)
        callbacks = [History(out / "history.csv"), *([] if kill_at is None else [Kill(kill_at)])]
        fit(
            network,
            Pairs(),  # type: ignore[arg-type]
            [Pairs().batch(10**6)],
            PLAN,
            out=out,
            objective=objective,
            resume=resume,
            callbacks=callbacks,
        )
        return losses(out)

    whole = learn(tmp_path / "whole")
    with pytest.raises(KilledError):
        learn(tmp_path / "broken", kill_at=27)
    assert learn(tmp_path / "broken", resume=True) == whole


def test_gradients_that_are_added_up_are_those_of_a_larger_batch(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Doubled(LinearGaussian):
        def batch(self, index: int) -> Batch:
            parts = zip(super().batch(2 * index), super().batch(2 * index + 1), strict=True)
            return Batch(*(torch.cat(part) for part in parts))

    weights = []
    for accumulate, problem in ((2, LinearGaussian()), (1, Doubled())):
        torch.manual_seed(3)
        density = small_density()
        plan = Schedule(
            epochs=1, batches=6 * accumulate, accumulate=accumulate, warmup=1, weight_decay=0, scaling="constant",
            cosine=False,
        )  # fmt: skip
        out = tmp_path / str(accumulate)
        assert fit(density, problem, [problem.batch(10**6)], plan, out=out) == 6 * accumulate  # type: ignore[arg-type]
        weights.append(torch.cat([weight.detach().flatten() for weight in density.parameters()]))
    torch.testing.assert_close(*weights, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("scaling", "factor"), [("constant", 1.0), ("sqrt", 4.0), ("linear", 16.0)])
def test_the_learning_rate_grows_with_the_examples_of_a_step(scaling: Scaling, factor: float) -> None:
    alone = Schedule(epochs=10, batches=1600, warmup=5)
    shared = replace(alone, accumulate=2, scaling=scaling)
    assert shared.rate(100, 1600, ranks=8) == pytest.approx(factor * alone.rate(1600))
    assert shared.rate(1, 32, ranks=8) == pytest.approx(0.4 * factor, rel=1e-3)


def test_a_checkpoint_that_the_disk_does_not_take_leaves_the_former_one(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits the length of files")
    path, checkpoints = tmp_path / "last.ckpt", AtomicCheckpointIO()
    checkpoints.save_checkpoint({"epoch": 1, "weights": torch.zeros(10)}, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(InputError, match=r"expected room for a checkpoint; .* free some and go on with --resume"):
            checkpoints.save_checkpoint({"epoch": 2, "weights": torch.zeros(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert torch.load(path)["epoch"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_crash_while_a_checkpoint_is_written_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, checkpoints = tmp_path / "last.ckpt", AtomicCheckpointIO()
    checkpoints.save_checkpoint({"epoch": 1}, path)

    def crash(_: object, file: BinaryIO) -> None:
        file.write(b"half of it")
        raise KilledError

    with monkeypatch.context() as crashing:
        crashing.setattr(torch, "save", crash)
        with pytest.raises(KilledError):
            checkpoints.save_checkpoint({"epoch": 2}, path)
    assert torch.load(path)["epoch"] == 1
    checkpoints.save_checkpoint({"epoch": 3}, path)
    assert torch.load(path)["epoch"] == 3


def test_every_batch_is_trained_on_once(tmp_path: Path) -> None:
    first, second = Recorded(), Recorded()
    with pytest.raises(KilledError):
        run(tmp_path, kill_at=27, problem=first)
    run(tmp_path, resume=True, problem=second)
    assert first.asked[:27] == list(range(27))
    assert second.asked == list(range(20, 40))


def test_resuming_a_finished_training_gives_its_model(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    again = run(tmp_path / "whole", resume=True)
    for name, weight in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name
    assert len(losses(tmp_path / "whole")) == PLAN.epochs


def test_the_weights_are_the_moving_average(tmp_path: Path) -> None:
    density = run(tmp_path)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=False)
    last = {name.removeprefix("network."): weight for name, weight in checkpoint["current_model_state"].items()}
    assert all(
        torch.equal(checkpoint["state_dict"][f"network.{name}"], weight)
        for name, weight in density.state_dict().items()
    )
    assert any(not torch.equal(last[name], weight) for name, weight in density.state_dict().items())


def test_there_must_be_something_to_resume_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a checkpoint to resume from; got no .*last\.ckpt: train without"):
        run(tmp_path, resume=True)


def test_learning_rate_rises_and_falls() -> None:
    schedule = Schedule(epochs=10, batches=100, warmup=100)
    rates = [schedule.rate(step) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0, abs=0.03)
    assert np.argmax(rates) == pytest.approx(100, abs=2)
    assert np.all(np.diff(rates[100:]) < 0)
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)


def test_without_the_cosine_the_learning_rate_stays() -> None:
    schedule = Schedule(epochs=10, batches=100, warmup=100, cosine=False)
    assert schedule.rate(0) == pytest.approx(0.01)
    assert {schedule.rate(step) for step in (100, 500, 1000)} == {1.0}


@dataclass(frozen=True)
class Halving(LogScore):
    """The log score, and an error that is one at first and halves whenever it is asked for."""

    asked: list[int] = field(default_factory=list)

    def error(self, network: nn.Module, batch: Batch) -> Tensor:
        self.asked.append(len(self.asked))
        return torch.tensor(0.5 ** self.asked[-1])


@pytest.mark.parametrize(("stop_below", "epochs"), [(None, 6), (0.3, 3), (1e-9, 6)])
def test_training_ends_where_the_error_is_small_enough(tmp_path: Path, stop_below: float | None, epochs: int) -> None:
    problem, schedule = LinearGaussian(size=20), Schedule(epochs=6, batches=5, warmup=2, stop_below=stop_below)
    fit(
        small_density(),
        problem,  # type: ignore[arg-type]
        [problem.batch(10**6)],
        schedule,
        out=tmp_path,
        objective=Halving(),
        callbacks=[History(tmp_path / "history.csv")],
    )
    assert len(read_history(tmp_path / "history.csv")) == epochs
