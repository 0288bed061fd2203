"""Certification of a signal with two harmonics, compared with an explicit likelihood.

The signal is `tiny.TinySignal`. Every reference value here is a sum over every native frequency, with the phase kept:
no Bessel function, no heterodyne, no table.
"""

from functools import cache

import numpy as np
import pytest
from tiny import TinySignal

from chirpleaf.inference.certify.adaptation import adapt_marginal_likelihood
from chirpleaf.inference.certify.extrinsics import DetectorNetwork
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.marginal import MarginalLikelihood, draw_sobol_points
from chirpleaf.inference.certify.phase import make_integral
from chirpleaf.inference.certify.settings import CertifySettings, HeterodyneSettings, PhaseSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.strain.segment import Segment

GPS, DURATION = 1126259462.4, 4.0
FREQUENCIES = np.arange(20 * 4, 300 * 4) / DURATION
TIME_PRIOR = (-0.006, 0.007)
DISTANCE = PowerLaw(2.0, 100.0, 3000.0)
SIGNAL = TinySignal()
SETTINGS = CertifySettings(heterodyne=HeterodyneSettings(dephasing=0.15))
SOURCE = {"ra": 2.2, "dec": -0.9, "psi": 0.6, "theta_jn": 1.2, "phase": 0.9, "time": 0.0017}
NETWORKS = [("H1",), ("H1", "L1")]
networks = pytest.mark.parametrize("names", NETWORKS, ids="".join)


def binaries(n: int) -> dict[str, np.ndarray]:
    """The source, and others about it. At this mass ratio the third harmonic has a quarter of the amplitude."""
    rng = np.random.default_rng(2)
    return {
        "chirp_mass": 32.0 + 0.5 * np.append(0.0, rng.standard_normal(n - 1)),
        "mass_ratio": np.clip(0.35 + 0.05 * np.append(0.0, rng.standard_normal(n - 1)), 0.3, 1.0),
    }


def write_out(
    names: tuple[str, ...],
    waves: np.ndarray,
    place: dict[str, np.ndarray | float],
    frequencies: np.ndarray = FREQUENCIES,
) -> np.ndarray:
    """The signal of one binary at 1 Mpc in every detector: h_2 and h_3 with the factors of the tiny model's docstring.

    Args:
        names: of the detectors.
        waves: series of one binary, shape (2, F).
        place: ra, dec, psi, theta_jn, phase and time after GPS, all floats.
        frequencies: shape (F,).
    """
    rows = []
    cosine, sine = np.cos(place["theta_jn"]), np.sin(place["theta_jn"])
    for name in names:
        fp, fc = detector(name).antenna_pattern(place["ra"], place["dec"], place["psi"], gmst(GPS))
        second = fp * (1 + cosine**2) / 2 - 1j * fc * cosine
        arrival = place["time"] + detector(name).time_delay(place["ra"], place["dec"], gmst(GPS))
        wave = second * np.exp(2j * place["phase"]) * waves[0] + sine * second * np.exp(3j * place["phase"]) * waves[1]
        rows.append(wave * np.exp(-2j * np.pi * frequencies * arrival))
    return np.stack(rows)


@cache
def segment(names: tuple[str, ...], snr: float) -> Segment:
    """The source without noise."""
    shape = (FREQUENCIES / 40) ** -6 + 1 + (FREQUENCIES / 250) ** 2
    psd = np.stack([1e-46 * scale * shape for scale in (1.0, 1.3)[: len(names)]])
    signal = write_out(names, SIGNAL.series(binaries(1), FREQUENCIES)[0], SOURCE)
    signal *= snr / np.sqrt(4 / DURATION * np.sum(np.abs(signal) ** 2 / psd))
    return Segment(names, signal, psd, FREQUENCIES, DURATION, GPS)


@cache
def heterodyne(names: tuple[str, ...], snr: float) -> Heterodyne:
    delays = [detector(name).time_delay(SOURCE["ra"], SOURCE["dec"], gmst(GPS)) for name in names]
    arrivals = SOURCE["time"] + np.array(delays)
    return Heterodyne.from_reference(
        segment(names, snr), binaries(8), arrivals, SIGNAL, SETTINGS.heterodyne, reach=0.012
    )


