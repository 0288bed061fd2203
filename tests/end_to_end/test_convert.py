"""`chirpleaf convert`: each format opened by what it is for."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from made_results import certified_posterior, draws_of_the_prior, leaf_estimates

from chirpleaf.cli import main
from chirpleaf.result.sky import SkyMap


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("result")
    posterior = draws_of_the_prior(500)
    sky = SkyMap.from_directions(posterior["ra"], posterior["dec"], np.ones(500))
    certified_posterior(proposal=posterior.proposal, prior=posterior.prior, sky=sky).save(path)
    return path


def convert(folder: Path, form: str, path: Path) -> None:
    assert main(["convert", str(folder), "--to", form, "--out", str(path)]) == 3  # the result is not trusted


@pytest.mark.filterwarnings("ignore")  # of ArviZ and of what ligo.skymap imports
def test_each_package_opens_its_format(folder: Path, tmp_path: Path) -> None:
    import arviz
    from bilby.core.result import read_in_result
    from ligo.skymap.io.fits import read_sky_map

    convert(folder, "arviz", tmp_path / "a.nc")
    table = arviz.from_netcdf(tmp_path / "a.nc").posterior
    assert table["chirp_mass"].shape == (1, 500)
    assert (table.attrs["verdict"], table.attrs["reasons"]) == ("untrusted", "no signal; heavy tail")
    convert(folder, "bilby", tmp_path / "b.json")
    assert len(read_in_result(str(tmp_path / "b.json")).posterior) == 500
    convert(folder, "skymap", tmp_path / "s.fits")
    sky = read_sky_map(tmp_path / "s.fits", moc=True, distances=True)
    assert {"UNIQ", "PROBDENSITY", "DISTMU"} <= set(sky.colnames)
    assert b"VERDICT = 'untrusted'" in (tmp_path / "s.fits").read_bytes()


def test_table_for_populations(folder: Path, tmp_path: Path) -> None:
    convert(folder, "population", tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    assert all(float(row["prior"]) > 0 for row in rows)
    assert {row["verdict"] for row in rows} == {"untrusted"}


def test_metafile_of_pesummary(folder: Path, tmp_path: Path) -> None:
    """The places that PESummary looks at; `make pesummary` has the package read them."""
    convert(folder, "pesummary", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        (label,) = [name for name in file if name not in ("version", "history")]
        assert len(file[label]["posterior_samples"]) == 500
        assert file[label]["approximant"][0] == b"IMRPhenomXAS"
        assert file[label]["meta_data/sampler/ln_bayes_factor"][0] == pytest.approx(200.1)
        assert "priors/samples/chirp_mass" in file[label]


def test_posterior_file_has_one_table_for_pesummary(folder: Path) -> None:
    """PESummary refuses a file with several datasets whose path has "posterior" in it."""
    found: list[str] = []
    with h5py.File(folder / "posterior.hdf5") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    assert [name for name in found if "posterior" in name] == ["posterior"]


def test_wrong_input_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leaf_estimates().save(tmp_path)
    (tmp_path / "there").write_text("")
    for arguments, message in (
        ([str(tmp_path), "--to", "skymap", "--out", str(tmp_path / "a")], "expected a posterior; got estimates"),
        ([str(folder), "--to", "bilby", "--out", str(tmp_path / "there")], "which exists: add --overwrite"),
        ([str(folder), "--to", "bilby", "--out", str(tmp_path / "no" / "a")], "create"),
        ([str(folder), "--to", "bilby", "--out", str(folder), "--overwrite"], "got the folder"),
        ([str(folder), "--to", "bilby", "--out", str(tmp_path / ("a" * 300))], "choose a shorter name"),
        ([str(folder), "--to", "other", "--out", str(tmp_path / "a")], "other"),
    ):
        assert main(["convert", *arguments]) == 2
        found = capsys.readouterr().err
        assert message in found.replace("\n", " ")


@pytest.mark.parametrize("named", ["posterior.hdf5", "."])
def test_a_result_is_not_replaced_by_what_it_is_converted_to(
    folder: Path, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder / "posterior.hdf5"
    before = own.read_bytes()
    assert main(["convert", str(folder / named), "--to", "bilby", "--out", str(own), "--overwrite"]) == 2
    assert "a file of the result itself: name another" in capsys.readouterr().err.replace("\n", " ")
    assert own.read_bytes() == before
