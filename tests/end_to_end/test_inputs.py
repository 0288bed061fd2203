"""`chirpleaf infer` on the files that people have: the same strain in other files gives the same answer."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from refusals import Command

from chirpleaf.inference import infer, prepare
from chirpleaf.inference.noise_spectra import gather_spectra
from chirpleaf.inference.sources import ReadSettings, gather_strain
from chirpleaf.models import Model
from chirpleaf.result import Posterior, read
from chirpleaf.strain import events, load_event, welch
from chirpleaf.strain.strain import Strain

TRIGGER = events()["GW150914"].trigger_time
UTC = "2015-09-14T09:50:45.4"


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips the figures, which other tests check."""
    for stage in ("begin_data", "begin"):
        monkeypatch.setattr(f"chirpleaf.report.pictures.FigureDrawing.{stage}", lambda *_: None)
    monkeypatch.setattr("chirpleaf.report.pictures.FigureDrawing.finish", lambda *_: {})


@pytest.fixture(scope="module")
def strain() -> dict[str, Strain]:
    return load_event("GW150914")


def write_gwpy(folder: Path, strain: dict[str, Strain]) -> Path:
    """Both detectors in one file, with another series of each."""
    path = folder / "both.h5"
    with h5py.File(path, "w") as file:
        for name, series in strain.items():
            for channel, factor in (("GDS-CALIB_STRAIN", 1.0), ("DCS-CALIB_STRAIN_C01", 1.01)):
                dataset = file.create_dataset(f"{name}:{channel}", data=factor * series.values)
                dataset.attrs.update(x0=series.start_time, dx=1 / series.sample_rate, xunit="s", unit="strain")
    return path


def write_parts(folder: Path, strain: dict[str, Strain]) -> list[str]:
    """Two files for each detector: the first half of GWOSC's layout with bits, the second as text of two columns."""
    arguments = []
    for name, series in strain.items():
        half, rate = len(series) // 2, series.sample_rate
        path = folder / f"{name}-first.hdf5"
        with h5py.File(path, "w") as file:
            file.create_dataset("strain/Strain", data=series.values[:half].astype(np.float64)).attrs.update(
                Xstart=series.start_time, Xspacing=1 / rate
            )
            file["meta/Detector"] = name.encode()
        rest = np.column_stack([series.times, series.values])[half:]
        np.savetxt(folder / f"{name}-second.txt", rest, fmt="%.9f,%.17e", header="GPS,strain", encoding="utf-8-sig")
        for part in (folder / f"{name}-second.txt", path):
            arguments += ["--strain", f"{name.lower()}={part}"]
    return arguments


def run(chirpleaf: Command, model_file: Path, out: Path, *arguments: object) -> dict[str, np.ndarray]:
    ran = chirpleaf("infer", *arguments, "--model", model_file, "--no-certify", "--samples", 200, "--out", out)
    assert ran.status in (0, 3), ran.stderr
    return read(out / "posterior.hdf5").samples


def test_the_same_strain_in_other_files_gives_the_same_samples(
    chirpleaf: Command, model_file: Path, tmp_path: Path, strain: dict[str, Strain]
) -> None:
    expected = run(chirpleaf, model_file, tmp_path / "event", "gw150914_095045")
    both = write_gwpy(tmp_path, strain)
    gwpy = ["--strain", f"H1={both}", "--strain", f"L1={both}", "--trigger", UTC]
    gwpy += ["--channel", "H1=H1:GDS-CALIB_STRAIN", "--channel", "l1=l1:gds-calib_strain"]
    parts = [*write_parts(tmp_path, strain), "--trigger", str(TRIGGER)]
    for name, arguments in (("gwpy", gwpy), ("parts", parts)):
        found = run(chirpleaf, model_file, tmp_path / name, *arguments)
        for parameter, values in expected.items():
            np.testing.assert_allclose(found[parameter], values, rtol=1e-4, err_msg=f"{name} {parameter}")
    assert json.loads((tmp_path / "event" / "summary.json").read_text())["event"] == "GW150914"


def test_several_channels_ask_for_a_name(
    refused: Callable[..., None], model_file: Path, tmp_path: Path, strain: dict[str, Strain]
) -> None:
    both = write_gwpy(tmp_path, strain)
    files = ("--strain", f"H1={both}", "--strain", f"L1={both}", "--trigger", UTC, "--model", model_file)
    refused(
        ("infer", *files, "--out", tmp_path / "out"),
        *("expected one strain channel of H1", "got H1:DCS-CALIB_STRAIN_C01, H1:GDS-CALIB_STRAIN", "--channel H1="),
    )
    channel = {"H1": "H1:GDS-CALIB_STRAIN", "l1": "L1:GDS-CALIB_STRAIN"}
    source = gather_strain(None, {"h1": both, "L1": both}, UTC, settings=ReadSettings(channel))
    assert (source.trigger_time, list(source.strain)) == (TRIGGER, ["H1", "L1"])
    np.testing.assert_array_equal(source.strain["H1"].values, strain["H1"].values)


