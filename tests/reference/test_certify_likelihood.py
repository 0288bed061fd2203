"""The likelihood on every frequency, against bilby's on the same data."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.likelihood_settings import LikelihoodSettings
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment

DETECTORS = ("H1", "L1", "V1")
APPROXIMANT = "IMRPhenomD"
TRIGGER, DURATION, RATE = 1126259462.4, 4.0, 2048.0
LOW, HIGH = 20.0, 900.0
TRUTH = {
    "mass_1": 38.0,
    "mass_2": 29.0,
    "chi_1": 0.3,
    "chi_2": -0.4,
    "luminosity_distance": 600.0,
    "theta_jn": 2.5,
    "phase": 1.3,
    "psi": 0.8,
    "ra": 1.9,
    "dec": -1.1,
    "geocent_time": TRIGGER + 0.013,
}
SPREAD = dict(zip(TRUTH, (1.5, 1.5, 0.2, 0.2, 80.0, 0.2, 0.5, 0.3, 0.1, 0.1, 0.001), strict=True))


def binaries(n: int = 30) -> dict[str, np.ndarray]:
    """The truth, and others about it."""
    rng = np.random.default_rng(1)
    found = {name: value + SPREAD[name] * rng.standard_normal(n) for name, value in TRUTH.items()}
    for name, value in TRUTH.items():
        found[name][0] = value
    return found


def noise(frequencies: np.ndarray, index: int) -> np.ndarray:
    at = np.maximum(frequencies, 10.0)
    return 1e-46 * (1 + 0.4 * index) * ((at / 40) ** -6 + 1 + (at / (250 - 40 * index)) ** 2)


@cache
def interferometers() -> Any:
    """bilby's, holding a signal of its own in coloured noise."""
    import bilby

    network = bilby.gw.detector.InterferometerList(list(DETECTORS))
    rng = np.random.default_rng(0)
    parameters = translated({name: np.array([value]) for name, value in TRUTH.items()})[0]
    wave = generator().frequency_domain_strain(parameters)
    frequencies = np.arange(round(DURATION * RATE / 2) + 1) / DURATION
    start = {"sampling_frequency": RATE, "duration": DURATION, "start_time": TRIGGER + AFTER_TRIGGER - DURATION}
    for index, one in enumerate(network):
        one.minimum_frequency, one.maximum_frequency = LOW, HIGH
        psd = noise(frequencies, index)
        one.power_spectral_density = bilby.gw.detector.PowerSpectralDensity(frequency_array=frequencies, psd_array=psd)
        hiss = np.sqrt(psd * DURATION / 4) * (rng.standard_normal((len(psd), 2)) @ np.array([1, 1j]))
        # Times of the response are counted from the data's start, so that there must be some.
        one.set_strain_data_from_frequency_domain_strain(hiss, **start)
        signal = one.get_detector_response(wave, parameters)
        one.set_strain_data_from_frequency_domain_strain(hiss + signal, **start)
    return network


@cache
def generator() -> Any:
    import bilby

    return bilby.gw.WaveformGenerator(
        duration=DURATION,
        sampling_frequency=RATE,
        frequency_domain_source_model=bilby.gw.source.lal_binary_black_hole,
        waveform_arguments={
            "waveform_approximant": APPROXIMANT,
            "reference_frequency": 20.0,
            "minimum_frequency": LOW,
            "maximum_frequency": HIGH,
        },
    )


def translated(samples: dict[str, np.ndarray]) -> list[dict[str, float]]:
    """One of bilby's dictionaries for each binary: precessing names, no tilt."""
    rows = []
    for row in range(len(samples["mass_1"])):
        one = {name: float(values[row]) for name, values in samples.items()}
        for index in "12":
            spin = one.pop(f"chi_{index}")
            one[f"a_{index}"], one[f"tilt_{index}"] = abs(spin), 0.0 if spin >= 0 else np.pi
        rows.append(one | {"phi_12": 0.0, "phi_jl": 0.0})
    return rows


@cache
def segment() -> Segment:
    """The same data about the trigger instead of the segment's start."""
    network = interferometers()
    frequencies = network[0].frequency_array
    band = (frequencies >= LOW) & (frequencies <= HIGH)
    delay = np.exp(2j * np.pi * frequencies[band] * (DURATION - AFTER_TRIGGER))
    return Segment(
        DETECTORS,
        np.stack([one.frequency_domain_strain[band] for one in network]) * delay,
        np.stack([one.power_spectral_density_array[band] for one in network]),
        frequencies[band],
        DURATION,
        TRIGGER,
    )


