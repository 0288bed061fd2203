"""Files that gwpy, pycbc and LAL wrote (`scripts/make_foreign_files.py`); layouts of bilby, PESummary and GWTC-1."""

from pathlib import Path

import bilby
import h5py
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.readers import read

FILES = Path(__file__).parents[1] / "files"
CURVES = Path(bilby.__file__).parent / "gw" / "detector" / "noise_curves"
START, RATE = 1126259447.0, 16.0
STRAIN = np.arange(1.0, 65.0) * 1e-21
FREQUENCIES, DENSITY = 20.0 + 0.125 * np.arange(64), np.arange(1.0, 65.0) * 1e-46


@pytest.mark.parametrize(
    ("name", "detector", "channel", "factor"),
    [
        ("gwpy.hdf5", "H1", None, 1),
        ("gwpy.hdf5", "H1", "H1:gds-calib_strain", 1),
        ("gwpy_path.hdf5", "H1", None, 1),
        ("gwpy_unnamed.hdf5", "V1", None, 1),
        ("gwpy_dict.hdf5", "H1", None, 1),
        ("gwpy_dict.hdf5", "L1", None, 2),
        ("gwpy_dict.hdf5", "L1", "L1:GDS-CALIB_STRAIN", 2),
        ("gwpy.txt", "H1", None, 1),
        ("gwpy.csv", "L1", None, 1),
        ("gwpy.gwf", "H1", None, 1),
        ("pycbc.hdf", "V1", None, 1),
        ("pycbc_group.hdf", "H1", None, 1),
        ("pycbc_group.hdf", "H1", "H1/strain", 1),
        ("pycbc.txt", "H1", None, 1),
    ],
)
def test_strain_of_other_tools(name: str, detector: str, channel: str | None, factor: int) -> None:
    strain = read(FILES / name, detector, channel=channel)
    assert (strain.detector, strain.start_time, strain.sample_rate) == (detector, START, RATE)
    np.testing.assert_allclose(strain.values, factor * STRAIN, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "detector", "channel", "message"),
    [
        ("gwpy.hdf5", "L1", None, "expected strain of L1; got that of H1; pair the file with H1"),
        ("gwpy.hdf5", "L1", "H1:GDS-CALIB_STRAIN", "expected strain of L1; got that of H1"),
        ("gwpy.hdf5", "H1", "H1:OTHER", "expected the channel H1:OTHER; got H1:GDS-CALIB_STRAIN; give one of these"),
        ("gwpy_dict.hdf5", "V1", None, r"expected a channel of V1; got H1:.*, L1:.*; pair the file"),
        ("pycbc_group.hdf", "L1", None, "expected strain of L1; got that of H1"),
        ("gwpy_psd.hdf5", "H1", None, r"expected HDF5 with strain of GWOSC .*datasets psd"),
        ("gwpy.gwf", "L1", None, "expected strain of L1; got that of H1"),
        ("gwpy.txt", "H1", "H1:STRAIN", "expected GWF frames or HDF5, because a channel is given"),
        ("lal.xml", "H1", None, r"expected HDF5, GWF frames, GWOSC text.*download it again"),
    ],
)
def test_other_strain_than_asked_for_is_refused(name: str, detector: str, channel: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(FILES / name, detector, channel=channel)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "detector", "factor"),
    [
        ("gwpy_psd.hdf5", "H1", 1),
        ("gwpy_psd.hdf5", None, 1),
        ("gwpy_psd.txt", "H1", 1),
        ("gwpy_psd.txt", None, 1),
        ("pycbc_psd.hdf", "V1", 1),
        ("pycbc_psd.txt", "L1", 1),
        ("lal.xml", "H1", 1),
        ("lal.xml", "l1", 2),
        ("lal.xml.gz", "L1", 2),
    ],
)
def test_spectra_of_other_tools(name: str, detector: str | None, factor: int) -> None:
    psd = read_psd(FILES / name, detector)
    np.testing.assert_allclose(psd.at(FREQUENCIES), factor * DENSITY, rtol=1e-12)
    assert psd.note == ""


def test_a_series_of_an_old_gwpy_is_told_from_a_spectrum_by_its_start(tmp_path: Path) -> None:
    """Former versions did not write the unit of the axis."""
    with h5py.File(tmp_path / "old.hdf", "w") as file:
        file.create_dataset("H1:STRAIN", data=STRAIN).attrs.update(x0=START, dx=1 / RATE)
    np.testing.assert_array_equal(read(tmp_path / "old.hdf", "H1").values, STRAIN)
    with pytest.raises(InputError, match="got 1126259447 first, which is a GPS time"):
        read_psd(tmp_path / "old.hdf", "H1")


def test_an_amplitude_spectral_density_that_says_so_is_squared() -> None:
    psd = read_psd(FILES / "gwpy_amplitude.hdf5", "H1")
    np.testing.assert_allclose(psd.at(FREQUENCIES), DENSITY, rtol=1e-12)
    assert psd.note == "squared the amplitude spectral density of gwpy_amplitude.hdf5"


