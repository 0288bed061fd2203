"""Posteriors of other programs: files of bilby made here, of PESummary and PyCBC recorded from the packages."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from made_results import PROVENANCE, certified_posterior

from chirpleaf.diagnostics.common_prior import find_density, reweight
from chirpleaf.diagnostics.posteriors import compare_posteriors
from chirpleaf.errors import InputError
from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.derived import derived, source_frame
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import Posterior, Proposal
from chirpleaf.result.external import read_posterior
from chirpleaf.result.external_names import standardise
from chirpleaf.result.prior import AnalysisPrior

FILES = Path(__file__).parents[1] / "files"
SCRIPT = Path(__file__).parents[2] / "scripts" / "record_foreign_posteriors.py"


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    """What the recorded files hold."""
    spec = importlib.util.spec_from_file_location("record_foreign_posteriors", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    samples: dict[str, np.ndarray] = module.draw()
    return samples


def make_posterior(distance: Any = None, n: int = 3000) -> Posterior:
    rng = np.random.default_rng(2)
    samples = derived(
        {
            "chirp_mass": 30 + rng.standard_normal(n),
            "mass_ratio": rng.uniform(0.6, 0.95, n),
            "chi_1": rng.uniform(-0.3, 0.3, n),
            "chi_2": rng.uniform(-0.3, 0.3, n),
        }
    )
    samples["luminosity_distance"] = 500 + 80 * rng.standard_normal(n)
    samples |= source_frame(samples)
    samples |= {name: rng.uniform(0, 1, n) for name in ("ra", "dec", "theta_jn", "psi", "phase")}
    samples |= {"geocent_time": rng.uniform(0, 1, n)}
    prior = AnalysisPrior("mine", IntrinsicPrior(), distance or UniformSourceFrame(10.0, 15_000.0), (0.0, 1.0))
    return certified_posterior(proposal=Proposal(samples, np.zeros(n), np.zeros(n)), prior=prior)


@pytest.mark.parametrize("file", ["posterior_pesummary.h5", "posterior_pycbc.hdf"])
def test_recorded_files_give_bilbys_names_and_definitions(file: str, recorded: dict[str, np.ndarray]) -> None:
    found = read_posterior(FILES / file)
    for name, values in recorded.items():
        np.testing.assert_allclose(found.samples[name], values, rtol=1e-6, err_msg=name)
    chirp = (recorded["mass_1"] * recorded["mass_2"]) ** 0.6 / (recorded["mass_1"] + recorded["mass_2"]) ** 0.2
    np.testing.assert_allclose(found.samples["chirp_mass"], chirp, rtol=1e-6)
    assert (found.samples["mass_ratio"] <= 1).all()
    assert (found.samples["mass_1_source"] < found.samples["mass_1"]).all()
    assert found.definitions.spins == "aligned"


def test_definitions_of_the_recorded_files() -> None:
    summary, pycbc = (
        read_posterior(FILES / file).definitions for file in ("posterior_pesummary.h5", "posterior_pycbc.hdf")
    )
    assert (summary.program, summary.approximant, summary.reference_frequency) == ("PESummary", "IMRPhenomXPHM", 20.0)
    assert summary.cosmology == "Planck15"
    assert (pycbc.program, pycbc.approximant, pycbc.reference_frequency) == ("PyCBC", "IMRPhenomD", 30.0)


def test_an_analysis_of_several_is_chosen_by_its_label(recorded: dict[str, np.ndarray]) -> None:
    path = FILES / "posterior_pesummary.h5"
    assert read_posterior(path).name == "posterior_pesummary.h5#C01:Mixed"
    other = read_posterior(f"{path}#C01:IMRPhenomXPHM")
    np.testing.assert_allclose(other.samples["mass_1"], recorded["mass_1"] + 5)
    with pytest.raises(InputError, match=r"expected an analysis among C01:\w+, C01:\w+ in .*; got 'C02': name one"):
        read_posterior(f"{path}#C02")


@pytest.mark.parametrize("ending", ["json", "hdf5"])
def test_files_of_bilby(ending: str, tmp_path: Path) -> None:
    posterior = make_posterior(n=200)
    posterior.to_bilby().save_to_file(str(tmp_path / f"b.{ending}"), extension=ending, outdir=str(tmp_path))
    found = read_posterior(tmp_path / f"b.{ending}")
    for name, values in posterior.items():
        np.testing.assert_allclose(found.samples[name], values)
    assert found.definitions.program == "bilby (chirpleaf)" if ending == "hdf5" else "chirpleaf"


def test_own_results_are_read_from_file_and_folder(tmp_path: Path) -> None:
    posterior = make_posterior(n=200)
    posterior.write(tmp_path)
    for path in (tmp_path, tmp_path / "posterior.hdf5"):
        found = read_posterior(path)
        np.testing.assert_array_equal(found.samples["chirp_mass"], posterior["chirp_mass"])
        assert found.definitions.approximant == PROVENANCE.approximant
    other = read_posterior(tmp_path / "result.json")
    np.testing.assert_array_equal(other.samples["chirp_mass"], posterior["chirp_mass"])


def test_the_release_of_gwtc_1(tmp_path: Path) -> None:
    """The layout of https://dcc.ligo.org/LIGO-P1800370: tables with units in the names."""
    names = (
        "costheta_jn luminosity_distance_Mpc right_ascension declination m1_detector_frame_Msun "
        "m2_detector_frame_Msun spin1 spin2 costilt1 costilt2"
    )
    table = np.zeros(5, [(name, float) for name in names.split()])
    table["m1_detector_frame_Msun"], table["m2_detector_frame_Msun"] = 39.0, 32.0
    table["luminosity_distance_Mpc"], table["spin1"], table["costilt1"] = 440.0, 0.5, 0.2
    with h5py.File(tmp_path / "GW150914_GWTC-1.hdf5", "w") as file:
        file["IMRPhenomPv2_posterior"], file["Overall_posterior"] = table, table
        file["prior"] = table
    found = read_posterior(tmp_path / "GW150914_GWTC-1.hdf5")
    assert found.name.endswith("#Overall")
    assert found.definitions.spins == "precessing"
    assert found.samples["chi_eff"][0] == pytest.approx(39 * 0.1 / 71)
    assert found.samples["theta_jn"][0] == pytest.approx(np.pi / 2)
    assert found.samples["mass_1_source"][0] == pytest.approx(39 / 1.093, rel=1e-3)


