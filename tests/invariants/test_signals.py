"""Every signal model: a phase rotates each series by its harmonic, and detectors record the sum of the series."""

import numpy as np
import pytest
from tiny import TinySignal

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, project
from chirpleaf.physics.signals import SIGNALS, SignalModel, make_signal_model
from chirpleaf.physics.waveforms import polarizations

FREQUENCIES = np.arange(20.0, 300.0, 0.5)
BINARIES = {
    "chirp_mass": np.array([28.0, 35.0, 40.0]),
    "mass_ratio": np.array([0.5, 0.8, 1.0]),
    "chi_1": np.array([0.3, -0.2, 0.0]),
    "chi_2": np.array([-0.4, 0.1, 0.6]),
    # Read by models of precessing binaries alone.
    "chi_1_in_plane": np.array([0.4, 0.2, 0.0]),
    "azimuth_1": np.array([0.3, 6.0, 0.0]),
    "chi_2_in_plane": np.array([0.3, 0.5, 0.0]),
    "azimuth_2": np.array([1.3, 3.0, 0.0]),
    "cos_iota": np.array([0.6, -0.5, 0.4]),
}
APPROXIMANTS = {"multimode": "IMRPhenomXPHM", "aligned-modes": "IMRPhenomXHM"}
MODELS: dict[str, SignalModel] = {
    "tiny": TinySignal(),
    **{name: make_signal_model(APPROXIMANTS.get(name, "IMRPhenomXAS"), name) for name in SIGNALS},
}
models = pytest.mark.parametrize("signal", MODELS.values(), ids=MODELS.keys())


@models
def test_series_have_the_shape_and_the_models_satisfy_the_protocol(signal: SignalModel) -> None:
    assert isinstance(signal, SignalModel)
    series = signal.series(BINARIES, FREQUENCIES)
    assert series.shape == (3, len(signal.harmonics), len(FREQUENCIES))
    power = np.square(np.abs(series)).sum(axis=(0, 2))
    assert signal.dominant == power.argmax()


@models
def test_batch_equals_the_loop(signal: SignalModel) -> None:
    series = signal.series(BINARIES, FREQUENCIES)
    for index in range(3):
        one = {name: values[index] for name, values in BINARIES.items()}
        np.testing.assert_allclose(signal.series(one, FREQUENCIES)[0], series[index], rtol=1e-12)


@models
def test_series_over_the_reference_are_smooth(signal: SignalModel) -> None:
    """The phase of the ratio turns slowly, and it has no poles up to the merger."""
    binary = {name: values[:1] for name, values in BINARIES.items()}
    reference = signal.reference_series(binary, FREQUENCIES)
    near = {**binary, "chirp_mass": binary["chirp_mass"] * 1.01}
    series, below = signal.series(near, FREQUENCIES)[0], FREQUENCIES < 100
    assert reference.shape == series.shape
    ratio = series[:, below] / reference[:, below]
    assert np.abs(np.diff(np.unwrap(np.angle(ratio)), axis=1)).max() < 0.3
    assert np.abs(ratio).max() < 10
    assert np.abs(np.diff(np.unwrap(np.angle(series[:, below])), axis=1)).max() > 0.5


@models
def test_a_phase_turns_each_series_by_its_harmonic(signal: SignalModel) -> None:
    fp, fc, theta_jn, phase = np.random.default_rng(0).uniform(-1, 1, (4, 20))
    turned, still = signal.response(fp, fc, theta_jn, phase), signal.response(fp, fc, theta_jn)
    assert turned.shape == (20, len(signal.harmonics))
    np.testing.assert_allclose(turned, still * np.exp(1j * np.outer(phase, signal.harmonics)), rtol=1e-12)


@models
def test_responses_are_linear_in_the_antenna_patterns(signal: SignalModel) -> None:
    plus, cross = signal.response(1.0, 0.0, 0.7, 0.4), signal.response(0.0, 1.0, 0.7, 0.4)
    np.testing.assert_allclose(signal.response(0.3, -0.8, 0.7, 0.4), 0.3 * plus - 0.8 * cross, rtol=1e-12)


@pytest.mark.parametrize("approximant", ["IMRPhenomXAS", "IMRPhenomD"])
def test_quadrupole_in_a_detector_is_the_projection_of_the_polarisations(approximant: str) -> None:
    sky, theta_jn, phase, distance, time = (1.2, -0.4, 0.6), 1.1, 0.8, 500.0, 0.013
    mass_1, mass_2 = component_masses(BINARIES["chirp_mass"], BINARIES["mass_ratio"])
    binaries = {**BINARIES, "mass_1": mass_1, "mass_2": mass_2}
    place = {"luminosity_distance": distance, "theta_jn": theta_jn, "phase": phase}
    hp, hc = polarizations({**binaries, **place}, FREQUENCIES, approximant)
    h1 = detector("H1")
    expected = project(hp, hc, h1, *sky, 2.0, FREQUENCIES, time)
    signal = make_signal_model(approximant)
    response = signal.response(*h1.antenna_pattern(*sky, 2.0), theta_jn, phase)
    delay = np.exp(-2j * np.pi * FREQUENCIES * (time + h1.time_delay(*sky[:2], 2.0)))
    found = np.einsum("s,nsf->nf", response, signal.series(BINARIES, FREQUENCIES)) / distance * delay
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_an_unknown_signal_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a signal model among quadrupole.*; got 'octupole'"):
        make_signal_model(kind="octupole")