@pytest.mark.parametrize(
    ("name", "detector", "message"),
    [
        ("gwpy_psd.hdf5", "L1", "expected one spectrum of L1; got psd"),
        ("lal.xml", "V1", "expected a spectrum of V1; got those of H1, L1"),
        ("lal.xml", None, "expected a spectrum of one detector; got those of H1, L1"),
        ("gwpy.hdf5", "H1", "expected a power spectral density.*cannot be read"),
        ("gwpy.txt", "H1", "expected frequencies in Hz; got 1126259447 first, which is a GPS time"),
        ("gwpy.gwf", "H1", "expected a power spectral density.*cannot be read"),
    ],
)
def test_other_spectra_than_asked_for_are_refused(name: str, detector: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_psd(FILES / name, detector)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["aLIGO_ZERO_DET_high_P", "AdV", "KAGRA_design", "CE", "aLIGO_early"])
def test_the_curves_of_bilby_agree(name: str) -> None:
    power, amplitude = (read_psd(CURVES / f"{name}_{kind}.txt") for kind in ("psd", "asd"))
    frequencies = np.arange(20.0, 1000.0)
    np.testing.assert_allclose(amplitude.at(frequencies), power.at(frequencies), rtol=2e-2)
    assert (bool(power.note), bool(amplitude.note)) == (False, True)


def test_an_amplitude_spectral_density_that_does_not_say_so_is_refused() -> None:
    with pytest.raises(InputError, match=r"the scale of an amplitude spectral density .*; square them, or write ASD"):
        read_psd(CURVES / "aplus.txt")


def write_release(path: Path, layout: str, densities: dict[str, float]) -> None:
    """Writes a release as PESummary does: analyses with the same spectra but for a factor."""
    with h5py.File(path, "w") as file:
        for analysis, factor in densities.items():
            for detector, own in (("H1", 1.0), ("L1", 2.0)):
                columns = np.column_stack([FREQUENCIES, factor * own * DENSITY])
                file[layout.format(analysis=analysis, detector=detector)] = columns
            file.require_group(analysis)["approximant"] = b"IMRPhenomXPHM"
            file[analysis]["posterior_samples"] = np.zeros(3, [("chirp_mass", float)])


LAYOUTS = ["{analysis}/psds/{detector}", "psds/{analysis}/{detector}"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", ["h5", "hdf5", "dat"])
def test_a_release_with_one_analysis_needs_no_option(tmp_path: Path, layout: str, suffix: str) -> None:
    path = tmp_path / f"GW150914_095045_PEDataRelease.{suffix}"
    write_release(path, layout, {"C01:IMRPhenomXPHM": 1.0})
    np.testing.assert_allclose(read_psd(path, "L1").at(FREQUENCIES), 2 * DENSITY)
    with pytest.raises(InputError, match="expected a spectrum of V1; got those of H1, L1"):
        read_psd(path, "V1")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_release_with_several_analyses(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "release.h5"
    write_release(path, layout, {"C01:IMRPhenomXPHM": 1.0, "C01:SEOBNRv4PHM": 3.0, "C01:IMRPhenomXPHM:HighSpin": 5.0})
    for analysis, factor in (("C01:IMRPhenomXPHM", 1), ("seobnrv4phm", 3), ("HighSpin", 5)):
        found = read_psd(path, "H1", analysis=analysis).at(FREQUENCIES)
        np.testing.assert_allclose(found, factor * DENSITY)
    for analysis in (None, "C01", "C00:Other"):
        with pytest.raises(InputError, match=r"expected one analysis.* of H1; got C01:.*, C01:.*--psd-analysis LABEL"):
            read_psd(path, "H1", analysis=analysis)


def test_analyses_of_the_same_spectra_need_no_choice(tmp_path: Path) -> None:
    write_release(tmp_path / "release.h5", LAYOUTS[0], {"C01:IMRPhenomXPHM": 1.0, "C01:Mixed": 1.0})
    np.testing.assert_allclose(read_psd(tmp_path / "release.h5", "H1").at(FREQUENCIES), DENSITY)


HEADER = "# Freq (Hz)  LIGO_Hanford_PSD (1/Hz)  LIGO_Livingston_PSD (1/Hz)\n"


@pytest.mark.parametrize("header", [HEADER, "# f,H1,L1\n", "frequency H1_psd L1_psd\n"])
def test_a_table_of_several_detectors(tmp_path: Path, header: str) -> None:
    path = tmp_path / "GWTC1_GW150914_PSDs.dat"
    rows = zip(FREQUENCIES, DENSITY, 2 * DENSITY, strict=True)
    path.write_text(header + "".join(f"{f} {first:.18e} {second:.18e}\n" for f, first, second in rows))
    np.testing.assert_allclose(read_psd(path, "H1").at(FREQUENCIES), DENSITY)
    np.testing.assert_allclose(read_psd(path, "L1").at(FREQUENCIES), 2 * DENSITY)
    for detector in ("V1", None):
        with pytest.raises(InputError, match=r"expected two columns.*, or a header that names.*got 3.*; remove"):
            read_psd(path, detector)
