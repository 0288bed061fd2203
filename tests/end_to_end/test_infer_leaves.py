"""`chirpleaf infer`, `evaluate` and `decompose` with models of leaves."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bilby.core.result import read_in_result

from chirpleaf import infer
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, Model, save
from chirpleaf.models.architecture_json import decode_head
from chirpleaf.result import LeafEstimates, read
from chirpleaf.system.products import RECORD

KINDS = {
    "deterministic": {"kind": "leaves", "names": ["mass_1", "mass_2"]},
    "bayesian": {"kind": "bayesian-leaves", "names": ["final_spin", "omega_r", "omega_i"]},
}


@pytest.fixture(scope="module")
def files(architecture: Architecture, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of untrained leaves whose estimates depend on the data."""
    folder = tmp_path_factory.mktemp("leaves")
    paths = {kind: folder / f"{kind}.safetensors" for kind in KINDS}
    for kind, head in KINDS.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            some = replace(architecture, head=decode_head(head))
            save(Model(kind, some, some.build().eval(), {}), paths[kind])
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_analysed(kind: str, files: dict[str, Path], chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    names = KINDS[kind]["names"]
    ran = chirpleaf("infer", "GW150914", "--model", files[kind], "--samples", 500, "--out", tmp_path)
    assert (ran.status, ran.stderr) == (0, "")
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        RECORD,
        "summary.json",
        "posterior.hdf5",
        "result.json",
        "corner.png",
        "strain.png",
        "report.html",
    }
    summary = json.loads((tmp_path / "summary.json").read_text())
    parts = {"estimate", "noise_spectrum"} if kind == "deterministic" else {"aleatoric", "epistemic"}
    assert list(summary["parameters"]) == names
    assert summary["certificate"] is None
    for name, row in summary["parameters"].items():
        assert set(row) == {"median", "lower", "upper", "unit"} | parts
        assert row["lower"] < row["median"] < row["upper"]
        assert name in ran.stdout
    assert all(part.split("_")[0] in ran.stdout for part in parts)
    saved = read(tmp_path / "posterior.hdf5")
    assert isinstance(saved, LeafEstimates)
    assert list(saved.samples) == names
    assert np.isnan(saved.log_prob).all() == (kind == "deterministic")
    result = read_in_result(str(tmp_path / "result.json"))
    assert result.search_parameter_keys == names
    assert len(result.posterior) == summary["n_samples"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"certify": True}, "expected a model of all parameters to certify; got .*: leave certify out"),
        ({"prior": "standard"}, "expected certification .* or a prior; got an answer of the network alone"),
        ({"approximant": "IMRPhenomD"}, "expected certification .* an approximant"),
        ({"effective_samples": 9}, "expected certification with effective samples"),
    ],
)
def test_options_of_certification_are_refused(
    kind: str, asked: dict[str, Any], message: str, files: dict[str, Path]
) -> None:
    with pytest.raises(InputError, match=message):
        infer("GW150914", model=files[kind], **asked)


def test_the_density_of_bayesian_samples_is_normalised(architecture: Architecture, tmp_path: Path) -> None:
    """The integral of the density over the samples' range is one, for a mass as for a spin."""
    for name in ("mass_1", "final_spin"):
        torch.manual_seed(1)
        some = replace(architecture, head=decode_head({"kind": "bayesian-leaves", "names": [name]}))
        estimator = some.build().eval()
        with torch.no_grad():
            leaf = estimator.network.leaves[name]
            leaf.last.mean[1, -1] = -3.0  # a scale well within the range of a mass
            leaf.second.log_scale.fill_(-4.0)
            leaf.last.log_scale.fill_(-4.0)
        path = tmp_path / f"{name}.safetensors"
        save(Model(name, some, estimator, {}), path)
        posterior = infer("GW150914", model=path, samples=8000, seed=4)
        order = np.argsort(posterior.samples[name])
        values, density = posterior.samples[name][order], np.exp(posterior.log_prob[order])
        assert np.trapezoid(density, values) == pytest.approx(1.0, abs=0.01)
        parts = posterior.uncertainty_components[name]
        whole = np.hypot(parts["aleatoric"], parts["epistemic"])
        assert 0.5 < parts["epistemic"] / parts["aleatoric"] < 5.0
        assert whole == pytest.approx(posterior.samples[name].std(), rel=0.1)


