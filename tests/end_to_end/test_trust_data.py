"""Data of GW150914 that are not what they claim to be: found, named and graded, or refused in one line."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference import PreparedData, prepare
from chirpleaf.inference.build import build_posterior, trace_origin
from chirpleaf.inference.kinds import propose
from chirpleaf.inference.trust.data import examine_data, examine_rates
from chirpleaf.models import load_model
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.trust import Finding, Grade, Level
from chirpleaf.strain import PowerSpectralDensity, Strain, load_event
from chirpleaf.strain.events import events

TRIGGER = events()["GW150914"].trigger_time
BOTH = ("H1", "L1")


def load(change: Callable[[np.ndarray], np.ndarray] = np.copy, **psd: PowerSpectralDensity) -> PreparedData:
    strain = load_event("GW150914")
    changed: dict[str, Strain] = {**strain, "H1": replace(strain["H1"], values=change(strain["H1"].values))}
    return prepare([load_model("bbh")], strain=changed, trigger_time=TRIGGER, psd=psd)


@pytest.fixture(scope="module")
def clean() -> PreparedData:
    return load()


def find(data: PreparedData) -> dict[str, Finding]:
    return {one.check: one for one in examine_data(data, BOTH)}


def test_good_data_have_no_findings(clean: PreparedData) -> None:
    assert find(clean) == {}


@pytest.mark.parametrize(("factor", "level"), [(1.2, Level.WARN), (0.8, Level.WARN), (2.0, Level.REFUSE)])
def test_a_given_spectrum_that_is_off_is_named(factor: float, level: Level, clean: PreparedData) -> None:
    own = clean.spectra["H1"]
    data = load(H1=replace(own, values=own.values * factor))
    found = find(data)["data.power"]
    assert (found.level, found.detector) == (level, "H1")
    assert found.message.endswith("give the spectrum of this strain")
    result = build_posterior(data, propose(data, 50, 0), 0, {})
    assert result.trust.grade is (Grade.REFUSE if level is Level.REFUSE else Grade.WARN)
    assert [one["check"] for one in result.summary_document()["trust"]["data"]][-1].startswith("data.")
    assert found.message in result.trust.reasons


@pytest.mark.parametrize("factor", [1e6, 1e-6])
def test_a_given_spectrum_of_another_scale_ends_in_one_line(factor: float, clean: PreparedData) -> None:
    own = clean.spectra["H1"]
    with pytest.raises(InputError, match="H1 power spectral density: expected one in 1/Hz that agrees"):
        load(H1=replace(own, values=own.values * factor))


def test_rounded_strain_is_refused() -> None:
    rounded = find(load(lambda values: np.round(values / 2e-21) * 2e-21))
    assert rounded["data.rounding"].level is Level.REFUSE
    with pytest.raises(InputError, match=r"H1 .*: expected at least 16 s of good data"):  # equal samples are no data
        load(lambda values: np.round(values / 1e-19) * 1e-19)


def test_a_wrong_sampling_rate_is_refused(clean: PreparedData) -> None:
    own = clean.spectra["L1"]
    data = replace(clean, spectra={**clean.spectra, "L1": replace(own, frequencies=own.frequencies * 2)})
    (found,) = examine_rates(data, BOTH)
    assert (found.level, found.detector) == (Level.REFUSE, "L1")
    assert "lie at about 2 times their frequencies: check the sampling rate of the header, 4096 Hz" in found.message


@pytest.mark.parametrize("name", ["IMRPhenomXPHM", "IMRPhenomXP", "IMRPhenomPv2"])
def test_a_precessing_approximant_says_that_its_spins_are_aligned(name: str, clean: PreparedData) -> None:
    origin = trace_origin(clean, 0, WaveformSettings(name))
    assert (origin.approximant, origin.waveforms) == (name, f"{name} with aligned spins")
    assert (
        f"aligned spins: {name} allows precession, but the spins in the orbital plane are kept at zero" in origin.notes
    )
    plain = trace_origin(clean, 0)
    assert (plain.spins, plain.waveforms) == ("", "IMRPhenomXAS")
    assert not any("aligned spins" in note for note in plain.notes)
