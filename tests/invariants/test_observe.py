"""Observations: reference time, choice of the model, and the verdict on them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.inference.observation import Observation, canonicalise
from chirpleaf.inference.observe import choose_model, observe
from chirpleaf.inference.reference_time import SearchSettings, refine_reference_time
from chirpleaf.inference.trust import DEFAULT_TRUST, assess
from chirpleaf.models import Architecture, Model, load_model
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Strain
from chirpleaf.training.simulation import Simulation

TRIGGER = 1126259462.4
FLAT = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))


def injected(architecture: Architecture, snr: float, *, delay: float = -0.004, offset: float = 0.0) -> Segment:
    """A heavy binary of a network `snr` without noise, louder in H1; it arrives in L1 `delay` seconds later."""
    frequencies = architecture.grid.native_frequencies
    binary = {"mass_1": 45.0, "mass_2": 38.0, "chi_1": 0.1, "chi_2": 0.0, "luminosity_distance": 400.0}
    hp, _ = polarizations(binary | {"theta_jn": 0.0, "phase": 0.0}, frequencies)
    arrivals = offset + np.array([[0.0], [delay]])
    strain = hp * np.array([[1.0], [-0.6]]) * np.exp(-2j * np.pi * frequencies * arrivals)
    strain *= snr / np.sqrt(4 / architecture.duration * np.sum(np.abs(strain) ** 2 / 1e-46))
    psd = np.full(strain.shape, 1e-46)
    return Segment(("H1", "L1"), strain, psd, frequencies, architecture.duration, TRIGGER)


@pytest.fixture(scope="module")
def trained() -> Model:
    return load_model("bbh")


@pytest.fixture(scope="module")
def clear(trained: Model) -> Observation:
    """The same binary, for a trained model."""
    return refine_reference_time(trained, injected(trained.architecture, 20.0))


@pytest.mark.parametrize("offset", [-0.093, -0.031, 0.0, 0.02, 0.088])
def test_an_inaccurate_trigger_changes_little(trained: Model, clear: Observation, offset: float) -> None:
    found = refine_reference_time(trained, injected(trained.architecture, 20.0, offset=offset))
    # Other draws are tried; training moves the reference time by more.
    assert found.segment.reference_time - offset == pytest.approx(clear.segment.reference_time, abs=1e-3)
    assert found.snr == pytest.approx(clear.snr, rel=5e-3)
    assert found.chirp_mass == pytest.approx(clear.chirp_mass, rel=0.15)


NO_PRIOR = SearchSettings(trigger_error=np.inf)


@pytest.mark.parametrize(
    ("far", "settings", "chosen"), [(8.3, SearchSettings(), 0.0), (8.3, NO_PRIOR, 0.09), (12.0, SearchSettings(), 0.09)]
)
def test_signals_far_from_the_trigger_count_less(
    trained: Model, far: float, settings: SearchSettings, chosen: float
) -> None:
    """Of two signals, the fainter one at the trigger is taken, unless the other is much louder or no prior is asked."""
    near, other = injected(trained.architecture, 8.0), injected(trained.architecture, far, offset=0.09)
    both = replace(near, strain=near.strain + other.strain)
    found = refine_reference_time(trained, both, settings)
    assert found.segment.reference_time - TRIGGER == pytest.approx(chosen, abs=0.005)


def test_the_reference_time_is_the_arrival_at_the_loudest_detector(clear: Observation) -> None:
    assert abs(clear.segment.reference_time - TRIGGER) < 1e-3
    time = clear.canonical.time[0]
    assert abs(float(time[0])) < 0.003
    assert float(time[1] - time[0]) == pytest.approx(-0.004, abs=3e-4)
    assert clear.snr == pytest.approx(20.0, rel=0.02)
    assert clear.chirp_mass == pytest.approx(36.0, rel=0.15)


def test_a_batch_of_segments_equals_single_segments(model: Model) -> None:
    segments = [injected(model.architecture, snr) for snr in (12.0, 20.0, 30.0)]
    together = canonicalise(model, segments)
    for index, one in enumerate(segments):
        torch.testing.assert_close(
            together.select(slice(index, index + 1)).tokens, canonicalise(model, [one]).tokens, rtol=0, atol=1e-3
        )


@pytest.mark.parametrize(
    ("snr", "reason"), [(4.0, "no signal: network signal-to-noise"), (20.0, ""), (80.0, "lies above the 65")]
)
def test_trust(trained: Model, snr: float, reason: str) -> None:
    found = assess(refine_reference_time(trained, injected(trained.architecture, snr)))
    assert not found.trusted
    assert found.verdict == ("untrusted" if reason else "not certified")
    assert len(found.reasons) == bool(reason)
    assert all(reason in text for text in found.reasons)
    known = snr < DEFAULT_TRUST.signal.greatest_snr  # beyond it the waveforms are less like the signal
    assert found.network_snr == pytest.approx(snr, rel=0.03 if known else 0.05)
    assert 0.9 < np.hypot(*found.snr.values()) / found.network_snr < 1.01  # templates are not as loud
    assert list(found.snr) == ["H1", "L1"]
    assert found.snr["H1"] > found.snr["L1"]
    assert json.loads(json.dumps(found.to_json()))["verdict"] == found.verdict


def test_trust_allows_all_loudnesses_of_training() -> None:
    least, greatest = Simulation().snr_range
    assert least > DEFAULT_TRUST.signal.least_snr
    assert greatest < DEFAULT_TRUST.signal.greatest_snr


def strain(seconds: float = 16.0, rate: float = 4096.0) -> dict[str, Strain]:
    rng = np.random.default_rng(1)
    values = rng.normal(scale=np.sqrt(1e-46 * rate / 2), size=(2, round(seconds * rate)))
    return {
        name: Strain(name, one, TRIGGER - seconds / 2, rate) for name, one in zip(("H1", "L1"), values, strict=True)
    }


def test_a_missing_detector_is_named(model: Model) -> None:
    with pytest.raises(InputError, match="expected strain of H1, L1 for model random; got H1: add --strain L1=FILE"):
        observe(model, {"H1": strain()["H1"]}, {"H1": FLAT}, TRIGGER)


def test_a_longer_model_is_skipped_if_the_strain_is_too_short(model: Model) -> None:
    light = replace(model.architecture.prior, chirp_mass_min=None, chirp_mass_max=16.0)
    longer = replace(model, name="long", architecture=replace(model.architecture, duration=32.0, prior=light))
    densities = dict.fromkeys(("H1", "L1"), FLAT)
    assert choose_model([longer, model], strain(), densities, TRIGGER).model.name == "random"
    shorter = (
        "a longer file or another time, or choose a model of shorter segments than the 32 s of long: add --model bbh,"
    )
    with pytest.raises(InputError, match=f"outside the file.*{shorter}"):
        choose_model([longer], strain(), densities, TRIGGER)
    early = replace(strain()["H1"], start_time=strain()["H1"].start_time - 86_400.0)
    cases = [(longer, strain(), TRIGGER + 100.0), (model, strain(), TRIGGER - 90_000.0)]
    cases += [(one, {**strain(), "H1": early}, TRIGGER) for one in (longer, model)]
    for one, series, time in cases:
        with pytest.raises(InputError, match=r"give a longer file or another time$"):  # no model would help
            choose_model([one], series, densities, time)
