"""Posterior, its summary and its verdict: what follows from the samples does follow from them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.inference.amortised import sample_posterior
from chirpleaf.inference.infer import infer
from chirpleaf.inference.observe import Observation, canonicalise, choose, observe, refine
from chirpleaf.inference.trust import GREATEST_SNR, LEAST_SNR, assess
from chirpleaf.models import PARAMETERS as MODELLED
from chirpleaf.models import Architecture, Model, load_model
from chirpleaf.physics import remnant
from chirpleaf.physics.derived import derived
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result.posterior import HEADLINE
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Strain
from chirpleaf.training.simulation import Simulation

TRIGGER = 1126259462.4
FLAT = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))


def injected(architecture: Architecture, snr: float, *, delay: float = -0.004, offset: float = 0.0) -> Segment:
    """A heavy binary without noise, louder in H1, that L1 sees `delay` later; `snr` of the network."""
    frequencies = architecture.grid.native_frequencies
    binary = {"mass_1": 45.0, "mass_2": 38.0, "chi_1": 0.1, "chi_2": 0.0, "luminosity_distance": 400.0}
    hp, _ = polarizations(binary | {"theta_jn": 0.0, "phase": 0.0}, frequencies)
    arrivals = offset + np.array([[0.0], [delay]])
    strain = hp * np.array([[1.0], [-0.6]]) * np.exp(-2j * np.pi * frequencies * arrivals)
    strain *= snr / np.sqrt(4 / architecture.duration * np.sum(np.abs(strain) ** 2 / 1e-46))
    psd = np.full(strain.shape, 1e-46)
    return Segment(("H1", "L1"), strain, psd, frequencies, architecture.duration, TRIGGER)


@pytest.fixture(scope="module")
def observation(model: Model) -> Observation:
    return refine(model, injected(model.architecture, 20.0))


@pytest.fixture(scope="module")
def trained() -> Model:
    return load_model("bbh")


@pytest.fixture(scope="module")
def clear(trained: Model) -> Observation:
    """What a trained model sees of the same binary."""
    return refine(trained, injected(trained.architecture, 20.0))


def test_derived_parameters_follow_from_the_four() -> None:
    prior = IntrinsicPrior().sample(300, np.random.default_rng(0))
    found = derived(prior)
    assert set(found) <= set(PARAMETERS)
    assert set(HEADLINE) <= set(found)
    for name, values in prior.items():
        np.testing.assert_array_equal(found[name], values)
    mass_1, mass_2 = found["mass_1"], found["mass_2"]
    np.testing.assert_allclose(mass_2 / mass_1, prior["mass_ratio"])
    np.testing.assert_allclose((mass_1 * mass_2) ** 0.6 / (mass_1 + mass_2) ** 0.2, prior["chirp_mass"])
    np.testing.assert_allclose(found["total_mass"], mass_1 + mass_2)
    spins = mass_1 * prior["chi_1"] + mass_2 * prior["chi_2"]
    np.testing.assert_allclose(found["chi_eff"], spins / found["total_mass"], atol=1e-12)
    assert np.all(found["final_mass"] < found["total_mass"])
    # The mode's frequency and damping time are the dimensionless ones in units of the final mass.
    seconds = found["final_mass"] * 4.925490947641267e-06
    np.testing.assert_allclose(2 * np.pi * found["f_220"] * seconds, found["omega_r"], rtol=1e-9)
    np.testing.assert_allclose(np.abs(found["omega_i"]) * found["tau_220"] * 1e-3, seconds, rtol=1e-9)
    np.testing.assert_allclose(found["final_spin"], remnant.final_spin(mass_1, mass_2, prior["chi_1"], prior["chi_2"]))


def test_samples_are_the_estimators(observation: Observation) -> None:
    values, log_prob = sample_posterior(observation, 50, seed=3)
    theta, expected = observation.model.estimator.sample(observation.canonical, 50, torch.Generator().manual_seed(3))
    intrinsic = np.stack([values[name] for name in MODELLED], axis=1)
    np.testing.assert_array_equal(intrinsic, theta[:, 0].numpy())
    np.testing.assert_array_equal(log_prob, expected[:, 0].numpy())
    assert not np.array_equal(sample_posterior(observation, 50, seed=4)[0]["chirp_mass"], values["chirp_mass"])


@pytest.mark.parametrize("offset", [-0.093, -0.031, 0.0, 0.02, 0.088])
def test_a_trigger_that_is_off_changes_little(trained: Model, clear: Observation, offset: float) -> None:
    found = refine(trained, injected(trained.architecture, 20.0, offset=offset))
    # Other draws are tried; training moves the reference time by more.
    assert found.segment.reference_time - offset == pytest.approx(clear.segment.reference_time, abs=1e-3)
    assert found.snr == pytest.approx(clear.snr, rel=5e-3)
    assert found.chirp_mass == pytest.approx(clear.chirp_mass, rel=0.15)


@pytest.mark.parametrize(("far", "chosen"), [(8.3, 0.0), (10.0, 0.09)])
def test_what_arrives_far_from_the_trigger_counts_less(model: Model, far: float, chosen: float) -> None:
    near, other = injected(model.architecture, 8.0), injected(model.architecture, far, offset=0.09)
    found = refine(model, replace(near, strain=near.strain + other.strain))
    assert found.segment.reference_time - TRIGGER == pytest.approx(chosen, abs=0.005)


def test_the_reference_time_is_the_arrival_at_the_loudest_detector(clear: Observation) -> None:
    assert abs(clear.segment.reference_time - TRIGGER) < 1e-3
    time = clear.canonical.time[0]
    assert abs(float(time[0])) < 0.003
    assert float(time[1] - time[0]) == pytest.approx(-0.004, abs=3e-4)
    assert clear.snr == pytest.approx(20.0, rel=0.02)
    assert clear.chirp_mass == pytest.approx(36.0, rel=0.15)


def test_segments_in_a_batch_are_seen_as_alone(model: Model) -> None:
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
    found = assess(refine(trained, injected(trained.architecture, snr)))
    assert found.trusted == (not reason)
    assert found.verdict == ("untrusted" if reason else "trusted")
    assert len(found.reasons) == bool(reason)
    assert all(reason in text for text in found.reasons)
    known = snr < GREATEST_SNR  # beyond its training the network's waveforms are less like the signal
    assert found.network_snr == pytest.approx(snr, rel=0.03 if known else 0.05)
    assert 0.9 < np.hypot(*found.snr.values()) / found.network_snr < 1.01  # templates are not as loud
    assert list(found.snr) == ["H1", "L1"]
    assert found.snr["H1"] > found.snr["L1"]
    assert json.loads(json.dumps(found.to_json()))["verdict"] == found.verdict


def test_trust_allows_what_training_held() -> None:
    least, greatest = Simulation().snr_range
    assert least > LEAST_SNR
    assert greatest < GREATEST_SNR


def strain(seconds: float = 16.0, rate: float = 4096.0) -> dict[str, Strain]:
    rng = np.random.default_rng(1)
    values = rng.normal(scale=np.sqrt(1e-46 * rate / 2), size=(2, round(seconds * rate)))
    return {
        name: Strain(name, one, TRIGGER - seconds / 2, rate) for name, one in zip(("H1", "L1"), values, strict=True)
    }


def test_a_missing_detector_is_named(model: Model) -> None:
    with pytest.raises(InputError, match="expected strain of H1, L1 for model random; got H1: add --strain L1=FILE"):
        observe(model, {"H1": strain()["H1"]}, {"H1": FLAT}, TRIGGER)


def test_a_longer_model_is_left_out_where_the_strain_is_too_short(model: Model) -> None:
    light = replace(model.architecture.prior, chirp_mass_min=None, chirp_mass_max=16.0)
    longer = replace(model, name="long", architecture=replace(model.architecture, duration=32.0, prior=light))
    densities = dict.fromkeys(("H1", "L1"), FLAT)
    assert choose([longer, model], strain(), densities, TRIGGER).model.name == "random"
    with pytest.raises(InputError, match="outside the file"):
        choose([longer], strain(), densities, TRIGGER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected an event or strain; got both or neither"),
        ({"event": "GW150914", "strain": {}}, "expected an event or strain; got both or neither"),
        ({"strain": {"H1": "h1.hdf5"}}, "expected the trigger time of the strain; got none: add --trigger"),
        ({"event": "GW150914", "samples": 0}, "expected at least one sample; got samples = 0"),
        ({"event": "GW150914", "model": "nothing"}, "expected a shipped model"),
    ],
)
def test_wrong_questions_are_input_errors(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        infer(**arguments)
    assert "\n" not in str(caught.value)
