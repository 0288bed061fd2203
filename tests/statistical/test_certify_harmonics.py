"""A signal of two harmonics, certified: fast sums, marginal likelihood and samples, against the likelihood written out.

The signal is `tiny.TinySignal`. Every reference value here is a sum over every native frequency, with the phase kept:
no Bessel function, no heterodyne, no table.
"""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from tiny import TinySignal

from chirpleaf.inference.certify.adaptation import adapt_marginal_likelihood
from chirpleaf.inference.certify.extrinsics import DetectorNetwork
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.marginal import MarginalLikelihood, draw_sobol_points
from chirpleaf.inference.certify.overlaps import Overlaps
from chirpleaf.inference.certify.phase import BesselIntegral, make_integral
from chirpleaf.inference.certify.phase_grid import PhaseGridIntegral
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


def test_the_number_of_phases_changes_the_scatter_and_not_the_mean() -> None:
    names, snr = ("H1", "L1"), 16.0
    ratios = aligned(names, snr, 1)[0]
    (few, few_error), (many, many_error) = (
        average(adapted(names, snr, phases), ratios, 4, 2048) for phases in (8, 64)
    )
    assert few == pytest.approx(many, abs=4 * np.hypot(few_error, many_error))
    assert many_error < 0.7 * few_error


# Phase and distance of one pair.

KAPPA, POWER, CROSS = (3.0e4 * np.exp(0.8j), 0.9e4 * np.exp(-1.1j)), 4.5e3**2, 0.7e7 * np.exp(0.4j)
"""A signal-to-noise of about 8, seen at a few hundred Mpc, in two harmonics."""


def overlaps(n: int, loudness: float = 1.0) -> Overlaps:
    """One pair, n times."""
    kappa = loudness * torch.tensor(KAPPA, dtype=torch.complex64)[:, None].expand(2, n)
    cross = torch.full((1, n), CROSS, dtype=torch.complex64)
    return Overlaps((2, 3), (1,), kappa, torch.full((n,), POWER, dtype=torch.float64), cross)


def log_density(phase: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """ln of likelihood times prior on the grid of both, shape (phase, distance)."""
    matched = sum((k * np.exp(-1j * m * phase)).real for m, k in zip((2, 3), KAPPA, strict=True))[:, None]
    power = (POWER + 2 * (CROSS * np.exp(1j * phase)).real)[:, None]
    return matched / distance - power / (2 * distance**2) + DISTANCE.log_prob(distance)


def integral(phases: int = 32) -> PhaseGridIntegral:
    return PhaseGridIntegral.tabulate(DISTANCE, 14.0, SETTINGS.distance, PhaseSettings(phases=phases))


@pytest.mark.parametrize("rho", [300.0, 3e3, 2e4])
def test_distance_alone_is_integrated_out_at_any_phase(rho: float) -> None:
    """Where the signal fits, where it fits badly and where it is of the wrong sign, against a plain sum."""
    table = integral()
    snr = np.array([-13.0, -4.0, -0.7, -0.05, 0.0, 0.05, 0.7, 4.0, 13.0])
    found = table.integrate(torch.from_numpy(snr * rho).float(), torch.full((len(snr),), rho)).numpy()
    distance = np.linspace(DISTANCE.minimum, DISTANCE.maximum, 200_001)
    for s, value in zip(snr, found, strict=True):
        exponent = s * rho / distance - rho**2 / (2 * distance**2) + DISTANCE.log_prob(distance)
        expected = np.log(np.mean(np.exp(exponent - exponent.max())) * np.ptp(distance)) + exponent.max()
        assert value == pytest.approx(expected, abs=0.02 + 0.002 * max(-expected, 0))


def test_phase_and_distance_are_integrated_out() -> None:
    """The mean over many points, each with a grid of its own, is the integral, and so is that over one fine grid."""
    phase, distance = np.arange(0, 2 * np.pi, 2 * np.pi / 2000), np.linspace(100.0, 3000.0, 20_001)
    density = log_density(phase, distance)
    expected = np.log(np.mean(np.exp(density - density.max())) * np.ptp(distance)) + density.max()
    for points, phases in ((1, 256), (4096, 4)):
        one = overlaps(points)
        pair = one._replace(kappa=one.kappa[:, None], power=one.power[None], cross=one.cross[:, None])
        log_likelihood = integral(phases)(pair).double()
        found = float(log_likelihood.logsumexp(1)[0]) - np.log(points)
        assert found == pytest.approx(expected, abs=0.01)


def test_the_two_integrals_agree_where_both_hold() -> None:
    """One harmonic, in closed form and on a grid."""
    rng = np.random.default_rng(0)
    snr, best = rng.uniform(0.5, 12.0, 40), rng.uniform(150.0, 2500.0, 40)
    kappa = torch.from_numpy(snr**2 * best * np.exp(2j * np.pi * rng.random(40)))[None, :, None].to(torch.complex64)
    power = torch.from_numpy((snr * best) ** 2)[:, None]
    single = Overlaps((2,), (), kappa, power, torch.zeros((0, 40, 1), dtype=torch.complex64))
    closed = BesselIntegral.tabulate(DISTANCE, 14.0, SETTINGS.distance)(single)
    np.testing.assert_allclose(integral(256)(single), closed, atol=0.01)


def ranks_of_phase(phase: np.ndarray) -> np.ndarray:
    """Quantiles of phases in the exact density marginal to distance."""
    grid, distance = np.linspace(0, 2 * np.pi, 4001), np.linspace(100.0, 3000.0, 4001)
    density = log_density(grid, distance)
    marginal = np.exp(density - density.max()).sum(axis=1)
    below = np.concatenate([[0.0], np.cumsum((marginal[1:] + marginal[:-1]) / 2)])
    return np.interp(phase, grid, below / below[-1])


def ranks_of_distance(phase: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Quantiles of distances in the exact density given the phase."""
    grid = np.geomspace(100.0, 3000.0, 4001)
    density = log_density(phase, grid)
    density = np.exp(density - density.max(axis=1, keepdims=True))
    cells = (density[:, 1:] + density[:, :-1]) / 2 * np.diff(grid)
    below = np.concatenate([np.zeros((len(phase), 1)), cells.cumsum(axis=1)], axis=1)
    return np.array([np.interp(d, grid, row / row[-1]) for d, row in zip(distance, below, strict=True)])


def test_phases_and_distances_follow_their_exact_conditional_density() -> None:
    distance, phase = integral().sample(overlaps(4000), np.random.default_rng(1))
    assert ((phase >= 0) & (phase < 2 * np.pi)).all()
    assert kstest(ranks_of_phase(phase), "uniform").pvalue > 1e-3
    assert kstest(ranks_of_distance(phase, distance), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("loudness", [0.8, 1.25])
def test_too_wide_and_too_narrow_phases_would_be_noticed(loudness: float) -> None:
    """Phases of a fainter signal are too wide, those of a louder one too narrow."""
    distance, phase = integral().sample(overlaps(4000, loudness), np.random.default_rng(1))
    assert kstest(ranks_of_phase(phase), "uniform").pvalue < 1e-3
    assert kstest(ranks_of_distance(phase, distance), "uniform").pvalue < 1e-3


def test_phases_that_are_moved_would_be_noticed() -> None:
    _, phase = integral().sample(overlaps(4000), np.random.default_rng(1))
    assert kstest(ranks_of_phase(np.mod(phase + 0.03, 2 * np.pi)), "uniform").pvalue < 1e-3
