"""Samples of the signal: against the same signal injected into silence."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from made_results import PROVENANCE, certified_posterior, network_posterior

from chirpleaf.cli import main
from chirpleaf.diagnostics.strain_injection import StrainSettings, add_signal, simulate_noise
from chirpleaf.diagnostics.waveform_posterior import write_waveforms
from chirpleaf.errors import InputError
from chirpleaf.physics.derived import derived
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result import Posterior, Proposal

RNG = np.random.default_rng(0)
ORBIT = {"luminosity_distance": 600.0, "theta_jn": 0.5, "phase": 1.0, "psi": 0.4, "ra": 1.2, "dec": -0.5}


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    """Samples of one binary; the arrival of the last is 5 ms later."""
    one = derived({name: np.full(4, value) for name, value in (("chirp_mass", 30.0), ("mass_ratio", 0.8))})
    times = PROVENANCE.trigger_time + np.array([0, 0, 0, 0.005])
    samples = {**one, **{name: np.full(4, value) for name, value in ORBIT.items()}, "geocent_time": times}
    origin = replace(PROVENANCE, duration=8.0, f_min=(20.0, 20.0), f_max=1024.0)
    return certified_posterior(proposal=Proposal(samples, np.zeros(4), np.zeros(4)), provenance=origin)


def test_the_signal_is_the_injected_one(posterior: Posterior, tmp_path: Path) -> None:
    write_waveforms(posterior, tmp_path / "w.h5")
    binary = {name: float(values[0]) for name, values in posterior.items()}
    silence = simulate_noise(("H1", "L1"), PROVENANCE.trigger_time, StrainSettings(32, 2048, "zero"), RNG)
    injected = add_signal(silence, binary, WaveformSettings("IMRPhenomXAS", 20.0))
    with h5py.File(tmp_path / "w.h5") as file:
        times = file["times"][()]
        for name in ("H1", "L1"):
            found = file[f"{name}/time_domain"][()]
            assert found.shape == (4, len(times))
            reference = np.interp(times, injected[name].times, injected[name].values)
            near = np.abs(times - PROVENANCE.trigger_time) < 0.1
            assert np.abs(found[0] - reference)[near].max() < 0.1 * np.abs(reference).max()
            peaks = times[np.abs(found).argmax(axis=1)]
            assert peaks[3] - peaks[0] == pytest.approx(0.005, abs=1e-3)
            again = np.fft.rfft(found[0])[np.rint(file["frequencies"][()] * 8).astype(int)] / 2048
            np.testing.assert_allclose(np.abs(again), np.abs(file[f"{name}/frequency_domain"][0]), atol=1e-28)
        assert file["samples"]["chirp_mass"].tolist() == [30.0] * 4


def test_a_result_without_its_segment_is_refused(tmp_path: Path) -> None:
    for result in (certified_posterior(), network_posterior()):
        with pytest.raises(InputError, match="expected a certified posterior with its segment"):
            write_waveforms(result, tmp_path / "w.h5")


def test_arguments_of_a_file_that_end_lalsimulation_are_refused(posterior: Posterior, tmp_path: Path) -> None:
    origin = replace(
        posterior.provenance, approximant="IMRPhenomXHM", waveform_arguments=("PhenomXHMReleaseVersion=9",)
    )
    with pytest.raises(InputError, match="got PhenomXHMReleaseVersion=9, by which LALSimulation crashes"):
        write_waveforms(replace(posterior, provenance=origin), tmp_path / "w.h5")


def test_the_command_writes_waveforms_and_injections(
    posterior: Posterior, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posterior.save(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps({"mass_1": 30, "mass_2": 20, **ORBIT, "geocent_time": 1.0}))
    assert main(["convert", str(tmp_path), "--to", "waveforms", "--out", str(tmp_path / "w.h5")]) == 3
    with h5py.File(tmp_path / "w.h5") as file:  # of a result that is not trusted
        assert (file.attrs["verdict"], file.attrs["reasons"]) == ("untrusted", "no signal; heavy tail")
    truth = ["--injection", str(tmp_path / "truth.json")]
    assert main(["convert", str(tmp_path), "--to", "bilby", "--out", str(tmp_path / "b.json"), *truth]) == 3
    assert json.loads((tmp_path / "b.json").read_text())["injection_parameters"]["mass_1"] == 30
    assert main(["convert", str(tmp_path), "--to", "waveforms", "--out", str(tmp_path / "v.h5"), *truth]) == 2
    assert "expected --injection with --to bilby or pesummary; got waveforms" in capsys.readouterr().err
