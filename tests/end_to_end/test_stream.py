"""Strain that keeps coming: the network's answer for every second of it, by the stages of an analysis."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference import prepare, propose
from chirpleaf.inference.noise_spectra import NoiseData
from chirpleaf.inference.stream import RollingBuffer, Stream, StreamAnswer, StreamSettings, replay
from chirpleaf.models import Model, load_model
from chirpleaf.strain import PowerSpectralDensity, Strain, load_event

TRIGGER = 1126259462.4
SETTINGS = StreamSettings(draws=50, waveforms=2)


@pytest.fixture(scope="module")
def strain() -> dict[str, Strain]:
    """22 s of strain with GW150914 after 15.4 s."""
    return {
        name: replace(one, values=one.values[: 22 * 4096], quality=None) for name, one in load_event("GW150914").items()
    }


def play(stream: Stream, strain: dict[str, Strain]) -> list[StreamAnswer]:
    answers = []
    for chunk in replay(strain, 1.0):
        answers.append(stream.push(chunk))
        stream.refresh()
    return [answer for answer in answers if answer is not None]


def test_the_signal_is_found_in_its_second_and_nowhere_else(strain: dict[str, Strain]) -> None:
    answers = play(Stream(load_model("bbh")), strain)
    assert [answer.end_time for answer in answers] == [1126259447.0 + second for second in range(17, 23)]
    assert [answer.audible for answer in answers] == [False, True, False, False, False, False]
    found = answers[1]
    assert abs(found.trigger_time - TRIGGER) <= 0.5
    assert abs(found.reference_time - (TRIGGER + 0.02)) < 0.02
    assert 20.0 < found.snr < 26.0
    assert 25.0 < found.template_chirp_mass < 36.0
    low, median, high = (found.posterior["chirp_mass"][place] for place in (1, 0, 2))
    assert low < 30.0 < high
    assert low < median < high
    assert all(answer.latency > 0.0 for answer in answers)


def test_an_answer_is_that_of_prepare_and_propose(model: Model, strain: dict[str, Strain]) -> None:
    stream = Stream(model, SETTINGS)
    answer = play(stream, strain)[0]
    held = {name: replace(one, values=one.values[: 17 * 4096]) for name, one in strain.items()}
    before = {name: replace(one, values=one.values[: 16 * 4096]) for name, one in strain.items()}
    spectra = prepare([model], strain=before, trigger_time=answer.end_time - 3.0).spectra  # known before the answer
    data = prepare([model], strain=held, trigger_time=answer.end_time - 2.5, psd=spectra, search=SETTINGS.make_search())
    assert answer.snr == data.observation.snr
    assert answer.snr < 8.0
    assert answer.snr_by_detector == data.observation.snr_by_detector
    values = propose(data, SETTINGS.draws, 0).samples["chirp_mass"]
    assert answer.posterior["chirp_mass"] == pytest.approx(tuple(np.quantile(values, (0.5, 0.05, 0.95))))


def test_noise_spectra_are_estimated_between_answers_alone(
    model: Model, strain: dict[str, Strain], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, estimated = Stream(model, SETTINGS), []
    estimate = NoiseData.estimate

    def record(noise: NoiseData) -> PowerSpectralDensity:
        estimated.append(noise.strain.detector)
        return estimate(noise)

    monkeypatch.setattr(NoiseData, "estimate", record)
    answers = []
    for chunk in replay(strain, 1.0):
        answers.append(stream.push(chunk))
        assert estimated == []
        stream.refresh()
        estimated.clear()
    assert sum(answer is not None for answer in answers) == 6


def test_a_gap_gives_a_reason_and_the_stream_goes_on(model: Model, strain: dict[str, Strain]) -> None:
    values = strain["H1"].values.copy()
    values[int(17.2 * 4096) : int(17.3 * 4096)] = np.nan
    answers = play(Stream(model, SETTINGS), {**strain, "H1": replace(strain["H1"], values=values)})
    assert ["gaps" in answer.reason for answer in answers] == [False, True, True, True, True, False]
    assert answers[1].posterior == {}
    assert answers[-1].snr > 0.0


def test_the_buffer_holds_the_last_seconds(strain: dict[str, Strain]) -> None:
    buffer = RollingBuffer(3.0)
    chunks = list(replay(strain, 1.0))
    for chunk in chunks[:5]:
        buffer.push(chunk)
    assert (buffer.length, buffer.end_time) == (3.0, 1126259452.0)
    np.testing.assert_array_equal(buffer.strain["L1"].values, strain["L1"].values[2 * 4096 : 5 * 4096])
    with pytest.raises(InputError, match="in order"):
        buffer.push(chunks[6])
    with pytest.raises(InputError, match="mark missing samples"):
        buffer.push({"H1": chunks[5]["H1"]})
    other_rate = {name: replace(one, sample_rate=2048.0) for name, one in chunks[5].items()}
    with pytest.raises(InputError, match="2048 Hz"):
        buffer.push(other_rate)


def test_detectors_are_played_over_the_time_that_they_share(strain: dict[str, Strain]) -> None:
    later = replace(strain["L1"], start_time=strain["L1"].start_time + 4.5)
    steps = list(replay({"H1": strain["H1"], "L1": later}, 1.0))
    assert len(steps) == 17
    assert steps[0]["H1"].start_time == steps[0]["L1"].start_time == later.start_time
    with pytest.raises(InputError, match="in common"):
        list(replay({"H1": strain["H1"], "L1": replace(later, start_time=0.0)}, 1.0))
    with pytest.raises(InputError, match="whole samples"):
        list(replay(strain, 0.0001))


@pytest.fixture
def files(strain: dict[str, Strain], gwosc_file: Callable[..., Path]) -> list[str]:
    return [word for one in strain.values() for word in ("--replay", f"{one.detector}={gwosc_file(one)}")]


def test_json_lines_of_the_command(files: list[str], model_file: Path, chirpleaf: Callable[..., Any]) -> None:
    ran = chirpleaf("stream", *files, "--model", model_file, "--json", "--speed", "1000")
    assert (ran.status, ran.stderr) == (0, "")
    *answers, last = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == last["summary"]["answers"] == 6
    assert 0.0 < last["summary"]["p50_s"] <= last["summary"]["p99_s"]
    assert all(answer["certified"] is False for answer in answers)
    assert set(answers[0]["parameters"]["chirp_mass"]) == {"median", "lower", "upper"}
    assert "trusted" not in ran.stdout


def test_lines_of_the_command(files: list[str], model_file: Path, chirpleaf: Callable[..., Any]) -> None:
    ran = chirpleaf("stream", *files, "--model", model_file)
    lines = ran.stdout.splitlines()
    assert ran.status == 0
    assert len(lines) == 7
    assert all("chirp_mass" in line and "ms" in line for line in lines[:-1])
    assert "p50" in lines[-1]
    assert "p99" in lines[-1]
    assert "trusted" not in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "--replay H1=FILE"),
        (("--replay", "H1"), "DETECTOR=FILE"),
        (("--replay", "H1=/nowhere"), "does not exist"),
        (("--replay", "H1=/nowhere", "--speed", "0"), "--speed"),
        (("--replay", "H1=/nowhere", "--speed", "fast"), "--speed"),
        (("--replay", "X1=/nowhere"), "expected a detector among H1, L1, V1, K1; got 'X1'"),
        (("--replay", "H1=/nowhere", "--psd", "L1=/nowhere"), "got one of L1, whose strain is missing: add --replay"),
        (("--replay", "H1=/nowhere", "--channel", "L1=A"), "expected channels of H1; got one of L1"),
    ],
)
def test_wrong_options(arguments: tuple[str, ...], part: str, chirpleaf: Callable[..., Any]) -> None:
    ran = chirpleaf("stream", *arguments)
    assert ran.status == 2
    assert part in ran.stderr


def test_too_little_strain(
    strain: dict[str, Strain], gwosc_file: Callable[..., Path], model_file: Path, chirpleaf: Callable[..., Any]
) -> None:
    short = [replace(one, values=one.values[: 8 * 4096]) for one in strain.values()]
    files = [word for one in short for word in ("--replay", f"{one.detector}={gwosc_file(one)}")]
    ran = chirpleaf("stream", *files, "--model", model_file)
    assert ran.status == 2
    assert "17 s of strain" in ran.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda strain: {**strain, "V1": replace(strain["L1"], detector="V1")}, "H1, L1, which .*; got that of V1"),
        (lambda strain: {"H1": strain["H1"]}, "expected strain of H1, L1 for model random; got H1"),
        (
            lambda strain: {name: one.require_sample_rate(512.0) for name, one in strain.items()},
            "whose network takes frequencies up to .* Hz, whatever the likelihood takes; got 512 Hz",
        ),
    ],
)
def test_strain_that_no_step_can_answer_is_refused_at_once(
    change: Callable[[dict[str, Strain]], dict[str, Strain]], message: str, model: Model, strain: dict[str, Strain]
) -> None:
    with pytest.raises(InputError, match=message):
        Stream(model, SETTINGS).push(next(replay(change(strain), 1.0)))


def test_spectra_of_other_detectors_are_refused_at_once(model: Model, strain: dict[str, Strain]) -> None:
    flat = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))
    with pytest.raises(InputError, match="densities of H1, L1; got one of V1"):
        Stream(model, SETTINGS, {"V1": flat}).push(next(replay(strain, 1.0)))


@pytest.mark.parametrize(
    ("spoil", "status", "said"),
    [
        (lambda values: values * 1e20, 2, "error: expected strain that allows an answer; got 6 s without one"),
        (np.zeros_like, 2, "error: expected strain that allows an answer; got 6 s without one"),
        (lambda values: np.where(np.arange(len(values)) // 409 == 172, np.nan, values), 0, "2 answers, 4 s without"),
    ],
)
def test_steps_without_an_answer_are_counted(
    spoil: Callable[[Any], Any],
    status: int,
    said: str,
    strain: dict[str, Strain],
    gwosc_file: Callable[..., Path],
    model_file: Path,
    chirpleaf: Callable[..., Any],
) -> None:
    spoilt = [replace(one, values=spoil(one.values)) for one in strain.values()]
    files = [word for one in spoilt for word in ("--replay", f"{one.detector}={gwosc_file(one)}")]
    ran = chirpleaf("stream", *files, "--model", model_file)
    assert ran.status == status
    assert said in (ran.stderr if status else ran.stdout)
    assert len([line for line in ran.stdout.splitlines() if "no answer: " in line]) == (6 if status else 4)