def write_with_bits(folder: Path, series: Strain, failing: dict[int, int], injected: int) -> Path:
    """GWOSC's layout with bits: seconds after the start to the bit that fails, and one of injections that is unset."""
    path = folder / f"{series.detector}-bits.hdf5"
    seconds = round(series.duration)
    quality, injections = np.full(seconds, 127, np.uint32), np.full(seconds, 31, np.uint32)
    for second, bit in failing.items():
        quality[second] &= np.uint32(127 - (1 << bit))
    injections[13] &= np.uint32(31 - (1 << injected))
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("strain/Strain", data=series.values)
        dataset.attrs.update(Xstart=series.start_time, Xspacing=1 / series.sample_rate)
        file["meta/Detector"] = series.detector.encode()
        file["quality/simple/DQmask"], file["quality/injections/Injmask"] = quality, injections
    return path


def test_quality_and_injections_are_reported(
    chirpleaf: Command, model_file: Path, tmp_path: Path, strain: dict[str, Strain]
) -> None:
    """The segment spans seconds 13.4 to 17.4 of the files."""
    files = [
        write_with_bits(tmp_path, strain["H1"], {2: 1, 14: 3}, injected=0),
        write_with_bits(tmp_path, strain["L1"], {30: 2}, injected=3),
    ]
    options = [part for path in files for part in ("--strain", f"{path.name[:2]}={path}")]
    out = tmp_path / "out"
    arguments = (*options, "--trigger", TRIGGER, "--model", model_file, "--no-certify", "--samples", 100, "--out", out)
    ran = chirpleaf("infer", *arguments)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data"]["data_quality"] == {
        "H1": {"failed": ["CBC_CAT3"], "hardware_injections": ["CBC"]},
        "L1": {"failed": [], "hardware_injections": ["CW"]},
    }
    expected = {
        "H1: hardware injection (CBC) in the analysed segment": "warn",
        "H1: data-quality checks CBC_CAT3 fail in the analysed segment": "warn",
        "L1: hardware injection (CW) in the analysed segment": "note",
    }
    told = [one for one in summary["trust"]["data"] if one["check"] in ("data.injection", "data.quality")]
    assert {one["message"]: one["level"] for one in told} == expected
    notes = ("H1: 1 s without data or of failed category 1 count as gaps",)
    assert tuple(summary["data"]["notes"]) == notes
    printed = " ".join(ran.stdout.split())
    for message, level in {**expected, notes[0]: "note"}.items():
        assert f"{level}: {message}" in printed
    assert read(out / "posterior.hdf5").provenance.notes == notes
    assert read(out / "posterior.hdf5").provenance.data_quality["H1"].hardware_injections == ("CBC",)


def test_a_gap_of_category_1_in_the_segment_is_refused(
    refused: Callable[..., None], model_file: Path, tmp_path: Path, strain: dict[str, Strain]
) -> None:
    files = [write_with_bits(tmp_path, strain[name], {15: 1} if name == "L1" else {}, injected=3) for name in strain]
    options = [part for path in files for part in ("--strain", f"{path.name[:2]}={path}")]
    arguments = ("infer", *options, "--trigger", TRIGGER, "--model", model_file, "--out", tmp_path / "out")
    refused(arguments, "L1 segment", "expected data without gaps", "4096 samples of gaps")


def test_spectra_of_files_and_their_notes(model: Model, tmp_path: Path, strain: dict[str, Strain]) -> None:
    """An amplitude spectral density, a notch, a first frequency that is rounded, and a release of PESummary."""
    estimates = {name: welch(series) for name, series in strain.items()}
    band = estimates["H1"].frequencies >= 20
    frequencies, values = (column[band].copy() for column in (estimates["H1"].frequencies, estimates["H1"].values))
    frequencies[0] += 1e-7
    values[(frequencies > 59.9) & (frequencies < 60.1)] = np.inf
    np.savetxt(tmp_path / "H1_asd.txt", np.column_stack([frequencies, np.sqrt(values)]), delimiter=",", header="f,asd")
    with h5py.File(tmp_path / "release.h5", "w") as file:
        for label, factor in (("C01:Mixed", 1.0), ("C01:SEOBNRv4PHM", 2.0)):
            columns = np.column_stack([estimates["L1"].frequencies, factor * estimates["L1"].values])
            file[f"{label}/psds/L1"] = columns
    data = prepare(
        [model],
        "GW150914",
        psd={"h1": tmp_path / "H1_asd.txt", "L1": tmp_path / "release.h5"},
        settings=ReadSettings(psd_analysis="mixed"),
    )
    grid = data.observation.segment.frequencies
    notched = grid == 60
    found, expected = data.observation.segment.psd, [estimates[name].at(grid) for name in ("H1", "L1")]
    np.testing.assert_allclose(found[0][~notched], expected[0][~notched], rtol=1e-6)
    np.testing.assert_allclose(found[1], expected[1])
    assert (found[0][notched] > 1e3 * expected[0][notched]).all()  # a line of 350 times its surroundings
    assert data.known == {"H1", "L1"}
    result = infer("GW150914", psd={"H1": tmp_path / "H1_asd.txt"}, model="bbh", samples=200, certify=False)
    assert result.provenance.notes == (
        "H1: squared the amplitude spectral density of H1_asd.txt",
        "H1: no weight at 59.875-60.125 Hz, where the noise spectrum is zero or infinite",
    )


