"""Approximants: names in any case, missing data files, and binaries whose waveform cannot be computed."""

import threading

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference.options import WaveformOptions
from chirpleaf.inference.plan import plan_certification
from chirpleaf.models import Model
from chirpleaf.physics.approximants import can_precess, lal_approximants, resolve_approximant
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.physics.time_domain import EXTERNAL
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.system.lal_messages import silence_lal

GRID = [20.0, 30.0, 50.0]
ORBIT = {"chi_1": 0.0, "chi_2": 0.0, "luminosity_distance": 400.0, "theta_jn": 0.0, "phase": 0.0}
HEAVY = {"mass_1": 36.0, "mass_2": 29.0, **ORBIT}
# IMRPhenomNSBH takes neutron stars of up to three solar masses.
SOME_FAIL = {**ORBIT, "mass_1": 10.0, "mass_2": np.array([1.4, 9.0, 1.3, 8.0])}


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, str])
def test_names_are_known_in_any_case(change) -> None:
    names = [*lal_approximants(frequency_domain=True), *lal_approximants(frequency_domain=False), *EXTERNAL]
    assert len(names) > 90
    for name in names:
        assert resolve_approximant(change(name)) == name
    assert can_precess(change("IMRPhenomXPHM"))
    np.testing.assert_array_equal(
        polarizations(HEAVY, GRID, change("IMRPhenomD")), polarizations(HEAVY, GRID, "IMRPhenomD")
    )


def test_a_plan_states_the_proper_name(model: Model) -> None:
    plan = plan_certification(model, waveform=WaveformOptions("imrphenomxhm"))
    assert plan is not None
    assert plan.waveform.approximant == "IMRPhenomXHM"
    with pytest.raises(InputError, match="did you mean IMRPhenomXHM"):
        plan_certification(model, waveform=WaveformOptions("imrphenomxhmm"))


@pytest.mark.parametrize("name", ["PhenSpinTaylor", "PhenSpinTaylorRD"])
def test_an_approximant_that_ends_the_process_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"expected an approximant; got '{name}': did you mean"):
        polarizations(HEAVY, GRID, name)


@pytest.mark.parametrize("name", ["SEOBNRv4_ROM", "SEOBNRv5_ROM", "NRSur7dq4", "SEOBNRv4HM_ROM"])
def test_missing_data_files_are_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAL_DATA_PATH", "/nowhere")
    for _ in range(2):  # LALSimulation names the file only the first time
        with pytest.raises(InputError, match=f"expected the data files of {name}.*LAL_DATA_PATH.*download") as caught:
            polarizations(HEAVY, GRID, name)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_the_reason_of_a_failure_is_given(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"got mass_1 10, mass_2 9,.*NS mass must be less than") as caught:
        polarizations(SOME_FAIL, GRID, "IMRPhenomNSBH")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_one_failure_does_not_fail_the_others(workers: int, capfd: pytest.CaptureFixture[str]) -> None:
    hp, hc = polarizations(SOME_FAIL, GRID, "IMRPhenomNSBH", skip_failures=True, workers=workers)
    good = polarizations({**SOME_FAIL, "mass_2": np.array([1.4, 1.3])}, GRID, "IMRPhenomNSBH")
    for found, expected in zip((hp, hc), good, strict=True):
        np.testing.assert_array_equal(found[[0, 2]], expected)
        assert np.isnan(found[[1, 3]]).all()
    assert capfd.readouterr().err == ""


def test_a_signal_model_skips_failures_too() -> None:
    binaries = {"chirp_mass": np.array([3.0, 8.0]), "mass_ratio": np.array([0.14, 0.9]), "chi_1": 0.0, "chi_2": 0.0}
    series = Quadrupole(WaveformSettings("IMRPhenomNSBH")).series(binaries, GRID, skip_failures=True)
    assert np.isfinite(series[0]).all()
    assert np.isnan(series[1]).all()
    with pytest.raises(InputError, match="choose IMRPhenomXAS or other parameters"):
        Quadrupole(WaveformSettings("IMRPhenomNSBH")).series(binaries, GRID)


def test_lal_speaks_again_after_overlapping_calls() -> None:
    import lal

    level, inside, release = lal.GetDebugLevel(), threading.Event(), threading.Event()

    def hold() -> None:
        with silence_lal():
            inside.set()
            release.wait(5)

    thread = threading.Thread(target=hold)
    with silence_lal():
        thread.start()
        inside.wait(5)
    assert not lal.GetDebugLevel() & lal.LALERRORBIT  # the thread still wants silence
    release.set()
    thread.join()
    assert lal.GetDebugLevel() == level
