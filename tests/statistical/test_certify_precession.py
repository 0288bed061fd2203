"""Certification of a precessing signal with all modes, compared with an explicit likelihood.

Every reference value is a sum over every frequency of the polarisations that LALSimulation gives at the phase of the
sample: no harmonics, no heterodyne, no table.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chirpleaf.inference.certify.adaptation import adapt_marginal_likelihood
from chirpleaf.inference.certify.extrinsics import DetectorNetwork
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.marginal import MarginalLikelihood, draw_sobol_points
from chirpleaf.inference.certify.mode_reweighting import reweight_with_modes
from chirpleaf.inference.certify.phase import make_integral
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.derived import add_derived
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.signals import Multimode, make_likelihood_model
from chirpleaf.physics.spaces import precessing_space
from chirpleaf.physics.spin_angles import PRECESSING, SPIN_ANGLES, from_spin_angles, to_components
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.segment import Segment

GPS, DURATION = 1126259462.4, 4.0
FREQUENCIES = np.arange(20 * 4, 400 * 4) / DURATION
TIME_PRIOR = (-0.006, 0.007)
DISTANCE = PowerLaw(2.0, 100.0, 3000.0)
SIGNAL, SETTINGS = Multimode(), CertifySettings()
PLACE = {"ra": 2.2, "dec": -0.9, "psi": 0.6, "phase": 0.9, "time": 0.0017}
SOURCE = {
    **{"chirp_mass": 32.0, "mass_ratio": 0.4, "chi_1": 0.2, "chi_2": -0.1, "cos_iota": 0.4},
    **{"chi_1_in_plane": 0.6, "azimuth_1": 0.5, "chi_2_in_plane": 0.3, "azimuth_2": 2.0},
}
SPREAD = dict(zip(SOURCE, (0.5, 0.05, 0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.8), strict=True))
NAMES = ("H1", "L1")


def binaries(n: int) -> dict[str, np.ndarray]:
    """The source, and others about it."""
    rng = np.random.default_rng(2)
    return {k: v + SPREAD[k] * np.append(0.0, rng.standard_normal(n - 1)).clip(-2, 2) for k, v in SOURCE.items()}


def whole_signal(binary: dict[str, float], place: dict[str, float]) -> np.ndarray:
    """The signal in every detector at 1 Mpc, from LALSimulation's polarisations at the phase of the sample."""
    mass_1, mass_2 = component_masses(binary["chirp_mass"], binary["mass_ratio"])
    masses = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "phase": place["phase"]}
    hp, hc = polarizations({**to_components(binary, place["phase"]), **masses}, FREQUENCIES, SIGNAL.waveform)
    sky = (place["ra"], place["dec"], place["psi"], gmst(GPS))
    return np.stack([project(hp[0], hc[0], detector(name), *sky, FREQUENCIES, place["time"]) for name in NAMES])


@cache
def segment(snr: float) -> Segment:
    """The source without noise."""
    shape = (FREQUENCIES / 40) ** -6 + 1 + (FREQUENCIES / 250) ** 2
    psd = np.stack([1e-46 * scale * shape for scale in (1.0, 1.3)])
    signal = whole_signal(SOURCE, PLACE)
    signal *= snr / np.sqrt(4 / DURATION * np.sum(np.abs(signal) ** 2 / psd))
    return Segment(NAMES, signal, psd, FREQUENCIES, DURATION, GPS)


@cache
def adapted(snr: float) -> MarginalLikelihood:
    delays = [detector(name).time_delay(PLACE["ra"], PLACE["dec"], gmst(GPS)) for name in NAMES]
    heterodyne = Heterodyne.from_reference(
        segment(snr), binaries(8), PLACE["time"] + np.array(delays), SIGNAL, SETTINGS.heterodyne, reach=0.012
    )
    ratios, _ = heterodyne.align(heterodyne.compute_ratios(binaries(16)))
    return adapt_marginal_likelihood(
        heterodyne,
        make_integral(SIGNAL.harmonics, DISTANCE, 1.15 * snr + 4, SETTINGS.distance, SETTINGS.phase),
        DetectorNetwork(tuple(detector(name) for name in NAMES), float(gmst(GPS))),
        ratios,
        TIME_PRIOR,
        SETTINGS.table,
        fixed={"theta_jn": 0.0},
    )


def weigher(snr: float) -> Weigher:
    prior = PrecessingPrior(mass_min=5.0, mass_max=120.0)
    target = Target(prior, DISTANCE, waveform=SIGNAL.waveform)
    data = segment(snr)
    return Weigher(precessing_space(prior), data, data.reference_time, target, adapted(snr), 1024, SETTINGS, seed=1)


