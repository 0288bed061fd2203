"""The heterodyned sums, against the sums over every native frequency."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.strain.segment import Segment

SIGNAL = Quadrupole()
DURATION = 8.0
FREQUENCIES = np.arange(20 * 8, 1000 * 8) / DURATION
REFERENCES = {
    "heavy": {"chirp_mass": 28.0, "mass_ratio": 0.8, "chi_1": 0.1, "chi_2": -0.1},
    "light": {"chirp_mass": 13.0, "mass_ratio": 0.6, "chi_1": -0.2, "chi_2": 0.3},
}
SPREAD = {"heavy": (1.0, 0.12, 0.15, 0.15), "light": (0.05, 0.12, 0.1, 0.1)}
"""Standard deviations about the reference, as wide as posteriors at signal-to-noise 20."""
ARRIVALS = np.array([0.0007, -0.0062])
SNR = 20.0
references = pytest.mark.parametrize("kind", REFERENCES)


def face_on(intrinsic: dict[str, np.ndarray]) -> np.ndarray:
    """The one series of the signal, shape (n, F)."""
    return SIGNAL.series(intrinsic, FREQUENCIES)[:, 0]


def noise(frequencies: np.ndarray) -> np.ndarray:
    """Power spectral densities of two unlike detectors."""
    shape = (frequencies / 40) ** -6 + 1 + (frequencies / 250) ** 2
    return 1e-46 * np.stack([shape, 1.7 * shape + 4 * (frequencies / 30) ** -8])


def reference(kind: str) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in REFERENCES[kind].items()}


def neighbours(kind: str, n: int = 160, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {
        name: value + width * rng.standard_normal(n)
        for (name, value), width in zip(REFERENCES[kind].items(), SPREAD[kind], strict=True)
    }
    found["mass_ratio"] = found["mass_ratio"].clip(0.3, 0.99)
    return found


@cache
def segment(kind: str) -> Segment:
    """The reference at signal-to-noise 20 in coloured noise."""
    rng = np.random.default_rng(5)
    psd = noise(FREQUENCIES)
    wave = face_on(reference(kind))
    signal = wave * np.array([[1.0], [0.6 * np.exp(1.1j)]]) * np.exp(-2j * np.pi * np.outer(ARRIVALS, FREQUENCIES))
    signal *= SNR / np.sqrt(4 / DURATION * np.sum(np.abs(signal) ** 2 / psd))
    scale = np.sqrt(psd * DURATION / 4)
    hiss = scale * (rng.standard_normal(psd.shape) + 1j * rng.standard_normal(psd.shape))
    return Segment(("H1", "L1"), signal + hiss, psd, FREQUENCIES, DURATION, 1126259462.4)


@cache
def heterodyne(kind: str, dephasing: float = 0.6) -> Heterodyne:
    return Heterodyne.from_reference(
        segment(kind), reference(kind), ARRIVALS, SIGNAL, HeterodyneSettings(dephasing=dephasing)
    )


def direct(data: Segment, waves: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """<d|h>(t), shape (n, detector, time), and <h|h>, shape (n, detector), over every native frequency."""
    scale = 4 / data.duration
    turned = np.exp(2j * np.pi * np.outer(data.frequencies, times))
    matched = [
        scale * (strain * waves.conj() / psd) @ turned for strain, psd in zip(data.strain, data.psd, strict=True)
    ]
    return np.stack(matched, axis=1), scale * np.abs(waves) ** 2 @ (1 / data.psd).T


class Comparison(NamedTuple):
    """Aligned waveforms that fit the data, both ways: <d|h> (n, detector, time), <h|h> (n, detector)."""

    matched: tuple[np.ndarray, np.ndarray]
    optimal: tuple[np.ndarray, np.ndarray]

    def likelihood_error(self) -> np.ndarray:
        """Differences of ln L, phase and distance at their best in each detector, shape (n, time)."""
        found, exact = (
            (np.abs(matched) ** 2 / (2 * optimal[..., None])).sum(axis=1)
            for matched, optimal in zip(self.matched, self.optimal, strict=True)
        )
        return np.asarray(found - exact)


@cache
def compared(kind: str, dephasing: float = 0.6) -> Comparison:
    """Comparison for the neighbours within ten nats of the best one."""
    fast = heterodyne(kind, dephasing)
    moved, delay = fast.align(fast.compute_ratios(neighbours(kind)))
    waves = face_on(neighbours(kind)) * np.exp(-2j * np.pi * np.outer(delay, FREQUENCIES))
    late = np.array([-0.0008, 0.0, 0.0004])
    exact = [direct(segment(kind), waves, arrival + late) for arrival in ARRIVALS]
    matched = np.stack([pair[0][:, index] for index, pair in enumerate(exact)], axis=1)
    optimal = exact[0][1]
    found = np.stack(
        [fast.filter_dominant(moved, arrival + late)[:, index] for index, arrival in enumerate(ARRIVALS)], axis=1
    )
    height = (np.abs(matched[..., 1]) ** 2 / (2 * optimal)).sum(axis=1)
    near = height > height.max() - 10
    assert near.sum() > 15
    return Comparison((found[near], matched[near]), (fast.dominant_power(moved)[near], optimal[near]))


@references
def test_the_reference_itself_is_exact(kind: str) -> None:
    fast = heterodyne(kind)
    ratios = fast.compute_ratios(reference(kind))
    np.testing.assert_allclose(ratios[:, 0, fast.frequencies < 100], 1.0, atol=0.01)
    assert np.abs(ratios.imag[:, 0, fast.frequencies < 250]).max() < 1e-9
    wave = face_on(reference(kind))
    assert wave.shape == (1, len(FREQUENCIES))
    for index, arrival in enumerate(ARRIVALS):
        matched, optimal = direct(segment(kind), wave, np.array([arrival]))
        assert fast.dominant_power(ratios)[0, index] == pytest.approx(optimal[0, index], rel=1e-5)
        found = fast.filter_dominant(ratios, np.array([arrival]))[0, index, 0]
        assert abs(found - matched[0, index, 0]) < 1e-4 * abs(matched[0, index, 0])


def test_signals_may_reach_further_than_the_reference() -> None:
    """Of one chirp mass, unequal masses merge at lower frequencies: the reference ends a third below the others."""
    early = {"chirp_mass": 28.0, "mass_ratio": 0.2, "chi_1": 0.0, "chi_2": 0.0}
    late = {"chirp_mass": 28.0, "mass_ratio": 0.95, "chi_1": 0.6, "chi_2": 0.6}
    both = {name: np.array([value, late[name]]) for name, value in early.items()}
    wave = face_on({name: np.array([value]) for name, value in late.items()})
    data, times = segment("heavy"), ARRIVALS[:1]

    def missed(which: slice, dephasing: float) -> tuple[float, float]:
        """Errors of <d|h> in units of the signal-to-noise ratio, and relative errors of <h|h>."""
        some = {name: values[which] for name, values in both.items()}
        fast = Heterodyne.from_reference(data, some, ARRIVALS, SIGNAL, HeterodyneSettings(dephasing=dephasing))
        moved, delay = fast.align(fast.compute_ratios({name: values[1:] for name, values in both.items()}))
        matched, optimal = fast.filter_dominant(moved, times)[0, 0], fast.dominant_power(moved)[0, 0]
        turned = wave * np.exp(-2j * np.pi * np.outer(delay, FREQUENCIES))
        expected, power = (values[0, 0] for values in direct(data, turned, times))
        return float(np.abs(matched - expected)[0] / power**0.5), abs(optimal / power - 1)

    of_signal, of_power = missed(slice(None), 0.05)
    assert of_signal < 0.005
    assert of_power < 1e-4
    # Nodes within the band of the reference lose the signal above it, however dense they are.
    of_signal, of_power = missed(slice(1), 0.05)
    assert of_signal > 0.02
    assert of_power > 1e-3


@references
def test_powers_and_matches_are_those_of_every_frequency(kind: str) -> None:
    (matched, exact), (optimal, power) = compared(kind)
    np.testing.assert_allclose(optimal, power, rtol=1e-4)
    # Complex: a phase that is off counts as well.
    assert np.abs((matched - exact) / np.sqrt(power[..., None])).max() < 0.02


@references
def test_the_likelihood_is_near_enough_at_signal_to_noise_twenty(kind: str) -> None:
    error = compared(kind).likelihood_error()
    assert np.sqrt(np.mean(error**2)) < 0.02
    assert np.abs(error).max() < 0.05


@references
def test_more_nodes_are_nearer(kind: str) -> None:
    steps = (1.2, 0.6, 0.3)
    coarse, middle, fine = (np.sqrt(np.mean(compared(kind, step).likelihood_error() ** 2)) for step in steps)
    assert coarse > 5 * middle > 10 * fine
    sizes = [len(heterodyne(kind, step).frequencies) for step in steps]
    assert sizes == sorted(sizes)
    assert sizes[1] < len(FREQUENCIES) / 20


def test_the_band_ends_where_the_waveform_does() -> None:
    heavy, light = (heterodyne(kind).frequencies for kind in ("heavy", "light"))
    assert heavy[0] == light[0] == FREQUENCIES[0]
    assert heavy[-1] < light[-1] <= FREQUENCIES[-1]
    wave = np.abs(face_on(reference("heavy"))[0]) ** 2 / noise(FREQUENCIES)
    assert (wave[:, len(FREQUENCIES[heavy[-1] >= FREQUENCIES]) :].sum(axis=1) < 1e-5 * wave.sum(axis=1)).all()


@references
def test_aligned_waveforms_peak_where_the_reference_arrives(kind: str) -> None:
    """The sum over the detectors of |<d|h>|^2 / <h|h>, over common moves, has its greatest value at no move."""
    fast = heterodyne(kind)
    moved, _ = fast.align(fast.compute_ratios(neighbours(kind)))
    moves = np.arange(-0.004, 0.00401, 0.00005)
    height = sum(
        np.abs(fast.filter_dominant(moved, arrival + moves)[:, index]) ** 2 / fast.dominant_power(moved)[:, index, None]
        for index, arrival in enumerate(ARRIVALS)
    )
    likely = height.max(axis=1) > height.max() - 20
    assert likely.sum() > 15
    assert np.abs(moves[height.argmax(axis=1)])[likely].max() < 1e-4


@pytest.mark.parametrize("shift", [0.0, 0.0003, -0.0041, 0.0173])
def test_a_shifted_waveform_is_delayed_by_its_shift(shift: float) -> None:
    """Data with one waveform alone, and waveforms that come earlier by `shift`: they are delayed by it."""
    wave = face_on(reference("heavy"))
    silent = Segment(
        ("H1", "L1"),
        wave * np.array([[1.0], [0.6j]]) * np.exp(-2j * np.pi * np.outer(ARRIVALS, FREQUENCIES)),
        noise(FREQUENCIES),
        FREQUENCIES,
        DURATION,
        0.0,
    )
    fast = Heterodyne.from_reference(
        silent, reference("heavy"), ARRIVALS, SIGNAL, HeterodyneSettings(dephasing=0.1), reach=0.02
    )
    ratios = fast.compute_ratios(reference("heavy")) * np.exp(2j * np.pi * shift * fast.frequencies)
    moved, delay = fast.align(ratios)
    assert delay == pytest.approx(shift, abs=2e-5)
    np.testing.assert_allclose(moved, ratios * np.exp(-2j * np.pi * fast.frequencies * delay), atol=1e-12)
    np.testing.assert_allclose(
        moved, fast.compute_ratios(reference("heavy")), atol=2 * np.pi * 2e-5 * fast.frequencies[-1]
    )


def test_an_aligned_waveform_is_not_moved_again() -> None:
    fast = heterodyne("heavy")
    moved, delay = fast.align(fast.compute_ratios(neighbours("heavy")))
    assert np.abs(delay).max() > 1e-4
    # Now and then another peak comes within reach.
    assert np.quantile(np.abs(fast.align(moved)[1]), 0.95) < 5e-5


def test_batch_equals_loop() -> None:
    fast, some = heterodyne("heavy"), neighbours("heavy", 5)
    times = np.array([-0.001, 0.002])
    together = fast.compute_ratios(some)
    moved, delay = fast.align(together)
    for row in range(5):
        alone = fast.compute_ratios({name: values[row : row + 1] for name, values in some.items()})
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-12)
        np.testing.assert_allclose(
            fast.filter_dominant(alone, times)[0], fast.filter_dominant(together, times)[row], rtol=1e-10
        )
        assert fast.align(alone)[1][0] == pytest.approx(delay[row], abs=1e-6)
    assert moved.shape == together.shape == (5, 1, len(fast.frequencies))
    assert fast.dominant_power(together).shape == (5, 2)
