"""`chirpleaf infer` with calibration envelopes and noise spectra of the likelihood: files, replay, and wrong input."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from envelopes import make_columns, write_envelope

from chirpleaf.result import read
from chirpleaf.strain import load_event
from chirpleaf.strain.noise_spectrum import estimate_spectrum

Command = Callable[..., Any]


@pytest.fixture
def spectrum(tmp_path: Path) -> Path:
    """A noise spectrum of L1 that is 5 % above the estimate."""
    density = estimate_spectrum(load_event("GW150914")["L1"])
    inside = (density.frequencies >= 18) & (density.frequencies <= 1100)
    path = tmp_path / "psd.txt"
    replace(density, frequencies=density.frequencies[inside], values=1.05 * density.values[inside]).write(path)
    return path


@pytest.mark.slow
def test_all_of_them_at_once_are_recorded_and_replayed(
    chirpleaf: Command, spectrum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in ("begin_data", "begin"):
        monkeypatch.setattr(f"chirpleaf.report.pictures.FigureDrawing.{stage}", lambda *_: None)
    monkeypatch.setattr("chirpleaf.report.pictures.FigureDrawing.finish", lambda *_: {})
    envelope, out = write_envelope(tmp_path / "h1.txt"), tmp_path / "out"
    options = ("--calibration-envelope", f"h1={envelope}", "--psd-uncertainty", "--certify-psd", f"L1={spectrum}")
    ran = chirpleaf("infer", "GW150914", "--samples", 400, "--effective-samples", 100, *options, "--out", out)
    assert (ran.status, ran.stderr) == (0, "")
    text = " ".join(ran.stdout.split())
    assert "uncertainty of the noise spectra of H1: ln Bayes factor" in text
    assert "uncertainty of the calibration of H1 (envelopes correct the data): ln Bayes factor" in text
    assert "L1: the likelihood has a noise spectrum of its own" in text

    summary, result = json.loads((out / "summary.json").read_text()), read(out)
    certificate, recipe = summary["certificate"], summary["recipe"]
    assert [one["name"] for one in certificate["reweightings"]] == ["spectra", "calibration"]
    assert certificate["effective_samples"] > 100
    assert summary["timing"]["systematics_s"] > 0
    assert summary["n_samples"] == certificate["reweightings"][-1]["samples"] == len(result.proposal.log_weight)
    assert (recipe["calibration"], recipe["certify_psd"]) == ({"H1": str(envelope)}, {"L1": str(spectrum)})
    assert (recipe["calibration_correction"], recipe["psd_uncertainty"]) == ("data", True)
    assert {"calibration H1", "certify_psd L1"} <= set(recipe["hashes"])
    assert [one.check for one in result.trust.findings][-2:] == ["sampling.spectra", "sampling.calibration"]

    ran = chirpleaf("verify", out)
    assert (ran.status, ran.stderr) == (0, "")
    assert "reproduced to the bit" in ran.stdout
    write_envelope(envelope, make_columns(amplitude=0.051))
    ran = chirpleaf("verify", out)
    assert ran.status == 2
    assert "another calibration H1, whose hash differs" in ran.stderr


def test_wrong_options_are_refused(refused: Callable[..., None], spectrum: Path, tmp_path: Path) -> None:
    envelope, out = write_envelope(tmp_path / "envelope.txt"), tmp_path / "out"
    narrow = write_envelope(tmp_path / "narrow.txt", make_columns()[make_columns()[:, 0] > 100])
    command = ("infer", "GW150914", "--out", out)

    def check(options: tuple[object, ...], *parts: str) -> None:
        refused((*command, *options), *parts)

    calibration = "--calibration-envelope"
    check((calibration, envelope), "--calibration-envelope DETECTOR=FILE")
    check((calibration, f"H1={envelope}", calibration, f"h1={envelope}"), "one --calibration-envelope a detector", "H1")
    check((calibration, "H1=nowhere.txt"), "got nowhere.txt, which does not exist")
    check((calibration, f"H1={tmp_path}"), "which is a folder")
    check((calibration, f"V1={envelope}"), "calibration envelopes of H1, L1", "V1", "leave it out")
    check((calibration, f"L1={narrow}"), "L1: expected a calibration envelope from 20 to 1022", "--f-min")
    check((calibration, f"L1={envelope}", "--no-certify"), "network alone", "leave them out")
    check(("--psd-uncertainty", "--no-certify"), "network alone", "leave them out")
    check(("--calibration-correction-type", "data"), "expected --calibration-envelope with", "add")
    check((calibration, f"H1={envelope}", "--calibration-correction-type", "signal"), "data or template", "'signal'")
    check(("--certify-psd", f"V1={spectrum}"), "noise spectra of H1, L1", "V1")
    check(("--certify-psd", f"H1={envelope}"), "envelope.txt", "frequency")
    check(("--certify-psd", f"H1={np.nan}"), "expected a file", "does not exist")
    both = ("--certify-psd", f"L1={spectrum}", "--psd", f"H1={spectrum}", "--psd-uncertainty")
    check(both, "estimated from strain", "leave --psd-uncertainty out")
    short = tmp_path / "short.txt"
    table = np.loadtxt(spectrum)
    np.savetxt(short, table[table[:, 0] < 500])
    check(("--certify-psd", f"L1={short}"), "L1 power", "from 20 to 1022", "got those from", "covers the analysed band")
    np.savetxt(short, table * [1.0, 1e6])
    check(("--certify-psd", f"L1={short}"), "L1")