def test_the_heavier_body_is_the_first_with_its_spin() -> None:
    found = standardise({"mass1": [20.0], "mass2": [30.0], "spin1z": [0.1], "spin2z": [0.4], "polarization": [3.5]})
    assert (found["mass_1"][0], found["chi_1"][0], found["mass_ratio"][0]) == (30.0, 0.4, pytest.approx(2 / 3))
    assert found["psi"][0] == pytest.approx(3.5 - np.pi)


@pytest.mark.parametrize("content", ["", "{}", "not a posterior", '{"posterior": 3}', '{"posterior": {"content": {}}}'])
def test_what_is_no_posterior_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"expected .*; got .*: \w+") as caught:
        read_posterior(tmp_path / "a.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        read_posterior(tmp_path / "b.json")


def test_comparison_names_what_differs() -> None:
    one, two = (read_posterior(FILES / file) for file in ("posterior_pesummary.h5", "posterior_pycbc.hdf"))
    found = compare_posteriors([one, two], ["chirp_mass", "luminosity_distance"])
    assert found.divergences["chirp_mass"][0].value < 1e-9  # the same samples
    assert any(line.startswith("approximant differs") and "IMRPhenomD" in line for line in found.differences)
    assert any(line.startswith("reference frequency differs") for line in found.differences)
    assert any(line.startswith("cosmology may differ") and "not stated" in line for line in found.differences)
    shifted = read_posterior(f"{FILES / 'posterior_pesummary.h5'}#C01:IMRPhenomXPHM")
    assert compare_posteriors([one, shifted], ["mass_1"]).divergences["mass_1"][0].value > 0.3
    with pytest.raises(InputError, match="got 'eccentricity'"):
        compare_posteriors([one, two], ["eccentricity"])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The same samples under two priors of the distance."""
    make_posterior().write(_folder(tmp_path / "a"))
    make_posterior(PowerLaw(2.0, 100.0, 3000.0)).write(_folder(tmp_path / "b"))
    return tmp_path / "a", tmp_path / "b"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("file", ["posterior.hdf5", "result.json"], ids=["own", "bilby"])
def test_reweighting_to_the_prior_of_the_first(file: str, pair: tuple[Path, Path]) -> None:
    """The ratio of D^2 to the source-frame prior grows with the distance."""
    first, second = read_posterior(pair[0]), read_posterior(pair[1] / file)
    found = reweight(second, first)
    before, after = second.samples["luminosity_distance"], found.samples["luminosity_distance"]
    ratio = UniformSourceFrame(10.0, 15_000.0).log_prob(before) - PowerLaw(2.0, 100.0, 3000.0).log_prob(before)
    expected = np.average(before, weights=np.exp(ratio))
    assert abs(expected - before.mean()) > 1.0
    assert after.mean() == pytest.approx(expected, abs=0.3)
    assert found.definitions.prior == first.definitions.prior


def test_densities_of_the_file_and_of_bilby_are_the_same(pair: tuple[Path, Path]) -> None:
    ours, theirs = (read_posterior(pair[0] / name) for name in ("posterior.hdf5", "result.json"))
    difference = find_density(ours)(ours.samples) - find_density(theirs)(ours.samples)
    assert np.ptp(difference) < 1e-3


def test_a_file_without_its_prior_cannot_be_reweighted(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="expected a file that states its prior for --reweight"):
        reweight(read_posterior(FILES / "posterior_pycbc.hdf"), read_posterior(pair[0]))


def test_a_prior_of_another_module_than_bilbys_is_not_made(pair: tuple[Path, Path]) -> None:
    path = pair[0] / "result.json"
    document = json.loads(path.read_text())
    document["priors"]["chi_1"] = {"__prior__": True, "__module__": "os", "__name__": "system", "kwargs": {}}
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"expected priors of bilby in result\.json; got one of os"):
        find_density(read_posterior(path))


def test_columns_of_unequal_length_are_refused(tmp_path: Path) -> None:
    columns = {"chirp_mass": [30.0, 31.0], "mass_ratio": [0.8, 0.9, 0.7]}
    (tmp_path / "result.json").write_text(json.dumps({"posterior": columns}))
    with pytest.raises(InputError, match="columns of 2 and of 3 samples"):
        read_posterior(tmp_path / "result.json")


def test_a_text_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "result.hdf5", "w") as file:
        file.create_dataset("posterior", data=np.ones(3, [("chirp_mass", "f8")]))
        file.create_dataset("sampler", shape=(10**5, 10**5), chunks=(64, 64), dtype="c16")
    with pytest.raises(InputError, match="claims 160 GB"):
        read_posterior(tmp_path / "result.hdf5")


def test_a_label_of_a_file_with_one_posterior_is_refused(tmp_path: Path) -> None:
    """A result of chirpleaf, its folder, and a result of bilby, each also without the label."""
    (tmp_path / "own").mkdir()
    make_posterior(n=50).save(tmp_path / "own" / "posterior.hdf5")
    (tmp_path / "bilby.json").write_text(
        json.dumps({"sampler": "dynesty", "posterior": {"content": {"chirp_mass": [30.0, 31.0]}}})
    )
    for name in ("own", "own/posterior.hdf5", "bilby.json"):
        assert len(read_posterior(tmp_path / name).samples["chirp_mass"])
        with pytest.raises(InputError, match="without a label, because it holds one posterior; got #nonsense"):
            read_posterior(f"{tmp_path / name}#nonsense")


@pytest.mark.parametrize("wanted", [None, ["chirp_mass"]])
def test_samples_that_do_not_vary_are_named(wanted: list[str] | None, tmp_path: Path) -> None:
    found = []
    for name, values in (("a", [30.0, 31.0]), ("b", [30.0, 30.0])):
        document = {"sampler": "dynesty", "posterior": {"content": {"chirp_mass": values}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
        found.append(read_posterior(tmp_path / f"{name}.json"))
    with pytest.raises(InputError, match=r"samples that vary; got one value of chirp_mass in b.json: compare another"):
        compare_posteriors(found, wanted)
    with pytest.raises(InputError, match="expected a parameter among chirp_mass"):
        compare_posteriors([found[0], found[0]], ["mass_9"])