def test_the_seed_determines_the_samples(files: dict[str, Path]) -> None:
    for kind, path in files.items():
        first, again, other = (infer("GW150914", model=path, samples=40, seed=seed) for seed in (1, 1, 2))
        name = KINDS[kind]["names"][0]
        assert len(first) == 40
        assert np.array_equal(first.samples[name], again.samples[name])
        assert not np.array_equal(first.samples[name], other.samples[name])


def test_noise_spectra_of_the_user_do_not_vary(files: dict[str, Path], simulated: Callable[..., Any]) -> None:
    strain, densities, trigger = simulated(30.0)
    known = {"H1": densities["H1"]}
    spread = {}
    for label, psd in {"estimated": {}, "one known": known, "known": densities}.items():
        posterior = infer(strain=strain, trigger_time=trigger, psd=psd, model=files["deterministic"], samples=60)
        spread[label] = posterior.uncertainty_components["mass_1"]["noise_spectrum"]
        middle = np.median(posterior.samples["mass_1"])
        assert abs(posterior.uncertainty_components["mass_1"]["estimate"] - middle) <= 3 * spread[label] + 1e-4
    assert spread["estimated"] > 0 < spread["one known"]
    assert spread["known"] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_are_evaluated(kind: str, files: dict[str, Path], chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    ran = chirpleaf("evaluate", files[kind], "--injections", 12, "--samples", 200, "--out", tmp_path)
    assert (ran.status, ran.stderr) == (0, "")
    evaluation = json.loads((tmp_path / "evaluation.json").read_text())
    names = KINDS[kind]["names"]
    assert list(evaluation["errors"]["parameters"]) == names
    assert all(name in ran.stdout for name in names)
    pictures = {path.name for path in tmp_path.glob("*.png")}
    if kind == "deterministic":
        assert (evaluation["calibration"], evaluation["groups"], pictures) == (None, {}, {"errors.png"})
    else:
        assert list(evaluation["calibration"]["parameters"]) == names
        assert {"pp.png", "errors.png", "coverage_snr.png"} <= pictures


def test_a_subnetwork_is_extracted(files: dict[str, Path], chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    asked = ("decompose", files["bayesian"], "--leaf", "omega_r", "--keep", 0.6, "--events", 64, "--out", tmp_path)
    ran = chirpleaf(*asked)
    assert (ran.status, ran.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        RECORD,
        "bayesian-omega_r.safetensors",
        "decomposition.json",
        "filters.png",
    }
    table = json.loads((tmp_path / "decomposition.json").read_text())
    assert [row["keep"] for row in table["shares"]] == [1.0, 0.75, 0.6, 0.5, 0.25, 0.1, 0.05]
    sizes = [row["parameters"] for row in table["shares"]]
    assert sizes == sorted(sizes, reverse=True)
    posterior = infer("GW150914", model=tmp_path / "bayesian-omega_r.safetensors", samples=50)
    assert list(posterior.samples) == ["omega_r"]
    for wrong, message in (
        (
            ("decompose", files["bayesian"], "--leaf", "mass_1", "--out", tmp_path / "x"),
            "expected a leaf of final_spin",
        ),
        (("decompose", "bbh", "--leaf", "mass_1", "--out", tmp_path / "x"), "expected a model with leaves"),
        ((*asked[:5], "1.5", "--out", tmp_path / "x"), "expected --keep above 0 and at most 1"),
        (asked, "expected a new or empty folder"),
    ):
        refused = chirpleaf(*wrong)
        assert refused.status == 2
        assert message in refused.stderr
    assert not (tmp_path / "x").exists()


def test_the_data_choose_only_among_posterior_models(
    files: dict[str, Path], model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chirpleaf.models import shipped

    for name, path in {"a-leaf": files["bayesian"], "random": model_file}.items():
        (tmp_path / f"{name}.safetensors").write_bytes(path.read_bytes())
    monkeypatch.setattr(shipped, "_folder", lambda: tmp_path)
    assert set(shipped.available_models()) == {"a-leaf", "random"}
    assert [model.name for model in shipped.posteriors()] == ["random"]
    assert infer("GW150914", samples=10, certify=False).provenance.model == "random"
    assert infer("GW150914", model="a-leaf", samples=10).provenance.model == "bayesian"
