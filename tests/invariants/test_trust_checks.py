"""Checks of certified draws, on made data: each finds its fault and passes without it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import expon, gamma

from chirpleaf.inference.certify.bilby_densities import BilbyIntrinsic
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.trust.after import examine_noise
from chirpleaf.inference.trust.glitches import combine_evidence, examine_glitches
from chirpleaf.inference.trust.levels import Threshold, grade_value
from chirpleaf.inference.trust.residuals import examine_residuals
from chirpleaf.inference.trust.settings import DEFAULT_TRUST
from chirpleaf.inference.trust.walls import examine_walls, is_reached
from chirpleaf.physics.conversions import chirp_mass, component_masses
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment

N = 4000
PRIOR = IntrinsicPrior(chirp_mass_min=14.0)
DURATION = 8.0
FREQUENCIES = np.arange(160, 8 * 512) / DURATION
PSD = np.full((2, len(FREQUENCIES)), 1e-46)


def draw(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """A posterior far from every wall, but for the changes."""
    rng = np.random.default_rng(0)
    theta = {
        "chirp_mass": rng.normal(22, 0.5, N), "mass_ratio": rng.uniform(0.5, 1, N), "chi_1": rng.uniform(-0.9, 0.9, N),
        "chi_2": rng.uniform(-0.9, 0.9, N), "luminosity_distance": rng.normal(800, 100, N),
        "geocent_time": rng.normal(0.01, 0.001, N),
    } | changes  # fmt: skip
    theta["mass_1"], theta["mass_2"] = component_masses(theta["chirp_mass"], theta["mass_ratio"])
    return theta


def find_walls(target: Target | None = None, **changes: np.ndarray) -> list[Finding]:
    chosen = target or Target(IsotropicSpinPrior(chirp_mass_min=14.0), PowerLaw(2.0, 100.0, 3000.0))
    found = examine_walls(draw(**changes), np.zeros(N), PRIOR, chosen, 0.0)
    return [one for one in found if one.level > Level.NOTE]


HEAVY = 100 - 2 * expon.rvs(size=N, random_state=1)
PILED_UP = {
    "chirp mass": ({"chirp_mass": 14.0 + expon.rvs(size=N, random_state=1)}, "chirp_mass 14"),
    "heaviest chirp mass": (
        {"mass_ratio": np.ones(N), "chirp_mass": 100 / 2**0.2 - 2 * gamma.rvs(2, size=N, random_state=1)},
        "chirp_mass 87",
    ),
    "mass ratio": ({"mass_ratio": 0.125 + 0.02 * expon.rvs(size=N, random_state=1)}, "mass_ratio 0.125"),
    "component mass": (
        {"chirp_mass": chirp_mass(HEAVY, 40.0), "mass_ratio": 40 / HEAVY},
        "mass_1 100 solar masses",
    ),
    "distance": ({"luminosity_distance": 100 + 5 * expon.rvs(size=N, random_state=1)}, "luminosity_distance 100 Mpc"),
    "arrival": ({"geocent_time": 0.1 - 0.001 * expon.rvs(size=N, random_state=1)}, "arrival time"),
}


@pytest.mark.parametrize("case", PILED_UP)
@pytest.mark.parametrize("same", [True, False])
def test_a_posterior_that_piles_up_is_refused(case: str, same: bool) -> None:
    """Also where the target is the network's own prior."""
    changes, words = PILED_UP[case]
    found = find_walls(Target(PRIOR) if same else None, **changes)
    assert {one.level for one in found} == {Level.REFUSE}
    assert any(words in one.message for one in found)


def test_half_a_normal_posterior_is_no_reason_and_broad_ones_neither() -> None:
    rng = np.random.default_rng(3)
    assert find_walls() == []
    assert find_walls(chirp_mass=14 + np.abs(rng.normal(0, 1, N))) == []
    assert find_walls(mass_ratio=rng.uniform(0.125, 1, N), chi_1=0.99 - 0.01 * rng.random(N)) == []


