"""Files of results: what is saved is read back, also from files of the former version."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from made_results import (
    CERTIFICATE,
    INTRINSIC,
    MAKERS,
    PROVENANCE,
    N,
    certified_posterior,
    leaf_estimates,
    network_posterior,
    table,
)

from chirpleaf.errors import InputError
from chirpleaf.physics.comoving_volume import UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.result import LeafEstimates, Posterior, read
from chirpleaf.result.posterior import EXTRINSIC
from chirpleaf.result.prior import AnalysisPrior


@pytest.fixture(params=MAKERS)
def result(request: pytest.FixtureRequest) -> Posterior | LeafEstimates:
    return MAKERS[request.param]()


def test_what_is_saved_is_read(result: Posterior | LeafEstimates, tmp_path: Path) -> None:
    result.save(tmp_path)
    result.save(str(tmp_path / "other.hdf5"))
    for path in (tmp_path, tmp_path / "posterior.hdf5", str(tmp_path / "other.hdf5")):
        again = read(path)
        assert type(again) is type(result)
        assert list(again.samples) == list(result.samples)
        for name, values in result.samples.items():
            np.testing.assert_array_equal(again[name], values)
        for name in ("provenance", "trust", "timing", "prior", "headline", "tabulated", "search_parameters"):
            assert getattr(again, name) == getattr(result, name)
        assert again.summary_document() == result.summary_document()
        assert again.bilby_document() == result.bilby_document()


def test_what_only_one_class_has_is_read_too(tmp_path: Path) -> None:
    saved = certified_posterior()
    saved.save(tmp_path / "a.hdf5")
    again = read(tmp_path / "a.hdf5")
    assert isinstance(again, Posterior)
    assert again.certificate == saved.certificate == CERTIFICATE
    for name in ("log_prob", "log_weight"):
        np.testing.assert_array_equal(getattr(again.proposal, name), getattr(saved.proposal, name))
    np.testing.assert_array_equal(again.sky.probability, saved.sky.probability)
    leaves = leaf_estimates()
    leaves.save(tmp_path / "b.hdf5")
    read_leaves = read(tmp_path / "b.hdf5")
    assert isinstance(read_leaves, LeafEstimates)
    assert read_leaves.uncertainty_components == leaves.uncertainty_components
    np.testing.assert_array_equal(read_leaves.log_prob, leaves.log_prob)


@pytest.mark.parametrize(
    "distance", [PowerLaw(2.0, 100.0, 3000.0), UniformComovingVolume(10.0, 500.0), UniformSourceFrame(10.0, 500.0)]
)
@pytest.mark.parametrize("kind", [IntrinsicPrior, IsotropicSpinPrior])
def test_priors_come_back_from_json(kind: type[IntrinsicPrior], distance: Any) -> None:
    prior = AnalysisPrior("standard", kind(mass_max=80.0), distance, (3.0, 4.5))
    assert AnalysisPrior.from_json(json.loads(json.dumps(prior.to_json()))) == prior


def former_file(path: Path, names: tuple[str, ...], log_weight: np.ndarray) -> None:
    """A file as chirpleaf 0.1.0 wrote it."""
    with h5py.File(path, "w") as file:
        group = file.create_group("posterior")
        for name, values in {**table(names), "log_prob": np.zeros(N), "log_weight": log_weight}.items():
            dataset = group.create_dataset(name, data=values)
            if name.startswith("log_"):
                file[name] = dataset
        origin = {
            name: value
            for name, value in PROVENANCE.to_json().items()
            if name not in ("data_quality", "notes", "injection", "recipe")
        }
        file.attrs.update({**origin, "chirpleaf_version": "0.1.0"})


def test_files_of_the_former_version_are_read(tmp_path: Path) -> None:
    former_file(tmp_path / "a.hdf5", INTRINSIC + EXTRINSIC, np.linspace(-1, 0, N))
    posterior = read(tmp_path / "a.hdf5")
    assert isinstance(posterior, Posterior)
    assert posterior.provenance.chirpleaf_version == "0.1.0"
    assert posterior.search_parameters == INTRINSIC + EXTRINSIC
    assert (posterior.trust.verdict, posterior.trust.trusted) == ("unknown", False)
    assert (posterior.certificate, posterior.sky, posterior.prior) == (None, None, None)
    assert 0 < len(posterior) < N
    posterior.save(tmp_path / "again.hdf5")
    assert read(tmp_path / "again.hdf5").bilby_document() == posterior.bilby_document()
    former_file(tmp_path / "b.hdf5", ("mass_1", "mass_2"), np.zeros(N))
    leaves = read(tmp_path / "b.hdf5")
    assert isinstance(leaves, LeafEstimates)
    assert leaves.search_parameters == ("mass_1", "mass_2")


def test_files_keep_their_places(result: Posterior | LeafEstimates, tmp_path: Path) -> None:
    result.save(tmp_path)
    with h5py.File(tmp_path / "posterior.hdf5") as file:
        for name in result.samples:
            assert file["proposal"][name].attrs["unit"] == PARAMETERS[name].unit
            np.testing.assert_array_equal(file["posterior"][name], result[name])
            assert len(file["proposal"][name]) == result.n_draws
        assert file["log_prob"] == file["proposal/log_prob"]
        assert file["log_weight"] == file["proposal/log_weight"]
        assert (file.attrs["event"], file.attrs["seed"], list(file.attrs["detectors"])) == ("GW150914", 3, ["H1", "L1"])


def test_every_file_is_written(result: Posterior | LeafEstimates, tmp_path: Path) -> None:
    written = result.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}
    sky = {"skymap.fits"} if getattr(result, "sky", None) else set()
    assert {path.name for path in written} == {"summary.json", "posterior.hdf5", "result.json"} | sky
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(json.dumps(result.summary_document()))
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(result.bilby_document()))


@pytest.mark.parametrize("kind", ["missing", "empty folder", "noise", "cut short", "another HDF5"])
def test_what_is_no_posterior_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "posterior.hdf5"
    if kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(2000))
    elif kind == "cut short":
        network_posterior().save(path)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "another HDF5":
        with h5py.File(path, "w") as file:
            file["posterior"] = np.zeros(3)
    with pytest.raises(InputError, match=r"expected a posterior\.hdf5.*; got .*: \w+") as caught:
        read(tmp_path if kind == "empty folder" else path)
    assert "\n" not in str(caught.value)


def test_a_result_of_a_later_version_is_refused(tmp_path: Path) -> None:
    network_posterior().save(tmp_path)
    with h5py.File(tmp_path / "posterior.hdf5", "a") as file:
        file.attrs["kind"] = "catalogue"
    with pytest.raises(InputError, match="expected a result of posterior, leaf-estimates; got 'catalogue'"):
        read(tmp_path)


def test_saving_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file in an existing folder"):
        network_posterior().save(tmp_path / "nowhere" / "a.hdf5")
