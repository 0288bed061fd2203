"""Evidence of one detector against a direct average over its extrinsic parameters; detectors that agree and do not."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.matched_filter import matched_filter
from chirpleaf.inference.trust.balance import examine_balance
from chirpleaf.inference.trust.coherence import Proposal, estimate_evidence, examine_coherence
from chirpleaf.inference.trust.fit import BestSignal
from chirpleaf.inference.trust.settings import DEFAULT_TRUST
from chirpleaf.physics.detectors import detector
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.physics.signals.quadrupole import inclination_factors
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.trust import Level
from chirpleaf.strain.segment import Segment

DURATION = 4.0
FREQUENCIES = np.arange(80, 2048) / DURATION
SIGNAL = Quadrupole(WaveformSettings("IMRPhenomXAS"))
TARGET = Target(IntrinsicPrior(), PowerLaw(2.0, 100.0, 3000.0))
INTRINSIC = {"chirp_mass": 30.0, "mass_ratio": 0.8, "chi_1": 0.1, "chi_2": 0.0}
SAMPLE = INTRINSIC | {
    "ra": 1.0, "dec": 0.3, "theta_jn": 0.4, "psi": 0.4, "phase": 0.2, "luminosity_distance": 500.0, "geocent_time": 0.0
}  # fmt: skip
SETTINGS = replace(DEFAULT_TRUST.coherence, draws=4)


def make_event(snr: tuple[float, float], seed: int = 0) -> tuple[Segment, BestSignal]:
    """Noise of two detectors with a signal of these signal-to-noise ratios, and that signal."""
    rng = np.random.default_rng(seed)
    psd = np.full((2, len(FREQUENCIES)), 1e-46) * (1 + (40 / FREQUENCIES) ** 6)
    noise = (rng.normal(size=psd.shape) + 1j * rng.normal(size=psd.shape)) * np.sqrt(psd * DURATION) / 2
    segment = Segment(("H1", "L1"), noise, psd, FREQUENCIES, DURATION, 0.0)
    sample = {name: np.array([value]) for name, value in SAMPLE.items()}
    strain = np.concatenate(list(project_signals(segment, sample, SIGNAL)))
    norm = np.sqrt(4 / DURATION * np.sum(np.abs(strain) ** 2 / psd, axis=1))
    strain *= (np.array(snr) / norm)[:, None]
    return replace(segment, strain=noise + strain), BestSignal(sample, strain, 0.0)


def make_proposal() -> Proposal:
    theta = {name: np.full(4, value) for name, value in INTRINSIC.items()}
    return Proposal(theta, TARGET.intrinsic.log_prob(theta))


def average_directly(segment: Segment, row: int) -> float:
    """ln of the mean likelihood over direction, orientation, distance, phase and time, by their prior."""
    rng, n = np.random.default_rng(5), 60_000
    fp, fc = detector("H1").antenna_pattern(
        rng.uniform(0, 6.283, n), np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(0, np.pi, n), 0.0
    )
    plus, cross = inclination_factors(np.arccos(rng.uniform(-1, 1, n)), 0.0)
    wave = SIGNAL.series({name: np.array([value]) for name, value in INTRINSIC.items()}, FREQUENCIES)[0, 0]
    norm = np.sqrt(4 / DURATION * np.sum(np.abs(wave) ** 2 / segment.psd[row]))
    rho = norm * np.abs(fp * plus + fc * cross) / TARGET.distance.sample(n, rng)
    found = matched_filter(segment, wave, 0.1)
    rows = found.snr[row][:: len(found.times) // 400]
    peak = int(found.snr[row].argmax())
    near = found.snr[row][peak - 40 : peak + 41]  # the peak, on every time; beside it, on some
    mean = [np.mean(np.i0(np.minimum(rho * z, 600)) * np.exp(-(rho**2) / 2)) for z in (*near, *rows)]
    inside, n_times = len(near), len(found.times)
    total = np.sum(mean[:inside]) + np.mean(mean[inside:][: len(rows) // 3]) * (n_times - inside)
    return float(np.log(total / n_times))


@pytest.mark.parametrize("snr", [7.0, 10.0])
def test_the_evidence_of_a_detector_is_that_of_a_direct_average(snr: float) -> None:
    segment, best = make_event((snr, 2.0))
    found = estimate_evidence(segment, make_proposal(), best, SIGNAL, TARGET, SETTINGS, np.random.default_rng(0))
    assert found[0] == pytest.approx(average_directly(segment, 0), abs=0.35)


def judge(snr: tuple[float, float]) -> dict[str, Level]:
    segment, best = make_event(snr)
    proposal = make_proposal()
    alone = estimate_evidence(segment, proposal, best, SIGNAL, TARGET, SETTINGS, np.random.default_rng(0))
    # One binary in both detectors: as much likelihood, and the volume of the priors of one detector.
    together = float(alone.max()) + min(snr) ** 2 / 2
    found = examine_coherence(segment, proposal, best, SIGNAL, TARGET, together, SETTINGS)
    return {one.check: one.level for one in (*found, *examine_balance(segment, best, settings=SETTINGS))}


def test_detectors_that_see_the_same_agree() -> None:
    assert judge((12.0, 11.0)) == {"signal.coherence": Level.NOTE, "signal.balance": Level.NOTE}


def test_a_binary_in_one_detector_alone_is_doubted() -> None:
    segment, best = make_event((25.0, 0.1))
    # The response of the best sample is that of its direction, and L1 has no such signal.
    strain = np.concatenate(list(project_signals(segment, best.sample, SIGNAL)))
    best = best._replace(strain=strain * np.abs(best.strain[0] / strain[0]).mean())
    alone = estimate_evidence(segment, make_proposal(), best, SIGNAL, TARGET, SETTINGS, np.random.default_rng(0))
    found = examine_coherence(segment, make_proposal(), best, SIGNAL, TARGET, float(alone[0]) - 7.0, SETTINGS)
    assert [one.level for one in found] == [Level.WARN]
    (balance,) = examine_balance(segment, best, settings=SETTINGS)
    assert balance.level is Level.WARN
    assert "H1 25" in balance.message


def test_one_detector_has_nothing_to_agree_with() -> None:
    segment, best = make_event((12.0, 11.0))
    one = replace(segment, detectors=("H1",), strain=segment.strain[:1], psd=segment.psd[:1])
    first = best._replace(strain=best.strain[:1])
    assert examine_coherence(one, make_proposal(), first, SIGNAL, TARGET, 50.0, SETTINGS) == ()
    assert examine_balance(one, first) == ()
