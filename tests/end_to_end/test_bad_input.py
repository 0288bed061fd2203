"""Invalid input: exit code 2, one line with expectation, input and remedy, and no file lost."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from refusals import Command, assert_refused
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from chirpleaf.strain import events, gwosc, load_event
from chirpleaf.strain.strain import Strain

TRIGGER = events()["GW150914"].trigger_time


SCRIPT = Path(sys.executable).with_name("chirpleaf")


@pytest.fixture
def strain() -> dict[str, Strain]:
    return load_event("GW150914")


@pytest.fixture
def infer(
    refused: Callable[..., None], model_file: Path, gwosc_file: Callable[..., Path], tmp_path: Path
) -> Callable[..., None]:
    """Refusal of `chirpleaf infer --strain …` on files of some strain."""

    def check(strain: dict[str, Strain], *parts: str, trigger: float = TRIGGER) -> None:
        files = [f"{name}={gwosc_file(series)}" for name, series in strain.items()]
        options = [argument for file in files for argument in ("--strain", file)]
        refused(
            ("infer", *options, "--trigger", trigger, "--model", model_file, "--out", tmp_path / "out"),
            *parts,
        )

    return check


def test_a_missing_file_in_a_process_of_its_own(tmp_path: Path) -> None:
    options = ["--strain", "H1=nowhere.hdf5", "--strain", "L1=nowhere.hdf5", "--trigger", str(TRIGGER)]
    ran = subprocess.run([SCRIPT, "infer", *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_refused(ran.returncode, ran.stdout, ran.stderr, "expected a file", "got nowhere.hdf5", "check the path")
    assert not any(tmp_path.iterdir())


def test_a_misspelt_option_in_a_process_of_its_own(tmp_path: Path) -> None:
    ran = subprocess.run([SCRIPT, "infer", "--sample", "5"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_refused(ran.returncode, ran.stdout, ran.stderr, "No such option: --sample", "chirpleaf infer --help")


def test_not_hdf5(refused: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "H1.hdf5"
    path.write_bytes(np.random.default_rng(0).bytes(4096))
    options = ("--strain", f"H1={path}", "--strain", f"L1={path}", "--trigger", TRIGGER, "--out", tmp_path / "out")
    refused(
        ("infer", *options),
        "expected HDF5, GWF frames, GWOSC text",
        "two columns",
        "cannot be read",
        "download it again",
    )


def test_a_file_cut_short(refused: Callable[..., None], gwosc_file: Callable[..., Path], tmp_path: Path) -> None:
    path = gwosc_file(load_event("GW150914")["H1"])
    path.write_bytes(path.read_bytes()[:100_000])
    options = ("--strain", f"H1={path}", "--strain", f"L1={path}", "--trigger", TRIGGER, "--out", tmp_path / "out")
    refused(("infer", *options), "expected a complete HDF5 file", "got", "download it again")


def test_the_file_of_another_detector(
    refused: Callable[..., None], gwosc_file: Callable[..., Path], strain: dict[str, Strain], tmp_path: Path
) -> None:
    path = gwosc_file(strain["H1"])
    options = ("--strain", f"H1={path}", "--strain", f"L1={path}", "--trigger", TRIGGER, "--out", tmp_path / "out")
    refused(("infer", *options), "expected strain of L1", "got that of H1", "pair the file with H1")


def test_a_sampling_rate_too_low_for_the_band(infer: Callable[..., None], strain: dict[str, Strain]) -> None:
    slow = {name: series.require_sample_rate(1024.0) for name, series in strain.items()}
    infer(slow, "H1 strain", "expected a sampling rate of at least", "got 1024 Hz", "give strain of a higher")


def test_gaps_in_the_segment(infer: Callable[..., None], strain: dict[str, Strain]) -> None:
    values = strain["L1"].values.copy()
    values[round((TRIGGER - strain["L1"].start_time) * 4096) :][:7] = np.nan
    gap = {**strain, "L1": replace(strain["L1"], values=values)}
    infer(
        gap, "L1 segment", "expected data without gaps", "got 7 samples of gaps or flat stretches", "take another time"
    )


@pytest.mark.parametrize("offset", [-60.0, -15.0, 15.9, 1e6])
def test_a_segment_outside_the_file(infer: Callable[..., None], strain: dict[str, Strain], offset: float) -> None:
    parts = ("H1 segment outside the file", "expected a stretch within GPS 1126259447.000", "got", "give a longer file")
    infer(strain, *parts, trigger=TRIGGER + offset)


def test_fewer_seconds_than_the_psd_needs(infer: Callable[..., None], strain: dict[str, Strain]) -> None:
    short = {name: series.segment(TRIGGER - 6.0, 10.0) for name, series in strain.items()}
    infer(short, "H1 power spectral density", "expected at least 16 s", "got 10 s", "--psd")


def test_one_detector_where_the_model_needs_two(infer: Callable[..., None], strain: dict[str, Strain]) -> None:
    infer({"H1": strain["H1"]}, "expected strain of H1, L1 for model random", "got H1", "add --strain L1=FILE")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--strain", "h1.hdf5", "--trigger", "1"), ("expected --strain DETECTOR=FILE", "got 'h1.hdf5'", "write")),
        (("--strain", "H1=", "--trigger", "1"), ("expected --strain DETECTOR=FILE", "got 'H1='", "write")),
        (
            ("--strain", "h1=a", "--strain", "H1=b", "--trigger", "1"),
            ("expected a file", "got a, which does not exist"),
        ),
        (("--psd", "H1=a", "--psd", "h1=b", "GW150914"), ("expected one --psd", "got two for H1", "leave one out")),
        (
            ("--channel", "H1", "--strain", "H1=a", "--trigger", "1"),
            ("expected --channel DETECTOR=NAME", "got 'H1'", "write", "STRAIN"),
        ),
        (
            ("--channel", "L1=x", "--strain", "H1=a", "--trigger", "1"),
            ("expected channels of H1", "got one of L1", "add --strain L1=FILE"),
        ),
        (("--strain", "H1=a", "--strain", "L1=b"), ("expected the trigger time", "got none", "add --trigger GPS")),
        (("--strain", "H1=a", "--trigger", "nan"), ("expected a GPS time in seconds, or UTC", "got 'nan'", "write")),
        (("--strain", "H1=a", "--trigger", "noon"), ("expected a GPS time in seconds, or UTC", "got 'noon'", "write")),
        (("GW150914", "--trigger", "2015-09-14"), ("expected a GPS time", "got '2015-09-14'", "2015-09-14T09:50:45.4")),
        ((), ("expected an event or strain", "got both or neither", "give EVENT, or --strain")),
        (("GW150914", "--strain", "H1=a", "--trigger", "1"), ("expected an event or strain", "got both", "give EVENT")),
        (("GW150914", "--psd", "nothing"), ("expected --psd DETECTOR=FILE", "got 'nothing'", "write")),
        (("GW150914", "--psd", "H1=nowhere.txt"), ("expected a file", "got nowhere.txt", "check the path")),
        (
            ("GW150914", "--samples", "0"),
            ("a whole number from 1 to 1000000", "got 0", "10000 are usual"),
        ),
        (("GW150914", "--samples", "1e6"), ("Invalid value for '--samples'", "chirpleaf infer --help")),
        (
            ("GW150914", "--no-certify", "--effective-samples", "9"),
            ("expected certification", "got an answer of the network alone", "leave"),
        ),
        (("GW150914", "--effective-samples", "0"), ("expected --effective-samples to be a whole", "got 0", "5000")),
        (("GW150914", "--budget", "0"), ("expected --budget in seconds", "got 0", "no limit of time")),
        (("GW150914", "--budget", "inf"), ("expected --budget in seconds", "got inf", "no limit of time")),
        (("GW150914", "--approximant", "IMRPhenomX"), ("expected an approximant", "did you mean")),
        (("GW150914", "--prior", "flat"), ("expected --prior", "model, standard, comoving", "got flat", "choose")),
        (("GW150914", "--model", "bhb"), ("expected a shipped model", "got 'bhb'", "see `chirpleaf models`")),
        (("GW150914", "--model", "./no.safetensors"), ("expected a model file", "got no file", "chirpleaf models")),
        (("../GW150914",), ("expected the name of an event", "got '../GW150914'", "correct the name")),
    ],
)
def test_options_that_make_no_sense(
    refused: Callable[..., None], model_file: Path, tmp_path: Path, options: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    model = () if "--model" in options else ("--model", model_file)
    refused(("infer", *options, *model, "--out", tmp_path / "out"), *parts)


def test_a_density_that_does_not_cover_the_band(refused: Callable[..., None], model_file: Path, tmp_path: Path) -> None:
    density = tmp_path / "H1.txt"
    np.savetxt(density, np.column_stack([np.arange(50.0, 2000.0), np.full(1950, 1e-46)]))
    options = ("--psd", f"H1={density}", "--model", model_file, "--out", tmp_path / "out")
    refused(
        ("infer", "GW150914", *options),
        "H1 power spectral density: expected values from 20",
        "got those from 50",
        "give a density that covers",
    )


def test_an_unknown_event(refused: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    unreachable = functools.partial(gwosc.fetch_event, host="http://127.0.0.1:9", cache=tmp_path / "cache")
    monkeypatch.setattr(gwosc, "fetch_event", unreachable)
    parts = ("no such embedded event GW999999", "could not be reached", "embedded: GW150914, GW170814", "give --strain")
    refused(("infer", "GW999999", "--out", tmp_path / "out"), *parts)


@pytest.mark.parametrize("kept", [0.9, 0.2, 0.0001, 0.0])
def test_a_model_file_cut_short(refused: Callable[..., None], model_file: Path, tmp_path: Path, kept: float) -> None:
    damaged = tmp_path / "damaged.safetensors"
    content = model_file.read_bytes()
    damaged.write_bytes(content[: int(kept * len(content))])
    options = ("--model", damaged, "--out", tmp_path / "out")
    refused(("infer", "GW150914", *options), "expected a safetensors model file", "cut short", "fetch it again")


def test_a_model_file_from_a_newer_version(refused: Callable[..., None], model_file: Path, tmp_path: Path) -> None:
    with safe_open(model_file, framework="pt") as file:
        document = json.loads(file.metadata()["chirpleaf"])
    newer = tmp_path / "newer.safetensors"
    save_file(load_file(model_file), newer, metadata={"chirpleaf": json.dumps({**document, "format": 2})})
    options = ("--model", newer, "--out", tmp_path / "out")
    refused(("infer", "GW150914", *options), "expected a model file of format 1", "got format 2", "update chirpleaf")


def test_an_output_folder_that_exists(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    precious = tmp_path / "summary.json"
    precious.write_text("precious")
    for verb in (("infer", "GW150914", "--model", model_file), ("evaluate", model_file, "--injections", 2)):
        ran = chirpleaf(*verb, "--out", tmp_path)
        assert_refused(ran.status, ran.stdout, ran.stderr, "expected a new or empty folder", "got", "add --overwrite")
        ran = chirpleaf(*verb, "--out", precious, "--overwrite")
        assert_refused(ran.status, ran.stdout, ran.stderr, "expected a folder", "got the file", "name another")
        ran = chirpleaf(*verb, "--out", precious / "below")
        assert_refused(ran.status, ran.stdout, ran.stderr, "expected a folder", "got", "name another")
    assert precious.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_the_folder_of_an_event_is_guarded_by_default(
    chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "out" / "GW150914" / "summary.json"
    results.parent.mkdir(parents=True)
    results.write_text("{}")
    ran = chirpleaf("infer", "GW150914")
    assert_refused(ran.status, ran.stdout, ran.stderr, "got out/GW150914, which holds files", "add --overwrite")
    assert results.read_text() == "{}"


def test_evaluation_of_what_is_not_there(refused: Callable[..., None], model_file: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out", "--injections", 2)
    refused(("evaluate", "bhb", *out), "expected a shipped model", "got 'bhb'", "see `chirpleaf models`")
    spectra = ("--psd-file", tmp_path / "none.hdf5")
    refused(("evaluate", model_file, *out, *spectra), "expected a file of measured noise", "got no file", "--psd-file")


def test_a_folder_without_permission(
    refused: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    refused(("infer", "GW150914", "--out", tmp_path / "out"), "can be written to", "got", "name another")


def test_a_full_disk_is_one_line_too(
    chirpleaf: Command, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chirpleaf.result.base.write_files", full)
    arguments = ("--model", model_file, "--no-certify", "--samples", 100, "--out", tmp_path / "results")
    ran = chirpleaf("infer", "GW150914", *arguments)
    assert_refused(ran.status, ran.stdout, ran.stderr, "expected files", "No space left on device", "free space")


@pytest.mark.parametrize("command", [(SCRIPT,), (sys.executable, "-m", "chirpleaf")])
def test_the_script_and_the_module_end_with_the_same_code(command: tuple[str | Path, ...], tmp_path: Path) -> None:
    """Exit codes 0, 2 and 3 reach the shell whichever way the command is started."""
    for arguments, expected in ((("--version",), 0), (("infer", "GW150914", "--samples", "0"), 2)):
        ran = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == expected, ran.stderr
    program = (
        "import sys, runpy, chirpleaf.cli as cli\nfrom chirpleaf.errors import UntrustedError\n"
        "def refuse(*_, **__): raise UntrustedError('no signal')\ncli.app = refuse\n"
        f"sys.argv = {[str(command[-1]), 'infer']!r}\n"
    )
    program += (
        "runpy.run_module('chirpleaf', run_name='__main__')"
        if len(command) > 1
        else "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "not trusted: no signal\n"


def test_an_interruption_is_one_word(chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chirpleaf.inference.analysis.load_candidates", interrupt)
    ran = chirpleaf("infer", "GW150914", "--out", tmp_path / "out")
    assert (ran.status, ran.stderr) == (130, "stopped\n")