@cache
def likelihood() -> Any:
    import bilby

    return bilby.gw.GravitationalWaveTransient(interferometers(), generator())


def bilbys(row: dict[str, float]) -> float:
    return float(likelihood().log_likelihood_ratio(row))


def test_the_likelihood_is_that_of_bilby() -> None:
    samples = binaries()
    expected = np.array([bilbys(row) for row in translated(samples)])
    found, _ = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    # Loud, and the binaries differ: else nothing would be compared.
    assert expected[0] > 100
    assert np.std(expected) > 10
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_signal_to_noises_are_those_of_bilby() -> None:
    samples = binaries(4)
    _, snr = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    for row, parameters in enumerate(translated(samples)):
        wave = generator().frequency_domain_strain(parameters)
        expected = [
            np.sqrt(one.optimal_snr_squared(one.get_detector_response(wave, parameters)).real)
            for one in interferometers()
        ]
        np.testing.assert_allclose(snr[row], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "step"), [("psi", 0.1), ("phase", 0.1), ("geocent_time", 2e-4), ("ra", 0.02), ("theta_jn", 0.1)]
)
def test_each_parameter_moves_it_as_in_bilby(name: str, step: float) -> None:
    samples = {key: np.full(2, value) for key, value in TRUTH.items()}
    samples[name][1] += step
    (first, second), _ = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    expected = np.diff([bilbys(row) for row in translated(samples)])[0]
    assert abs(expected) > 0.05
    assert second - first == pytest.approx(expected, abs=0.01)


def own_signal(approximant: str) -> Segment:
    """Data that are the signal of `TRUTH` and nothing else."""
    blank = segment()
    hp, hc = polarizations(TRUTH, blank.frequencies, approximant)
    sky = (TRUTH["ra"], TRUTH["dec"], TRUTH["psi"], gmst(TRIGGER))
    time = TRUTH["geocent_time"] - TRIGGER
    rows = [project(hp[0], hc[0], detector(name), *sky, blank.frequencies, time) for name in DETECTORS]
    return Segment(DETECTORS, np.stack(rows), blank.psd, blank.frequencies, DURATION, TRIGGER)


@pytest.mark.parametrize("approximant", ["IMRPhenomD", "IMRPhenomXAS", "IMRPhenomXHM"])
def test_of_the_signal_itself_it_is_half_of_its_power(approximant: str) -> None:
    data = own_signal(approximant)
    found, snr = log_likelihood_ratio(data, binaries(20), approximant)
    power = 4 / DURATION * np.sum(np.abs(data.strain) ** 2 / data.psd, axis=1)
    np.testing.assert_allclose(snr[0] ** 2, power, rtol=1e-6)
    assert found[0] == pytest.approx(power.sum() / 2, rel=1e-6)
    assert (found[1:] < found[0]).all()


def test_half_the_distance_is_twice_the_signal() -> None:
    """For a signal of twice the amplitude, ln L = 2 rho^2 - 4 rho^2 / 2 = 0."""
    near = {name: np.array([value]) for name, value in TRUTH.items()}
    near["luminosity_distance"] = near["luminosity_distance"] / 2
    found, snr = log_likelihood_ratio(own_signal("IMRPhenomD"), near, "IMRPhenomD")
    assert found[0] == pytest.approx(0.0, abs=1e-4 * np.sum(snr**2))


def test_the_reference_time_of_the_data_does_not_matter() -> None:
    samples = binaries(5)
    here, _ = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    there, _ = log_likelihood_ratio(segment().with_reference_time(TRIGGER + 0.05), samples, APPROXIMANT)
    # But for the turn of the earth in the meantime.
    np.testing.assert_allclose(there, here, atol=0.02)


def test_many_waveforms_at_once_are_each_their_own() -> None:
    """More waveforms than are in memory at a time."""
    samples = binaries(70)
    together, power = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    assert together.shape == (70,)
    assert power.shape == (70, 3)
    for row in (0, 63, 64, 69):
        alone, snr = log_likelihood_ratio(segment(), {k: v[row : row + 1] for k, v in samples.items()}, APPROXIMANT)
        assert alone[0] == pytest.approx(together[row], abs=1e-6)
        np.testing.assert_allclose(snr[0], power[row], rtol=1e-9)


def test_processes_that_share_the_work_change_nothing() -> None:
    samples = binaries(130)  # three turns, the last one short
    alone = log_likelihood_ratio(segment(), samples, APPROXIMANT)
    settings = LikelihoodSettings(worth_a_process=0)
    shared = log_likelihood_ratio(segment(), samples, APPROXIMANT, workers=2, settings=settings)
    for expected, found in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(found, expected)