@pytest.mark.slow
def test_a_notch_keeps_the_answer(tmp_path: Path, strain: dict[str, Strain]) -> None:
    """Without 58-62 Hz, the network still proposes well, and the posterior stays where it was."""
    spectra = {}
    for name, series in strain.items():
        psd = welch(series)
        values = np.where((psd.frequencies >= 58) & (psd.frequencies <= 62), np.inf, psd.values)
        spectra[name] = tmp_path / f"{name}.txt"
        np.savetxt(spectra[name], np.column_stack([psd.frequencies, values])[4:])
    found = infer("GW150914", psd=spectra, samples=1000, budget=30.0, prior="model")
    assert isinstance(found, Posterior)
    assert found.certificate is not None
    assert found.certificate.efficiency > 0.2
    assert 194 < found.certificate.log_bayes_factor < 214
    assert np.median(found["chirp_mass"]) == pytest.approx(30.8, abs=1.0)
    assert [note.split(",")[0] for note in found.provenance.notes] == [
        f"{name}: no weight at 57.875-62.125 Hz" for name in ("H1", "L1")
    ]


def test_an_analysis_without_a_file_is_refused(refused: Callable[..., None], model_file: Path, tmp_path: Path) -> None:
    options = ("--psd-analysis", "C01:Mixed", "--model", model_file, "--out", tmp_path / "out")
    refused(("infer", "GW150914", *options), "expected --psd with --psd-analysis", "got no file", "add --psd")
    options = ("--channel", "H1=H1:STRAIN", "--model", model_file, "--out", tmp_path / "out")
    refused(("infer", "GW150914", *options), "expected channels of strain files", "got an event", "leave --channel out")


def test_options_of_estimates_and_releases_that_have_no_use_are_refused(
    refused: Callable[..., None], model_file: Path, tmp_path: Path, strain: dict[str, Strain]
) -> None:
    paths = {name: tmp_path / f"{name}.txt" for name in strain}
    for name, series in strain.items():
        welch(series).write(paths[name])
    given = [part for name, path in paths.items() for part in ("--psd", f"{name}={path}")]
    ending = ("--model", model_file, "--out", tmp_path / "out")
    release = "expected a release of PESummary with --psd-analysis", "got H1.txt", "leave --psd-analysis out"
    refused(("infer", "GW150914", *given, "--psd-analysis", "C01:Mixed", *ending), *release)
    certify = ("--certify-psd", f"H1={paths['H1']}", "--psd-analysis", "C01:Mixed", "--model", "bbh", "--out")
    refused(("infer", "GW150914", *certify, tmp_path / "out"), *release)
    for option in (("--psd-method", "median"), ("--psd-length", "64")):
        parts = "expected --psd-method or --psd-length where a noise spectrum is estimated", "got --psd of every", "out"
        refused(("infer", "GW150914", *given, *option, *ending), *parts)


def test_a_corner_above_the_band_is_named(refused: Callable[..., None], model_file: Path, tmp_path: Path) -> None:
    options = ("--high-pass", "1500", "--model", model_file, "--out", tmp_path / "out")
    refused(("infer", "GW150914", *options), "corner of the high-pass filter of at most 20 Hz", "got 1500", "lower --h")


def test_a_spectrum_of_a_missing_detector_is_named_in_any_case() -> None:
    from chirpleaf.errors import InputError

    source = gather_strain("Gw150914", None, None)
    assert source.event == "GW150914"
    with pytest.raises(InputError, match="got one of V1, whose strain is missing"):
        gather_spectra(source, {"v1": "nowhere.txt"}, {})
    with pytest.raises(InputError, match="expected one strain a detector; got two for H1"):
        gather_strain(None, {"h1": "a", "H1": "b"}, 1.0)


def test_overwrite_removes_what_the_former_run_alone_wrote(
    chirpleaf: Command, model_file: Path, tmp_path: Path
) -> None:
    """A certified run leaves a sky map, which a run of the network alone must not keep; nor may it remove a note."""
    out = tmp_path / "out"
    first = ("infer", "GW150914", "--samples", 500, "--budget", 1, "--out", out)
    assert chirpleaf(*first).status in (0, 3)
    assert (out / "skymap.fits").is_file()
    (out / "notes.txt").write_text("mine")
    second = ("infer", "GW170814", "--model", model_file, "--no-certify", "--samples", 100, "--out", out)
    assert chirpleaf(*second).status == 2
    assert (out / "skymap.fits").is_file()
    assert chirpleaf(*second, "--overwrite").status in (0, 3)
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        *("summary.json", "posterior.hdf5", "result.json", "notes.txt"),
    }