def aligned(names: tuple[str, ...], snr: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    fast = heterodyne(names, snr)
    return fast.align(fast.compute_ratios(binaries(n)))


@cache
def adapted(names: tuple[str, ...], snr: float, phases: int = 32) -> MarginalLikelihood:
    return adapt_marginal_likelihood(
        heterodyne(names, snr),
        make_integral(SIGNAL.harmonics, DISTANCE, 1.15 * snr + 4, SETTINGS.distance, PhaseSettings(phases=phases)),
        DetectorNetwork(tuple(detector(name) for name in names), float(gmst(GPS))),
        aligned(names, snr, 16)[0],
        TIME_PRIOR,
        SETTINGS.table,
    )


def average(marginal: MarginalLikelihood, ratios: np.ndarray, rounds: int, n: int) -> tuple[float, float]:
    """ln of the mean likelihood of the first binary over rounds of points, and its standard error."""
    pairs = [marginal.pair(ratios[:1], draw_sobol_points(n, 11, turn)) for turn in range(rounds)]
    values, errors = (np.array([float(getattr(one, name)[0]) for one in pairs]) for name in ("log_likelihood", "error"))
    weight = np.exp(values - values.max())
    return np.log(weight.mean()) + values.max(), np.sqrt(np.sum((weight * errors) ** 2)) / weight.sum()


def brute_force(data: Segment, waves: np.ndarray, n: int, seed: int) -> tuple[float, float]:
    """ln of the mean likelihood over draws from the prior of everything extrinsic, and its standard error."""
    rng = np.random.default_rng(seed)
    ra, dec, psi = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(0, np.pi, n)
    cosine, phase = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
    time, distance = rng.uniform(*TIME_PRIOR, n), DISTANCE.sample(n, rng)
    grid = np.arange(TIME_PRIOR[0] - 0.022, TIME_PRIOR[1] + 0.022, 1 / 16384)
    turned = np.exp(2j * np.pi * np.outer(FREQUENCIES, grid))
    matched, power = np.zeros(n), np.zeros(n)
    for index, name in enumerate(data.detectors):
        fp, fc = detector(name).antenna_pattern(ra, dec, psi, gmst(GPS))
        second = (fp * (1 + cosine**2) / 2 - 1j * fc * cosine) * np.exp(2j * phase)
        third = np.sqrt(1 - cosine**2) * second * np.exp(1j * phase)
        weight = 4 / DURATION / data.psd[index]
        arrival = time + detector(name).time_delay(ra, dec, gmst(GPS))
        for response, wave in zip((second, third), waves, strict=True):
            series = (weight * data.strain[index] * wave.conj()) @ turned
            matched += (response.conj() * np.interp(arrival, grid, series)).real
        power += np.abs(second) ** 2 * np.sum(weight * np.abs(waves[0]) ** 2)
        power += np.abs(third) ** 2 * np.sum(weight * np.abs(waves[1]) ** 2)
        power += 2 * (second * third.conj() * np.sum(weight * waves[0] * waves[1].conj())).real
    log_likelihood = matched / distance - power / (2 * distance**2)
    weight = np.exp(log_likelihood - log_likelihood.max())
    return float(np.log(weight.mean()) + log_likelihood.max()), float(weight.std() / weight.mean() / np.sqrt(n))


@networks
def test_the_likelihood_of_a_signal_model_is_the_one_written_out(names: tuple[str, ...]) -> None:
    data, n = segment(names, 12.0), 5
    rng = np.random.default_rng(0)
    place = {name: value + 0.2 * rng.standard_normal(n) for name, value in SOURCE.items() if name != "time"}
    place["time"] = SOURCE["time"] + 1e-3 * rng.standard_normal(n)
    distance = rng.uniform(500, 2000, n)
    samples = {**binaries(n), **place, "geocent_time": GPS + place["time"], "luminosity_distance": distance}
    found, snr = log_likelihood_ratio(data, samples, SIGNAL)
    for row, waves in enumerate(SIGNAL.series(binaries(n), FREQUENCIES)):
        signal = write_out(names, waves, {name: values[row] for name, values in place.items()}) / distance[row]
        weight = 4 / DURATION / data.psd
        power = np.sum(weight * np.abs(signal) ** 2, axis=1)
        expected = np.sum(weight * data.strain * signal.conj()).real - power.sum() / 2
        # GPS times are good to 0.1 microseconds.
        assert found[row] == pytest.approx(expected, abs=0.01)
        np.testing.assert_allclose(snr[row], np.sqrt(power), rtol=1e-4)


@networks
def test_every_pair_is_the_likelihood_on_every_frequency(names: tuple[str, ...]) -> None:
    """At any phase and distance, ln L from the overlaps and from the whole waveform."""
    snr, n = 12.0, 6
    ratios, delay = aligned(names, snr, n)
    pairs = adapted(names, snr).pair(ratios, draw_sobol_points(256, 5, 0))
    likely = pairs.log_weight.numpy().argmax(axis=1)
    rng = np.random.default_rng(0)
    phase, distance = rng.uniform(0, 2 * np.pi, n), rng.uniform(700, 2500, n)
    matched, rho = pairs.overlaps.select(np.arange(n), likely).at_phase(phase)
    samples = {
        **binaries(n),
        **{name: getattr(pairs.points, name)[likely] for name in ("ra", "dec", "psi", "theta_jn")},
        **{"phase": phase, "luminosity_distance": distance, "geocent_time": GPS + delay + pairs.points.time[likely]},
    }
    full, loudness = log_likelihood_ratio(segment(names, snr), samples, SIGNAL)
    assert np.std(full) > 1
    np.testing.assert_allclose(matched / distance - rho**2 / (2 * distance**2), full, atol=0.05)
    np.testing.assert_allclose(rho / distance, np.linalg.norm(loudness, axis=1), rtol=2e-3)


@networks
def test_the_marginal_likelihood_is_that_of_brute_force(names: tuple[str, ...]) -> None:
    snr = 6.0
    ratios, delay = aligned(names, snr, 1)
    waves = SIGNAL.series(binaries(1), FREQUENCIES)[0] * np.exp(-2j * np.pi * FREQUENCIES * delay[0])
    expected, error = brute_force(segment(names, snr), waves, 2_000_000, seed=100)
    found, own = average(adapted(names, snr), ratios, 8, 2048)
    assert error < 0.05
    assert own < 0.03
    assert expected > 2
    assert found == pytest.approx(expected, abs=4 * np.hypot(error, own) + 0.01)
    # With more of the third harmonic, it would be another number.
    more = waves * np.array([[1.0], [3.0]])
    assert abs(brute_force(segment(names, snr), more, 2_000_000, seed=100)[0] - expected) > 8 * np.hypot(error, own)


@pytest.mark.slow
def test_the_number_of_phases_changes_the_scatter_and_not_the_mean() -> None:
    names, snr = ("H1", "L1"), 16.0
    ratios = aligned(names, snr, 1)[0]
    (few, few_error), (many, many_error) = (average(adapted(names, snr, phases), ratios, 4, 2048) for phases in (8, 64))
    assert few == pytest.approx(many, abs=4 * np.hypot(few_error, many_error))
    assert many_error < 0.7 * few_error