def exact(snr: float, samples: dict[str, np.ndarray], row: int) -> float:
    """ln L of one sample, from bilby's names of its spins."""
    data = segment(snr)
    one = {name: values[row : row + 1] for name, values in samples.items()}
    binary = {name: float(values[0]) for name, values in from_spin_angles(one, 20.0).items()}
    place = {name: float(one[name][0]) for name in ("ra", "dec", "psi", "phase")}
    place["time"] = float(one["geocent_time"][0]) - GPS
    signal = whole_signal(binary, place) / float(one["luminosity_distance"][0])
    weight = 4 / DURATION / data.psd
    return float(np.sum(weight * data.strain * signal.conj()).real - np.sum(weight * np.abs(signal) ** 2) / 2)


def test_full_samples_have_the_likelihood_of_lalsimulation() -> None:
    """Fifteen parameters by bilby's names, each sample with its own ln L on every frequency."""
    snr, n = 12.0, 8
    theta = binaries(n)
    samples = weigher(snr).weigh(theta, np.zeros(n), 0).samples
    assert {*SPIN_ANGLES, "phase", "psi", "ra", "dec", "luminosity_distance", "geocent_time"} <= set(samples)
    found = [exact(snr, samples, row) for row in range(n)]
    assert np.std(found) > 1
    np.testing.assert_allclose(samples["log_likelihood"], found, atol=0.05)
    by_series, _ = log_likelihood_ratio(segment(snr), samples, SIGNAL)
    np.testing.assert_allclose(by_series, found, atol=1e-3)
    by_approximant, _ = log_likelihood_ratio(segment(snr), add_derived(samples), SIGNAL.waveform)
    np.testing.assert_allclose(by_approximant, found, atol=1e-3)
    same_nodes = weigher(snr).log_likelihood(samples, adapted(snr).heterodyne.settings)
    np.testing.assert_allclose(same_nodes, samples["log_likelihood"], atol=0.01)
    again = from_spin_angles(samples, 20.0)
    for name in PRECESSING:
        np.testing.assert_allclose(np.exp(1j * again[name]), np.exp(1j * theta[name]), atol=1e-9)


def test_a_wrong_phase_or_inclination_is_another_likelihood() -> None:
    """The control of the test above."""
    snr, n = 12.0, 4
    samples = weigher(snr).weigh(binaries(n), np.zeros(n), 0).samples
    for name, change in (("phase", 0.3), ("theta_jn", 0.2), ("phi_jl", 0.5), ("phi_12", 1.0), ("psi", 0.2)):
        moved = {**samples, name: samples[name] + change}
        others = [abs(exact(snr, moved, row) - samples["log_likelihood"][row]) for row in range(n)]
        assert max(others) > 0.1, name


def brute_force(snr: float, n: int) -> tuple[float, float]:
    """ln of the mean likelihood of the source over draws of all six from the prior, and its standard error."""
    data, rng = segment(snr), np.random.default_rng(100)
    ra, dec, psi = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(0, np.pi, n)
    phase, time, distance = rng.uniform(0, 2 * np.pi, n), rng.uniform(*TIME_PRIOR, n), DISTANCE.sample(n, rng)
    mass_1, mass_2 = component_masses(SOURCE["chirp_mass"], SOURCE["mass_ratio"])
    masses = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0}
    # Polarisations at eight phases, and linear combinations of them: exp(i m phase) for |m| <= 4.
    grid = np.arange(9) * 2 * np.pi / 9
    waves = [polarizations({**to_components(SOURCE, one), **masses, "phase": one}, FREQUENCIES, SIGNAL.waveform)
             for one in grid]  # fmt: skip
    waves = np.array(waves)[:, :, 0]
    times = np.arange(TIME_PRIOR[0] - 0.022, TIME_PRIOR[1] + 0.022, 1 / 16384)
    turned = np.exp(2j * np.pi * np.outer(FREQUENCIES, times))
    # Dirichlet's kernel interpolates trigonometric polynomials of degree four.
    share = np.stack([sum(np.cos(m * (phase - one)) for m in range(1, 5)) * 2 / 9 + 1 / 9 for one in grid])
    matched, power = np.zeros(n), np.zeros(n)
    for index, name in enumerate(NAMES):
        patterns = detector(name).antenna_pattern(ra, dec, psi, gmst(GPS))
        weight = 4 / DURATION / data.psd[index]
        arrival = time + detector(name).time_delay(ra, dec, gmst(GPS))
        for k in range(9):
            for pattern, wave in zip(patterns, waves[k], strict=True):
                series = ((weight * data.strain[index] * wave.conj()) @ turned).real
                matched += pattern * share[k] * np.interp(arrival, times, series)
        gram = np.einsum("apf,bqf,f->apbq", waves, waves.conj(), weight).real
        for p, first in enumerate(patterns):
            for q, second in enumerate(patterns):
                power += first * second * np.einsum("an,ab,bn->n", share, gram[:, p, :, q], share)
    log_likelihood = matched / distance - power / (2 * distance**2)
    likelihood = np.exp(log_likelihood - log_likelihood.max())
    return (
        float(np.log(likelihood.mean()) + log_likelihood.max()),
        float(likelihood.std() / likelihood.mean() / np.sqrt(n)),
    )


