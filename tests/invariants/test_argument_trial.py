"""Arguments of LALSimulation are tried in a process of their own."""

from pathlib import Path

import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference.options import WaveformOptions
from chirpleaf.inference.plan import plan_certification
from chirpleaf.models import Model
from chirpleaf.physics import argument_trial
from chirpleaf.physics.argument_trial import check_arguments
from chirpleaf.physics.waveform_settings import Value, WaveformSettings
from chirpleaf.system.isolation import run_isolated

CRASHES = "by which LALSimulation crashes: correct the value or leave it out$"


@pytest.mark.parametrize(
    ("approximant", "argument", "why"),
    [
        ("IMRPhenomXHM", ("PhenomXHMReleaseVersion", 9), CRASHES),
        ("IMRPhenomXPHM", ("PhenomXHMReleaseVersion", 9), CRASHES),
        ("IMRPhenomXO4a", ("PhenomXHMIntermediateAmpVersion", 104), CRASHES),
        ("IMRPhenomXPHM", ("PhenomXPrecVersion", 9), "by which it fails: .*the reason: .*Invalid precession flag"),
        ("IMRPhenomXHM", ("ModeArray", "5,5"), "by which it fails: .*the reason: "),
        ("IMRPhenomXHM", ("ModeArray", " "), "by which it fails: .*the reason: its waveforms are zero"),
    ],
)
def test_arguments_by_which_lalsimulation_fails_are_refused(
    model: Model, approximant: str, argument: tuple[str, Value], why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given = f"{argument[0]}={argument[1]}"
    with pytest.raises(InputError, match=f"LALSimulation that {approximant} takes; got {given}, {why}"):
        plan_certification(model, waveform=WaveformOptions(approximant, arguments=(argument,)))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("approximant", "argument"),
    [
        ("IMRPhenomXPHM", ("PhenomXPrecVersion", 104)),
        ("IMRPhenomXPHM", ("PhenomXPrecVersion", 320)),
        ("IMRPhenomXHM", ("PhenomXHMReleaseVersion", 122019)),
        ("IMRPhenomXHM", ("ModeArray", "2,1 2,-1")),  # of which some binaries have none
    ],
)
def test_arguments_that_the_approximant_takes_are_kept(approximant: str, argument: tuple[str, Value]) -> None:
    check_arguments(WaveformSettings(approximant, arguments=(argument,)))


def test_an_approximant_that_fails_without_arguments_says_so() -> None:
    with pytest.raises(InputError, match=r"what IMRPhenomNSBH can do .*NS mass must be less than or equal to 3"):
        check_arguments(WaveformSettings("IMRPhenomNSBH", arguments=(("TidalLambda2", 3.0),)))


def test_a_trial_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argument_trial, "SECONDS", 1)
    argument = ("ModeArray", "2,2 2,-2 2,1 2,-1 3,3 3,-3 4,4 4,-4 5,5 5,-5")
    with pytest.raises(InputError, match="with which it takes longer than 1 s: "):
        check_arguments(WaveformSettings("SEOBNRv4PHM", arguments=(argument,)))


def test_nothing_is_tried_without_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argument_trial, "run_isolated", None)
    check_arguments(WaveformSettings("IMRPhenomXPHM"))


@pytest.mark.parametrize("idles", ["import time; time.sleep(60)", "while True: pass"])
def test_a_process_that_never_answers_is_ended(idles: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "from chirpleaf.system.isolation import limit_process\n\ndef run(_):\n    limit_process(1, 10**9)\n    "
    (tmp_path / "made_idler.py").write_text(lines + idles)
    monkeypatch.syspath_prepend(tmp_path)
    assert run_isolated("made_idler", "run", [], 0.2).timed_out


def test_modules_of_the_working_folder_are_not_those_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random", "calendar", "numpy", "lalsimulation"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    argument_trial._try_elsewhere.cache_clear()
    check_arguments(WaveformSettings("IMRPhenomXPHM", arguments=(("PhenomXPrecVersion", 104),)))
