"""What is written of a posterior is what is read back, by chirpleaf and by bilby."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference.results import read_posterior, write_results
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior

if TYPE_CHECKING:
    from bilby.core.result import Result

    from chirpleaf.inference import Posterior
    from chirpleaf.models import Model

INTRINSIC = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")


@pytest.fixture(scope="module")
def posterior(model: "Model", tmp_path_factory: pytest.TempPathFactory) -> "Posterior":
    from chirpleaf.inference import infer
    from chirpleaf.models import save

    path = tmp_path_factory.mktemp("model") / "random.safetensors"
    save(model, path)
    return infer("GW150914", model=path, samples=400, seed=3, certify=False)


@pytest.fixture(scope="module")
def folder(posterior: "Posterior", tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    written = write_results(posterior, folder)
    assert {path.name for path in folder.iterdir()} == {path.name for path in written}
    return folder


@pytest.fixture(scope="module")
def bilby_result(folder: Path) -> "Result":
    from bilby.core.result import read_in_result

    return read_in_result(str(folder / "result.json"))


def test_samples_come_back_as_they_were(posterior: "Posterior", folder: Path) -> None:
    saved = read_posterior(folder / "posterior.hdf5")
    assert set(saved.samples) == set(posterior.samples)
    for name, values in posterior.samples.items():
        np.testing.assert_array_equal(saved.samples[name], values)
    np.testing.assert_array_equal(saved.log_prob, posterior.log_prob)
    np.testing.assert_array_equal(saved.log_weight, np.zeros(400))


def test_provenance_comes_back_as_it_was(folder: Path) -> None:
    provenance = read_posterior(folder / "posterior.hdf5").provenance
    assert provenance.pop("chirpleaf_version")
    assert provenance == {
        "event": "GW150914",
        "trigger_time": 1126259462.4,
        "detectors": ["H1", "L1"],
        "model": "random",
        "data_sha256": "",
        "approximant": "IMRPhenomXAS",
        "seed": 3,
    }


def test_every_dataset_has_its_unit(posterior: "Posterior", folder: Path) -> None:
    with h5py.File(folder / "posterior.hdf5") as file:
        for name in posterior.samples:
            assert file["posterior"][name].attrs["unit"] == PARAMETERS[name].unit
        assert file["log_prob"] == file["posterior/log_prob"]
        assert file["log_weight"] == file["posterior/log_weight"]


def test_the_summary_keeps_the_contract(posterior: "Posterior", folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == [
        "event", "trigger_time", "detectors", "model", "approximant", "seed", "n_samples", "parameters",
        "prior", "certificate", "trust", "timing",
    ]  # fmt: skip
    assert summary["certificate"] is None
    assert set(summary["timing"]) == {"load_s", "infer_s", "certify_s", "total_s"}
    assert summary["trust"]["verdict"] in ("trusted", "untrusted")
    for name, values in posterior.samples.items():
        row = summary["parameters"][name]
        assert row["unit"] == PARAMETERS[name].unit
        found = (row["lower"], row["median"], row["upper"])
        np.testing.assert_allclose(found, np.quantile(values, [0.05, 0.5, 0.95]), rtol=1e-12)


def test_bilby_reads_the_samples(posterior: "Posterior", bilby_result: "Result") -> None:
    assert (bilby_result.label, bilby_result.sampler) == ("GW150914", "chirpleaf")
    assert list(bilby_result.search_parameter_keys) == list(INTRINSIC)
    for name, values in posterior.samples.items():
        np.testing.assert_array_equal(bilby_result.posterior[name], values)
    assert bilby_result.meta_data["trigger_time"] == 1126259462.4


def _log_prior_difference(result: "Result", prior: IntrinsicPrior, draws: Mapping[str, np.ndarray]) -> np.ndarray:
    ours = prior.log_prob(draws)
    with np.errstate(divide="ignore"):  # bilby takes the logarithm of its constraints
        theirs = result.priors.ln_prob({name: draws[name] for name in INTRINSIC}, axis=0, normalized=False)
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    inside = np.isfinite(ours)
    assert 50 < inside.sum() < len(inside)
    return np.asarray(ours[inside] - theirs[inside])


def test_bilby_reads_the_prior(bilby_result: "Result", model: "Model") -> None:
    wide = IntrinsicPrior(mass_min=3.0, mass_max=130.0, mass_ratio_min=0.08)
    draws = wide.sample(1000, np.random.default_rng(0))
    difference = _log_prior_difference(bilby_result, model.architecture.prior, draws)
    assert np.ptp(difference) < 1e-6


def test_another_prior_would_be_noticed(bilby_result: "Result") -> None:
    draws = IntrinsicPrior(mass_min=3.0, mass_max=130.0, mass_ratio_min=0.08).sample(1000, np.random.default_rng(0))
    with pytest.raises(AssertionError):
        _log_prior_difference(bilby_result, IntrinsicPrior(chirp_mass_min=20.0, mass_max=90.0), draws)


@pytest.mark.parametrize("kind", ["missing", "noise", "cut short", "another HDF5"])
def test_what_is_no_posterior_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "posterior.hdf5"
    if kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(2000))
    elif kind == "cut short":
        path.write_bytes((folder / "posterior.hdf5").read_bytes()[:5000])
    elif kind == "another HDF5":
        with h5py.File(path, "w") as file:
            file["posterior"] = np.zeros(3)
    with pytest.raises(InputError, match=r"expected a posterior\.hdf5.*; got .*: \w+") as caught:
        read_posterior(path)
    assert "\n" not in str(caught.value)
