"""Results: the samples have equal weight, and what is written is what chirpleaf and bilby read."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.distributions import PowerLaw, UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import LeafEstimates, Posterior, Proposal, read
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.posterior import CERTIFIED, EXTRINSIC, HEADLINE
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Trust

if TYPE_CHECKING:
    from bilby.core.result import Result

INTRINSIC = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
TRIGGER = 1126259462.4
N = 4000

PROVENANCE = Provenance("GW150914", TRIGGER, ("H1", "L1"), "random", "ab12", "IMRPhenomXAS", 3)
TRUST = Trust("untrusted", 21.5, {"H1": 17.1, "L1": 12.2}, ("no signal", "heavy tail"))
TIMING = {"load_s": 0.5, "infer_s": 0.25, "certify_s": None, "total_s": 0.75}
CERTIFICATE = Certificate(0.5, 2000.0, 200.1, 0.01, np.inf, N, 0.03, 0.005, "IMRPhenomXHM", ("H1", "L1"), 100, ("x",))


def table(names: tuple[str, ...], seed: int = 0) -> dict[str, np.ndarray]:
    return dict(zip(names, np.random.default_rng(seed).random((len(names), N)), strict=True))


def network_posterior(**changes: Any) -> Posterior:
    """Draws of equal weight, as of a network alone."""
    fields: dict[str, Any] = {
        "proposal": Proposal(table(HEADLINE + INTRINSIC[2:]), np.linspace(-3, 3, N), np.zeros(N)),
        "intrinsic": INTRINSIC,
        "provenance": PROVENANCE,
        "trust": TRUST,
        "timing": TIMING,
        "prior": AnalysisPrior("model", IntrinsicPrior(chirp_mass_min=20.0)),
    }
    return Posterior(**{**fields, **changes})


def certified_posterior(**changes: Any) -> Posterior:
    """Draws whose weight grows with the chirp mass and with nothing else."""
    samples = table(tuple(dict.fromkeys(HEADLINE + CERTIFIED + INTRINSIC + EXTRINSIC)))
    fields: dict[str, Any] = {
        "proposal": Proposal(samples, np.linspace(-3, 3, N), np.log(samples["chirp_mass"]) - 700.0),
        "prior": AnalysisPrior("comoving", IntrinsicPrior(), UniformSourceFrame(100.0, 3000.0), (1.0, 2.0)),
        "certificate": CERTIFICATE,
        "sky": SkyMap(np.full(12 * 16**2, 1 / (12 * 16**2))),
    }
    return network_posterior(**{**fields, **changes})


def leaf_estimates(**changes: Any) -> LeafEstimates:
    components = {"omega_r": {"aleatoric": 0.1, "epistemic": 0.2}, "mass_1": {"aleatoric": 1.0, "epistemic": 2.0}}
    samples = table(("omega_r", "mass_1"))
    return LeafEstimates(
        samples=samples,
        log_prob=np.full(N, np.nan),
        uncertainty_components=components,
        provenance=PROVENANCE,
        trust=TRUST,
        timing=TIMING,
        prior=AnalysisPrior("model", IntrinsicPrior()),
        **changes,
    )


MAKERS = {"network": network_posterior, "certified": certified_posterior, "leaves": leaf_estimates}


@pytest.fixture(params=MAKERS)
def result(request: pytest.FixtureRequest) -> Posterior | LeafEstimates:
    return MAKERS[request.param]()


def test_samples_of_a_weighted_posterior_have_equal_weight() -> None:
    """Under weights proportional to x, a uniform x has the mean 2/3 and the median sqrt(1/2)."""
    posterior = certified_posterior()
    assert len(posterior) == pytest.approx(0.75 * N, rel=0.02)
    assert posterior["chirp_mass"].mean() == pytest.approx(2 / 3, abs=0.01)
    assert posterior["mass_ratio"].mean() == pytest.approx(1 / 2, abs=0.02)
    assert posterior.proposal.samples["chirp_mass"].mean() == pytest.approx(1 / 2, abs=0.02)
    row = posterior.summary(("chirp_mass",))["chirp_mass"]
    assert row["median"] == pytest.approx(0.5**0.5, abs=0.02)
    assert posterior.n_draws == len(posterior.proposal) == N
    few = posterior.resample(50)
    assert {len(values) for values in few.values()} == {50}


def test_samples_of_one_draw_stay_together() -> None:
    posterior = certified_posterior()
    draws, samples = (
        np.stack([table[name] for name in INTRINSIC]) for table in (posterior.proposal.samples, posterior.samples)
    )
    assert {tuple(row) for row in samples.T} <= {tuple(row) for row in draws.T}


def test_all_draws_are_samples_where_weights_are_equal() -> None:
    for log_weight in (np.zeros(N), np.full(N, -7.0), np.full(N, -np.inf)):
        draws = table(INTRINSIC)
        posterior = network_posterior(proposal=Proposal(draws, np.zeros(N), log_weight))
        assert len(posterior) == N
        for name in INTRINSIC:
            np.testing.assert_array_equal(posterior[name], draws[name])


def test_summaries_hold_quantiles_and_units(result: Posterior | LeafEstimates) -> None:
    rows = result.summary()
    assert list(rows) == list(result.samples)
    for name, row in rows.items():
        below = [np.mean(result[name] <= row[key]) for key in ("lower", "median", "upper")]
        np.testing.assert_allclose(below, [0.05, 0.5, 0.95], atol=0.01)
        assert row["unit"] == PARAMETERS[name].unit
    names = list(rows)[1::-1]
    assert list(result.summary(names)) == names
    json.dumps(rows)


def test_only_leaves_tell_components_of_their_uncertainty() -> None:
    assert set(network_posterior().summary()["chirp_mass"]) == {"median", "lower", "upper", "unit"}
    assert leaf_estimates().summary()["omega_r"]["epistemic"] == 0.2


@pytest.mark.parametrize("ask", [lambda result: result["mass"], lambda result: result.summary(("mass",))])
def test_an_unknown_parameter_is_named(result: Posterior | LeafEstimates, ask: Any) -> None:
    with pytest.raises(InputError, match=r"expected a parameter of .*mass_1.*; got 'mass': name one of them"):
        ask(result)


def test_a_result_says_shortly_what_it_is() -> None:
    assert repr(network_posterior()) == "Posterior(GW150914, 4000 samples of 11 parameters, untrusted)"
    assert repr(leaf_estimates()) == "LeafEstimates(GW150914, 4000 samples of 2 parameters, untrusted)"


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
def test_priors_come_back_from_json(distance: Any) -> None:
    prior = AnalysisPrior("standard", IntrinsicPrior(mass_max=80.0), distance, (3.0, 4.5))
    assert AnalysisPrior.from_json(json.loads(json.dumps(prior.to_json()))) == prior


def test_a_prior_that_only_bilby_knows_has_a_name() -> None:
    prior = AnalysisPrior("my.prior", arrival=(0.0, 1.0))
    assert AnalysisPrior.from_json(json.loads(json.dumps(prior.to_json()))) == prior
    assert certified_posterior(prior=prior).bilby_document()["priors"] is None


def former_file(path: Path, names: tuple[str, ...], log_weight: np.ndarray) -> None:
    """A file as chirpleaf 0.1.0 wrote it."""
    with h5py.File(path, "w") as file:
        group = file.create_group("posterior")
        for name, values in {**table(names), "log_prob": np.zeros(N), "log_weight": log_weight}.items():
            dataset = group.create_dataset(name, data=values)
            if name.startswith("log_"):
                file[name] = dataset
        file.attrs.update({**PROVENANCE.to_json(), "chirpleaf_version": "0.1.0"})


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
            assert file["posterior"][name].attrs["unit"] == PARAMETERS[name].unit
            assert len(file["posterior"][name]) == result.n_draws
        assert file["log_prob"] == file["posterior/log_prob"]
        assert file["log_weight"] == file["posterior/log_weight"]
        assert (file.attrs["event"], file.attrs["seed"], list(file.attrs["detectors"])) == ("GW150914", 3, ["H1", "L1"])


def test_every_file_is_written(result: Posterior | LeafEstimates, tmp_path: Path) -> None:
    written = result.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}
    sky = {"skymap.fits"} if getattr(result, "sky", None) else set()
    assert {path.name for path in written} == {"summary.json", "posterior.hdf5", "result.json"} | sky
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(json.dumps(result.summary_document()))
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(result.bilby_document()))


def test_the_summary_keeps_the_contract(result: Posterior | LeafEstimates) -> None:
    summary = result.summary_document()
    assert list(summary) == [
        "event", "trigger_time", "detectors", "model", "approximant", "seed", "n_samples", "parameters",
        "prior", "certificate", "trust", "timing",
    ]  # fmt: skip
    assert summary["n_samples"] == N
    assert set(summary["timing"]) == {"load_s", "infer_s", "certify_s", "total_s"}
    assert summary["trust"]["verdict"] in ("trusted", "untrusted")
    json.dumps(summary, allow_nan=False)


def test_the_summary_of_a_certified_posterior_has_its_certificate() -> None:
    found = certified_posterior().summary_document()["certificate"]
    assert (found["efficiency"], found["pareto_k"]) == (0.5, None)
    assert found["sky_area_90"] > found["sky_area_50"] > 0
    assert network_posterior().summary_document()["certificate"] is None


def test_a_table_of_pandas_has_a_column_for_each_parameter(result: Posterior | LeafEstimates) -> None:
    frame = result.to_dataframe()
    assert list(frame.columns) == list(result.samples)
    for name in result.samples:
        np.testing.assert_array_equal(frame[name], result[name])


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_dataframe"), ("bilby.core.result", "to_bilby")])
def test_a_missing_package_is_named(package: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    name = package.partition(".")[0]
    with pytest.raises(InputError, match=f"expected {name} .*: pip install {name}"):
        getattr(network_posterior(), method)()


def test_corner_plots_show_the_headline_or_what_is_asked(result: Posterior | LeafEstimates) -> None:
    n = len(result.headline)
    assert len(result.plot_corner().axes) == n * (n + 1) // 2
    assert len(result.plot_corner(("mass_1",)).axes) == 1
    with pytest.raises(InputError, match="expected a parameter of"):
        result.plot_corner(("mass",))


@pytest.mark.parametrize("kind", MAKERS)
def test_bilby_gets_the_same_from_memory_and_from_the_file(kind: str, tmp_path: Path) -> None:
    from bilby.core.result import read_in_result

    result = MAKERS[kind]()
    result.write(tmp_path)
    for found in (read_in_result(str(tmp_path / "result.json")), result.to_bilby()):
        assert (found.label, found.sampler) == ("GW150914", "chirpleaf")
        assert tuple(found.search_parameter_keys) == result.search_parameters
        for name, values in result.samples.items():
            np.testing.assert_array_equal(found.posterior[name], values)
        assert found.meta_data["trigger_time"] == TRIGGER
        assert found.meta_data["trust"]["reasons"] == ["no signal", "heavy tail"]
        assert (found._priors is None) == (kind == "leaves")


def _log_prior_difference(result: "Result", prior: IntrinsicPrior, draws: Mapping[str, np.ndarray]) -> np.ndarray:
    ours = prior.log_prob(draws)
    with np.errstate(divide="ignore"):  # bilby takes the logarithm of its constraints
        theirs = result.priors.ln_prob({name: draws[name] for name in INTRINSIC}, axis=0, normalized=False)
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    inside = np.isfinite(ours)
    assert 50 < inside.sum() < len(inside)
    return np.asarray(ours[inside] - theirs[inside])


@pytest.fixture(scope="module")
def bilby_result() -> "Result":
    return network_posterior().to_bilby()


@pytest.fixture(scope="module")
def draws() -> Mapping[str, np.ndarray]:
    return IntrinsicPrior(mass_min=3.0, mass_max=130.0, mass_ratio_min=0.08).sample(1000, np.random.default_rng(0))


def test_bilby_reads_the_prior(bilby_result: "Result", draws: Mapping[str, np.ndarray]) -> None:
    assert np.ptp(_log_prior_difference(bilby_result, IntrinsicPrior(chirp_mass_min=20.0), draws)) < 1e-6


def test_another_prior_would_be_noticed(bilby_result: "Result", draws: Mapping[str, np.ndarray]) -> None:
    with pytest.raises(AssertionError):
        _log_prior_difference(bilby_result, IntrinsicPrior(chirp_mass_min=20.0, mass_max=90.0), draws)


def test_bilby_reads_distance_and_arrival() -> None:
    priors = certified_posterior().to_bilby().priors
    assert set(EXTRINSIC) <= set(priors)
    assert (priors["geocent_time"].minimum, priors["geocent_time"].maximum) == (1.0, 2.0)
    x = np.array([150.0, 900.0, 2500.0])
    np.testing.assert_allclose(
        np.diff(priors["luminosity_distance"].ln_prob(x)),
        np.diff(UniformSourceFrame(100.0, 3000.0).log_prob(x)),
        atol=1e-3,
    )


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
