"""Misfit: what precession adds is found, noise and signals of the model itself leave nothing."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.inference.trust.fit import BestSignal
from chirpleaf.inference.trust.misfit import examine_misfit, find_directions
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.precession import precessing_polarizations
from chirpleaf.physics.signals import AlignedModes, Quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment

DURATION = 4.0
FREQUENCIES = np.arange(80, 2048) / DURATION
SIGNAL = Quadrupole(WaveformSettings("IMRPhenomXAS"))
SAMPLE = {
    "chirp_mass": 25.0, "mass_ratio": 0.4, "chi_1": 0.1, "chi_2": 0.0, "ra": 1.0, "dec": 0.3, "theta_jn": 1.1,
    "psi": 0.4, "phase": 0.2, "luminosity_distance": 500.0, "geocent_time": 0.01, "mass_1": 47.0, "mass_2": 18.8,
}  # fmt: skip


def make_segment(seed: int) -> Segment:
    rng = np.random.default_rng(seed)
    psd = np.full((2, len(FREQUENCIES)), 1e-46) * (1 + (40 / FREQUENCIES) ** 6)
    noise = (rng.normal(size=psd.shape) + 1j * rng.normal(size=psd.shape)) * np.sqrt(psd * DURATION) / 2
    return Segment(("H1", "L1"), noise, psd, FREQUENCIES, DURATION, 0.0)


def scale(strain: np.ndarray, segment: Segment, snr: float) -> np.ndarray:
    return strain * snr / np.sqrt(4 / DURATION * np.sum(np.abs(strain) ** 2 / segment.psd))


def find_best(segment: Segment) -> BestSignal:
    sample = {name: np.array([value]) for name, value in SAMPLE.items()}
    return BestSignal(sample, np.concatenate(list(project_signals(segment, sample, SIGNAL))), 0.01)


def project_precession(segment: Segment, best: BestSignal) -> np.ndarray:
    """What in-plane spins add to the best signal in each detector."""
    masses, sidereal = (SAMPLE["mass_1"], SAMPLE["mass_2"]), gmst(0.0)
    angles = {"theta_jn": SAMPLE["theta_jn"], "phase": 1.0}
    hp, hc = precessing_polarizations(*masses, (0.7, 0.2, 0.1), (0.0, 0.3, 0.0), FREQUENCIES, **angles)
    rows = []
    for name, own in zip(segment.detectors, best.strain, strict=True):
        fp, fc = detector(name).antenna_pattern(SAMPLE["ra"], SAMPLE["dec"], SAMPLE["psi"], sidereal)
        arrival = 0.01 + detector(name).time_delay(SAMPLE["ra"], SAMPLE["dec"], sidereal)
        wave = (fp * hp + fc * hc) * np.exp(-2j * np.pi * arrival * FREQUENCIES)
        weight = 1 / segment.psd[0]
        rows.append(wave - own * np.sum(wave * own.conj() * weight) / np.sum(np.abs(own) ** 2 * weight))
    return np.array(rows)


def judge(segment: Segment, best: BestSignal) -> Finding:
    (finding,) = examine_misfit(segment, best, SIGNAL)
    return finding


def test_noise_and_the_signal_itself_leave_nothing() -> None:
    values = []
    for seed in range(6):
        segment = make_segment(seed)
        best = find_best(segment)
        values.append(judge(replace(segment, strain=segment.strain + best.strain), best).value or 0.0)
    assert abs(np.mean(values)) < 1.2
    assert max(values) < 2.7


@pytest.mark.parametrize(("snr", "level"), [(8.0, Level.WARN), (20.0, Level.REFUSE)])
def test_precession_is_found(snr: float, level: Level) -> None:
    segment = make_segment(1)
    best = find_best(segment)
    added = scale(project_precession(segment, best), segment, snr)
    assert judge(replace(segment, strain=segment.strain + best.strain + added), best).level >= level


def test_directions_are_orthonormal_and_outside_of_the_model() -> None:
    rng = np.random.default_rng(0)
    waves, own = (rng.normal(size=(n, 50)) + 1j * rng.normal(size=(n, 50)) for n in (6, 4))
    found = find_directions(waves, own, 3)
    assert found @ found.conj().T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.abs(found.conj() @ own.T).max() < 1e-12


def test_without_spins_in_the_plane_the_waveforms_are_those_of_aligned_spins() -> None:
    masses = (SAMPLE["mass_1"], SAMPLE["mass_2"])
    found = precessing_polarizations(
        *masses, (0.0, 0.0, 0.1), (0.0, 0.0, 0.0), FREQUENCIES, theta_jn=1.1, phase=0.2, distance=500.0
    )
    same = {**SAMPLE, "mass_1": masses[0], "mass_2": masses[1]}
    expected = polarizations(
        {name: same[name] for name in same if name not in ("chirp_mass", "mass_ratio")},
        FREQUENCIES,
        WaveformSettings("IMRPhenomXPHM"),
    )
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other[0], rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("modes", [WaveformSettings("IMRPhenomXHM"), AlignedModes()], ids=["approximant", "modes"])
def test_higher_modes_are_left_over_by_a_model_without_them_alone(modes: WaveformSettings | AlignedModes) -> None:
    """The answer of an approximant with further modes is examined for what that approximant lacks."""
    segment, approximant = make_segment(2), WaveformSettings("IMRPhenomXHM")
    sample = {name: np.array([value]) for name, value in SAMPLE.items()} | {"mass_ratio": np.array([0.3])}
    sample |= dict(zip(("mass_1", "mass_2"), component_masses(sample["chirp_mass"], sample["mass_ratio"]), strict=True))
    sample |= {"theta_jn": np.array([1.4])}
    strain = np.concatenate(list(project_signals(segment, sample, approximant)))
    factor = 60.0 / np.sqrt(4 / DURATION * np.sum(np.abs(strain) ** 2 / segment.psd))
    best = BestSignal(sample, strain * factor, 0.01)
    data = replace(segment, strain=segment.strain + best.strain)
    (own,) = examine_misfit(data, best, modes)
    assert own.level is Level.NOTE
    plain = np.concatenate(list(project_signals(segment, sample, SIGNAL)))
    weight = 1 / segment.psd
    plain *= np.sum(best.strain * plain.conj() * weight) / np.sum(np.abs(plain) ** 2 * weight)
    (lacking,) = examine_misfit(data, best._replace(strain=plain), SIGNAL)
    assert lacking.level is Level.REFUSE
    added = scale(project_precession(segment, find_best(segment)), segment, 20.0)
    (found,) = examine_misfit(replace(data, strain=data.strain + added), best, modes)
    assert found.level > Level.NOTE
    assert "directions of precession, which" in found.message
