"""Samples of other programs are read by the names of this project, and compared with a result."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from bilby.core.prior import PriorDict, Uniform
from bilby.core.result import Result
from made_results import certified_posterior, network_posterior
from pandas import DataFrame

from chirpleaf.errors import InputError
from chirpleaf.report.comparison import compare_samples
from chirpleaf.report.content import build_page
from chirpleaf.report.page import render
from chirpleaf.result.external import read_samples

VALUES = np.random.default_rng(0).normal(30.0, 1.0, 500)
TABLE = {"chirp_mass": VALUES, "mass_1": VALUES + 8, "unknown_thing": VALUES}


def write_table(path: Path, name: str, columns: dict[str, np.ndarray]) -> None:
    array = np.zeros(len(VALUES), [(column, "f8") for column in columns])
    for column, values in columns.items():
        array[column] = values
    with h5py.File(path, "a") as file:
        file[name] = array


def test_a_result_of_bilby_is_read(tmp_path: Path) -> None:
    priors = PriorDict({"chirp_mass": Uniform(20, 40)})
    result = Result(
        "one", str(tmp_path), posterior=DataFrame(TABLE), search_parameter_keys=["chirp_mass"], priors=priors
    )
    result.save_to_file(filename=str(tmp_path / "one_result.json"), extension="json")
    samples = read_samples(tmp_path / "one_result.json")
    assert list(samples) == ["chirp_mass", "mass_1"]
    np.testing.assert_allclose(samples["mass_1"], VALUES + 8)


def test_our_own_samples_are_read_from_folder_file_and_bilby_json(tmp_path: Path) -> None:
    posterior = certified_posterior()
    posterior.write(tmp_path)
    for path in (tmp_path, tmp_path / "posterior.hdf5", tmp_path / "result.json"):
        np.testing.assert_allclose(read_samples(path)["chirp_mass"], posterior["chirp_mass"])


@pytest.mark.parametrize("as_table", [True, False])
def test_a_release_of_pesummary_is_read(tmp_path: Path, as_table: bool) -> None:
    path = tmp_path / "release.h5"
    if as_table:
        write_table(path, "C01:IMRPhenomXPHM/posterior_samples", TABLE)
        write_table(path, "C01:IMRPhenomXPHM/priors/table", TABLE)
    else:
        with h5py.File(path, "w") as file:
            for name, values in TABLE.items():
                file[f"C01:Mixed/posterior_samples/{name}"] = values
    np.testing.assert_allclose(read_samples(path)["chirp_mass"], VALUES)


def test_gwtc_1_is_translated_and_its_overall_samples_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "GW150914_GWTC-1.hdf5"
    write_table(path, "IMRPhenomPv2_posterior", {"m1_detector_frame_Msun": VALUES})
    write_table(path, "Overall_posterior", {"m1_detector_frame_Msun": VALUES + 1, "luminosity_distance_Mpc": VALUES})
    write_table(path, "prior", {"m1_detector_frame_Msun": VALUES})
    samples = read_samples(path)
    np.testing.assert_allclose(samples["mass_1"], VALUES + 1)
    np.testing.assert_allclose(samples["luminosity_distance"], VALUES)


def test_rows_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    broken = VALUES.copy()
    broken[3] = np.nan
    write_table(tmp_path / "a.h5", "posterior_samples", {"chirp_mass": broken, "mass_1": VALUES})
    assert len(read_samples(tmp_path / "a.h5")["mass_1"]) == len(VALUES) - 1


@pytest.mark.parametrize("content", ["{}", "[]", "no json", json.dumps({"posterior": {"content": {"x": [1.0]}}})])
def test_other_json_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InputError, match="expected samples of"):
        read_samples(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 2 3")
    write_table(tmp_path / "b.h5", "strain", {"x": VALUES})
    with pytest.raises(InputError, match="does not exist"):
        read_samples(tmp_path / "none.h5")
    for name in ("a.txt", "b.h5"):
        with pytest.raises(InputError, match="PESummary"):
            read_samples(tmp_path / name)


def test_the_report_has_the_comparison() -> None:
    posterior = network_posterior()  # its draws have equal weights: the same samples have the same quantiles
    same = {"chirp_mass": np.asarray(posterior["chirp_mass"])}
    ((name, ours, theirs, divergence),) = compare_samples(posterior, same)
    assert (name, ours, divergence) == ("chirp_mass", theirs, "0.0000")
    ((_, _, _, far),) = compare_samples(posterior, {"chirp_mass": same["chirp_mass"] + 0.3})
    assert float(far) > 0.05
    rows = compare_samples(posterior, same)
    html = render(build_page(posterior, (), comparison=rows, comparison_name="GWTC-1 & others"), {})
    assert "Compared with GWTC-1 &amp; others" in html
    assert ours in html
    with pytest.raises(InputError, match="with a parameter of"):
        compare_samples(posterior, {"ra": VALUES})