def test_a_posterior_that_is_flat_at_an_end_reaches_it() -> None:
    """A signal beyond the end may look like this, and signals of the prior do: a note tells of it."""
    heavy = np.random.default_rng(4).uniform(70, 100, N)
    theta = draw(chirp_mass=chirp_mass(heavy, 40.0), mass_ratio=40 / heavy)
    found = examine_walls(theta, np.zeros(N), PRIOR, Target(PRIOR), 0.0)
    assert {one.level for one in found} == {Level.NOTE}
    assert [one.message for one in found if is_reached(one)] == [
        "the posterior reaches mass_1 100 solar masses, where the prior ends: nothing is known of what lies beyond"
    ]
    assert not any(map(is_reached, examine_walls(draw(), np.zeros(N), PRIOR, Target(PRIOR), 0.0)))


@dataclass(frozen=True)
class Ends:
    """A prior of bilby, of which the walls need its ends alone."""

    minimum: float
    maximum: float


GIVEN = {
    "chirp_mass": ("chirp_mass", (15.0, 21.5), "chirp_mass 21.5 solar masses"),
    "total_mass": ("total_mass", (10.0, 52.0), "total_mass 52 solar masses"),
    "mass_1": ("mass_1", (36.0, 200.0), "mass_1 36 solar masses"),
    "mass_2": ("mass_2", (5.0, 18.0), "mass_2 18 solar masses"),
    "mass_ratio": ("mass_ratio", (0.7, 1.0), "mass_ratio 0.7"),
    "chi_1": ("chi_1", (-0.99, 0.1), "chi_1 0.1"),
    "cos_tilt_1": ("cos_tilt_1", (-1.0, 0.3), "cos_tilt_1 0.3"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_ends_of_a_prior_file_are_walls(case: str) -> None:
    """Which the network's prior goes beyond; a file that ends elsewhere has none."""
    name, (low, high), words = GIVEN[case]
    theta = draw(mass_ratio=np.random.default_rng(1).normal(0.6, 0.1, N).clip(0.2, 0.95))
    theta["chi_1"] = np.random.default_rng(5).normal(0.25, 0.2, N)
    theta["tilt_1"] = np.arccos(np.random.default_rng(3).normal(0.6, 0.2, N).clip(-1, 1))
    theta["total_mass"] = theta["mass_1"] + theta["mass_2"]
    value = np.cos(theta["tilt_1"]) if name == "cos_tilt_1" else theta[name]
    log_weight = np.where((value > low) & (value < high), 0.0, -np.inf)

    def find(ends: Mapping[str, Ends], prior: str = "my.prior") -> list[str]:
        target = Target(BilbyIntrinsic(dict(ends)), PowerLaw(2.0, 100.0, 3000.0), prior=prior)
        found = examine_walls(theta, log_weight, PRIOR, target, 0.0)
        return [one.message for one in found if one.level > Level.NOTE]

    assert [words in message for message in find({name: Ends(low, high)})] == [True]
    assert find({name: Ends(-1e6, 1e6), "free": Ends(-np.inf, np.inf)}) == []


def test_values_that_the_prior_fixes_have_no_wall() -> None:
    target = Target(PRIOR, fixed={"chirp_mass": 14.0})
    assert find_walls(target, chirp_mass=14.0 + 1e-9 * np.arange(N)) == []


def make_segment(*bursts: tuple[int, float], seed: int = 0) -> Segment:
    """White noise of two detectors, with bursts of some signal-to-noise ratios in rows."""
    rng = np.random.default_rng(seed)
    strain = (rng.normal(size=PSD.shape) + 1j * rng.normal(size=PSD.shape)) * np.sqrt(PSD * DURATION) / 2
    for row, snr in bursts:
        strain[row] += make_burst(snr)
    return Segment(("H1", "L1"), strain, PSD, FREQUENCIES, DURATION, 0.0)


def make_burst(snr: float) -> np.ndarray:
    shape = np.exp(-(((FREQUENCIES - 130) / 15) ** 2) + 0j)
    return shape * snr / np.sqrt(4 / DURATION * np.sum(np.abs(shape) ** 2 / PSD[0]))


@pytest.mark.parametrize(("advantage", "level"), [(-10.0, Level.REFUSE), (0.0, Level.WARN), (10.0, Level.NOTE)])
def test_a_glitch_of_one_detector_is_compared_with_a_binary(advantage: float, level: Level) -> None:
    segment = make_segment((1, 17.0))
    (glitch,) = examine_glitches(segment, 0.0)
    assert glitch.value is not None
    assert 110 < -glitch.value < 170  # 17^2 / 2, with noise, less the volume of the prior
    (finding,) = examine_glitches(segment, advantage - glitch.value)
    assert finding.level is level
    assert ("L1" in finding.message) == (level > Level.NOTE)


def test_a_signal_in_both_detectors_is_no_glitch() -> None:
    """Two glitches pay for the volume of their prior twice."""
    (finding,) = examine_glitches(make_segment((0, 12.0), (1, 12.0)), 144.0 - 20.0)
    assert finding.level is Level.NOTE


def test_one_detector_is_told_what_it_allows() -> None:
    both = make_segment((1, 12.0))
    one = replace(both, detectors=("L1",), strain=both.strain[1:], psd=both.psd[1:])
    (finding,) = examine_glitches(one, 55.0)
    assert finding.level is Level.REFUSE
    assert "one detector cannot tell the two apart by coherence" in finding.message


def test_evidence_is_that_of_noise_or_of_something_else() -> None:
    assert combine_evidence([-50.0, -50.0], 0.5) == pytest.approx(2 * np.log(0.5))
    assert combine_evidence([10.0, -50.0], 0.5) == pytest.approx(10 + 2 * np.log(0.5), abs=1e-3)


def test_what_the_signal_leaves_is_examined() -> None:
    segment = make_segment((0, 15.0))
    nothing = np.zeros_like(segment.strain)
    worst = max(examine_residuals(segment, nothing), key=lambda one: one.level)
    assert (worst.level, worst.detector) == (Level.REFUSE, "H1")
    signal = np.stack([make_burst(15.0), nothing[1]])
    assert all(one.level is Level.NOTE for one in examine_residuals(segment, signal))


@pytest.mark.parametrize("silent", [(20.0, 40.0), (55.0, 75.0), (250.0, 512.0)])
def test_frequencies_that_are_not_used_leave_nothing(silent: tuple[float, float]) -> None:
    """Their density is infinite; a burst elsewhere is found as before, and none that lies there."""
    low, high = silent
    psd = np.where((low <= FREQUENCIES) & (high > FREQUENCIES), np.inf, PSD)
    nothing = np.zeros_like(PSD, dtype=complex)
    noise, loud = (replace(make_segment(*bursts), psd=psd) for bursts in ((), ((0, 15.0),)))
    assert all(one.level is Level.NOTE for one in examine_residuals(noise, nothing))
    assert all(np.isfinite(one.value) for one in examine_residuals(noise, nothing) if one.value is not None)
    assert max(one.level for one in examine_residuals(loud, nothing)) is Level.REFUSE
    hidden = np.where((FREQUENCIES >= 110) & (FREQUENCIES < 150), np.inf, PSD)
    assert all(one.level is Level.NOTE for one in examine_residuals(replace(loud, psd=hidden), nothing))


def test_levels_follow_both_directions_and_refuse_what_is_no_number() -> None:
    assert [grade_value(v, Threshold(1.0, 2.0)).name for v in (0.5, 1.0, 2.0)] == ["NOTE", "WARN", "REFUSE"]
    assert [grade_value(v, Threshold(1.0, -1.0)).name for v in (1.5, 0.0, -1.0)] == ["NOTE", "WARN", "REFUSE"]
    assert grade_value(float("nan"), DEFAULT_TRUST.signal.log_bayes_factor) is Level.REFUSE


@pytest.mark.parametrize(("value", "level"), [(-1.6, Level.REFUSE), (7.0, Level.WARN), (40.0, Level.NOTE)])
def test_noise_that_explains_the_data_is_named(value: float, level: Level) -> None:
    from made_results import CERTIFICATE

    (finding,) = examine_noise(replace(CERTIFICATE, log_bayes_factor=value))
    assert finding.level is level
