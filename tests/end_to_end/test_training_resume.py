"""An interrupted training resumes bit by bit; checkpoints are written completely or not at all."""

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from linear_gaussian import MIXING, LinearGaussian, small_density

from chirpleaf.errors import InputError
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.training.batch import Batch
from chirpleaf.training.checkpoints import AtomicCheckpointIO
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import EvidenceBound, SquaredError
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.schedule import Schedule

pytestmark = pytest.mark.usefixtures("one_thread_and_a_seed")


class KilledError(Exception):
    """Exception by which a test interrupts a training."""


class Kill(Callback):
    """Interrupts a training in the middle of an epoch."""

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


def test_there_must_be_something_to_resume_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a checkpoint to resume from; got no .*last\.ckpt: train without"):
        run(tmp_path, resume=True)


def test_the_weights_are_the_moving_average(tmp_path: Path) -> None:
    density = run(tmp_path)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=False)
    last = {name.removeprefix("network."): weight for name, weight in checkpoint["current_model_state"].items()}
    assert all(
        torch.equal(checkpoint["state_dict"][f"network.{name}"], weight)
        for name, weight in density.state_dict().items()
    )
    assert any(not torch.equal(last[name], weight) for name, weight in density.state_dict().items())
