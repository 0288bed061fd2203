"""Training: a problem with an exact answer, schedules and stopping."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from linear_gaussian import MIXING, NOISE, LinearGaussian, small_density
from torch import Tensor, nn

from chirpleaf.models import Architecture, load, save
from chirpleaf.training.batch import Batch
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import LogScore
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Scaling, Schedule
from chirpleaf.training.simulation import Simulation

pytestmark = pytest.mark.usefixtures("one_thread_and_a_seed")


def exact_posterior(data: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., 4) and covariance (4, 4) under the prior N(0, 1)."""
    covariance = torch.linalg.inv(torch.eye(4) + MIXING.T @ MIXING / NOISE**2)
    return data @ MIXING @ covariance / NOISE**2, covariance


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
    """The simulation settings of the provenance as JSON, with lists instead of tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in provenance["simulation"].items()
    }


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