def test_the_marginal_likelihood_is_that_of_brute_force() -> None:
    snr = 5.0
    expected, error = brute_force(snr, 400_000)
    marginal = adapted(snr)
    ratios, _ = marginal.heterodyne.align(marginal.heterodyne.compute_ratios(binaries(1)))
    # `align` only moves the times, whose prior is flat over what the likelihood reaches.
    pairs = [marginal.pair(ratios, draw_sobol_points(2048, 11, turn)) for turn in range(6)]
    values = np.array([float(one.log_likelihood[0]) for one in pairs])
    found, own = float(np.log(np.exp(values).mean())), float(values.std() / np.sqrt(len(values)))
    assert error < 0.05
    assert own < 0.03
    assert expected > 1
    assert found == pytest.approx(expected, abs=4 * np.hypot(error, own) + 0.01)


def test_arrivals_are_fitted_at_the_best_orientation() -> None:
    """Of a detector that sees the cross polarisation at some phase; the fit by trial of orientations is as good."""
    snr, late, phase = 20.0, 0.0013, 0.7
    data, first = segment(snr), {name: np.array([value]) for name, value in SOURCE.items()}
    series = SIGNAL.series(first, FREQUENCIES)[0]
    turned = np.exp(-2j * np.pi * FREQUENCIES * late)
    cross = (SIGNAL.response(0.0, 1.0, 0.0, phase) @ series) * turned
    weight = 4 / DURATION / data.psd[0]
    cross *= snr / np.sqrt(np.sum(weight * np.abs(cross) ** 2))
    seen = replace(data, strain=np.stack([cross, cross]))
    fast = Heterodyne.from_reference(seen, binaries(8), np.zeros(2), SIGNAL, SETTINGS.heterodyne, reach=0.012)
    times = np.arange(-0.004, 0.0065, 1e-4)
    ratios = fast.compute_ratios(first)
    fitted = fast.fit_arrivals(ratios, times)[0, 0]
    assert times[fitted.argmax()] == pytest.approx(late, abs=1.5e-4)
    assert fitted.max() == pytest.approx(snr**2, rel=0.02)
    by_plus = np.abs(fast.filter_dominant(ratios, times)[0, 0]) ** 2 / fast.dominant_power(ratios)[0, 0]
    assert by_plus.max() < 0.97 * fitted.max()
    # Orientations by trial, each on every frequency.
    psi, phases = (grid.ravel() for grid in np.meshgrid(np.arange(0, np.pi, 0.05), np.arange(0, 2 * np.pi, 0.05)))
    tried = SIGNAL.response(np.cos(psi), np.sin(psi), 0.0, phases) @ (series * np.sqrt(weight))
    power = np.sum(np.abs(tried) ** 2, axis=1)
    for place in (10, 53, 90):
        shifted = cross * np.sqrt(weight) * np.exp(2j * np.pi * FREQUENCIES * times[place])
        best = float((np.square((tried.conj() @ shifted).real) / power).max())
        assert fitted[place] == pytest.approx(best, abs=0.03 * snr**2)


class Given:
    """A proposal of density one."""

    def sample(self, n: int, seed: int) -> dict[str, np.ndarray]:
        del seed
        return binaries(n)

    def log_prob(self, theta: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros(len(theta["chirp_mass"]))


def test_samples_are_weighted_towards_an_approximant_of_the_time_domain() -> None:
    """IMRPhenomTPHM has no modes that can be separated; IMRPhenomXP stands for it and takes a hundredth of the time."""
    stands_for, own = make_likelihood_model(WaveformSettings("IMRPhenomTPHM"), "multimode"), SIGNAL.waveform
    assert (stands_for.approximant, stands_for.has_all_modes()) == ("IMRPhenomXPHM", False)
    snr, n = 12.0, 64
    pool = Pool(weigher(snr), SETTINGS)
    pool.add(Given(), binaries(n))
    first = pool.to_certified()
    new = WaveformSettings("IMRPhenomXP")
    found = reweight_with_modes(first, segment(snr), own, new, seed=1)
    values, _ = log_likelihood_ratio(segment(snr), found.samples, new)
    np.testing.assert_allclose(found.samples["log_likelihood"], values)
    aligned = {name: one for name, one in found.samples.items() if name != "cos_iota"}
    without, _ = log_likelihood_ratio(segment(snr), aligned, new)
    assert np.abs(values - without).max() > 1  # the spins in the plane count
    assert found.certificate.approximant == "IMRPhenomXP"
    assert 0 < found.certificate.efficiency < first.certificate.efficiency
