"""Leaves: training on simulated mergers, model files, and estimates."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chirpleaf.diagnostics.decomposition import measure_decomposition
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, Model, load, save
from chirpleaf.models.architecture_json import decode_root
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeaf, BayesianLeafSettings, LeafSettings
from chirpleaf.representation.canonical import Canonical
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.tokens import concatenate_tokens
from chirpleaf.training.data import build_simulator
from chirpleaf.training.finetune import Finetuning, finetune
from chirpleaf.training.progress import read_history
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator

SIMULATION = Simulation(
    waveforms=8192, validation_waveforms=2000, spectra=128, snr_range=(15.0, 40.0), batch_size=128, validation_batches=4
)
LOUD = replace(SIMULATION, snr_range=(60.0, 100.0), waveforms=4096, validation_waveforms=1000)
"""What time series need to be learnt from in so short a training; fewer, as their grid has six times the bins."""
SCHEDULE = Schedule(epochs=4, batches=50, learning_rate=2e-3, warmup=20, ema_decay=0.95)
LAYERS = [
    {"kernel": 16, "channels": 8, "pool": 8},
    {"kernel": 8, "channels": 16, "pool": 8},
    {"kernel": 8, "channels": 16, "pool": 4},
]
SERIES = {
    "series": SeriesSettings(rate=2048, n_samples=1024, arrival=0.01),
    "root": decode_root({"layers": LAYERS}),
    "fold": 16,
    "widest": 0.25,
    "maximum_frequency": 512.0,
    "templates": TemplateSettings(phase_step=12.0, ratio_step=0.2, chi_eff=(0.0,)),
}
KINDS: dict[str, dict[str, Any]] = {
    "masses": {"head": LeafSettings(("mass_1", "mass_2"))},
    "remnant-bayesian": {"head": BayesianLeafSettings(("final_spin", "omega_r", "omega_i"))},
    "series": {"head": LeafSettings(("mass_1", "mass_2")), **SERIES},
}


pytestmark = pytest.mark.usefixtures("one_thread_and_a_seed")


def simulation(architecture: Architecture, **changes: Any) -> Simulation:
    """Settings of the training data."""
    return replace(LOUD if architecture.series else SIMULATION, **changes)


@pytest.fixture(scope="module", params=KINDS)
def trained(
    request: pytest.FixtureRequest, architecture: Architecture, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    some = replace(architecture, **KINDS[request.param])
    return train(request.param, some, simulation(some), SCHEDULE, out=folder, seed=1, cores=1), folder


def test_training_lowers_loss_and_error(trained: tuple[Model, Path]) -> None:
    rows = read_history(trained[1] / "history.csv")
    losses = [row["validation_loss"] for row in rows]
    assert losses[-1] < losses[0]
    assert len(rows) == SCHEDULE.epochs
    errors = [row["relative_error"] for row in rows]
    assert 0 < errors[-1] < errors[0]
    assert trained[0].provenance["metrics"]["relative_error"] == errors[-1]


def test_estimates_follow_the_truth(trained: tuple[Model, Path]) -> None:
    estimator = trained[0].estimator
    assert isinstance(estimator, LeafEstimator)
    simulator = build_simulator(
        trained[0].architecture, estimator, simulation(trained[0].architecture, waveforms=2000), seed=77
    )
    batch = simulator.batch(0)
    with torch.no_grad():
        found = estimator.network(batch.tokens)
    for name, truth in zip(estimator.targets.names, batch.target.T, strict=True):
        estimate = found[name].mean if estimator.kind == "bayesian-leaves" else found[name]
        assert torch.corrcoef(torch.stack([estimate, truth]))[0, 1] > 0.5, name


def test_a_file_keeps_it(trained: tuple[Model, Path], tmp_path: Path) -> None:
    model, _ = trained
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.architecture == model.architecture
    features = build_simulator(model.architecture, model.estimator, replace(SIMULATION, waveforms=64), seed=3).batch(0)
    for estimator in (model.estimator, again.estimator):
        assert isinstance(estimator, LeafEstimator)
        assert not any(module.training for module in estimator.modules())
    first, second = (
        network.root(network.encoder(features.tokens)) for network in (model.estimator.network, again.estimator.network)
    )
    torch.testing.assert_close(first, second, atol=0.02, rtol=0.02)  # half precision at rest


@pytest.mark.parametrize("trained", ["masses"], indirect=True)
def test_training_a_cut_network_further_wins_back_what_it_lost(trained: tuple[Model, Path]) -> None:
    model, _ = trained
    settings = Finetuning(batches=200, batch_size=64, learning_rate=2e-3, warmup=10, waveforms=2048)
    found = measure_decomposition(model, "mass_1", [1.0, 0.03], events=512, refine=partial(finetune, settings=settings))
    whole, cut = found.shares
    assert whole.finetuned_error is None
    assert cut.finetuned_error is not None
    assert cut.finetuned_error < 0.9 * cut.error
    assert found.models[0.03].provenance["start"]["decomposed"]["keep"] == 0.03
    assert found.models[0.03].n_parameters == cut.parameters


def test_random_weights_are_of_the_last_two_layers_alone(trained: tuple[Model, Path]) -> None:
    estimator = trained[0].estimator
    assert isinstance(estimator, LeafEstimator)
    for leaf in estimator.network.leaves.values():
        assert isinstance(leaf, BayesianLeaf) == (estimator.kind == "bayesian-leaves")
        random = {name.split(".")[0] for name, _ in leaf.named_parameters() if name.endswith(".mean")}
        assert random == ({"second", "last"} if estimator.kind == "bayesian-leaves" else set())


def test_widths_are_settled_on_the_prior_and_kept(trained: tuple[Model, Path], tmp_path: Path) -> None:
    model, _ = trained
    estimator = model.estimator
    assert isinstance(estimator, LeafEstimator)
    if estimator.kind != "bayesian-leaves":
        assert "widths" not in model.provenance
        return
    widths = model.provenance["widths"]
    scales = {name: leaf.interval_scale.item() for name, leaf in estimator.network.leaves.items()}
    assert scales == pytest.approx(widths)
    prior = build_simulator(model.architecture, estimator, replace(SIMULATION, waveforms=2000, strata=1), seed=5)
    batches = [prior.batch(index) for index in range(8)]
    assert all((batch.weight == 1).all() for batch in batches)
    features = concatenate_tokens([batch.tokens for batch in batches])
    truth = torch.cat([batch.target for batch in batches])
    generator = torch.Generator().manual_seed(0)
    for place, one in enumerate(estimator.network.predictive(features, 100, generator).values()):
        distance = (truth[:, place] - one.mean).abs() / torch.hypot(one.aleatoric, one.epistemic)
        held = [(distance < limit).float().mean().item() for limit in (0.6745, 1.6449)]
        assert held == pytest.approx([0.5, 0.9], abs=0.06)
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors").leaves.network.leaves
    assert {name: leaf.interval_scale.item() for name, leaf in again.items()} == pytest.approx(widths, rel=1e-3)


def test_a_leaf_of_before_widths_were_settled_is_taken() -> None:
    before = BayesianLeafSettings(("leaf",)).build(4).state_dict()
    del before["interval_scale"]
    leaf = BayesianLeafSettings(("leaf",)).build(4)
    leaf.interval_scale *= 2
    leaf.load_state_dict(before)
    assert leaf.interval_scale == 1
    leaf.load_state_dict({**before, "width": torch.tensor(1.5)})  # its former name
    assert leaf.interval_scale == 1.5


def test_estimates_are_in_the_quantities_units(trained: tuple[Model, Path]) -> None:
    model, _ = trained
    estimator = model.estimator
    assert isinstance(estimator, LeafEstimator)
    simulator = build_simulator(model.architecture, estimator, simulation(model.architecture, waveforms=64), seed=9)
    seen = canonical_of(simulator)
    if estimator.kind == "bayesian-leaves":
        found = estimator.predictive(seen, 20, torch.Generator().manual_seed(0))
        assert all(one.mean.shape == (SIMULATION.batch_size,) for one in found.values())
    else:
        found = estimator.estimate(seen)
        prior = model.architecture.prior
        inside = [((one > 0.5 * prior.mass_min) & (one < 2 * prior.mass_max)).all() for one in found.values()]
        assert all(inside)
    assert tuple(found) == estimator.targets.names


def canonical_of(simulator: Simulator) -> Canonical:
    """Canonical input of some binaries without noise."""
    series = torch.view_as_complex(simulator.bank.series.float())[torch.arange(SIMULATION.batch_size) % 64]
    generator = torch.Generator().manual_seed(0)
    weights = simulator.noise.weights_at(simulator.noise.sample_rows(len(series), generator))
    signal = simulator.simulate_signal(series, weights, np.random.default_rng(0), generator)
    return simulator.estimator.preprocess(signal, weights)


@pytest.mark.parametrize(
    "wrong", [{"series": SERIES["series"]}, {"root": SERIES["root"]}, {**SERIES, "head": MixtureSettings()}]
)
def test_parts_that_do_not_belong_together_are_refused(architecture: Architecture, wrong: dict[str, Any]) -> None:
    fine = SERIES if "series" in wrong else {}
    some = {"fold": 16, "widest": 0.25, "head": KINDS["masses"]["head"]} if fine else {"head": KINDS["masses"]["head"]}
    with pytest.raises(InputError, match=r"expected .*; got .*: "):
        replace(architecture, **{**some, **wrong}).build()
