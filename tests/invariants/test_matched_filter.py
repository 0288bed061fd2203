"""Matched filter: one series as in the textbook, several by their Gram matrix."""

import numpy as np
import pytest
from tiny import TinySignal

from chirpleaf.inference.matched_filter import matched_filter, orthonormalise, peak_times, transform_about_zero
from chirpleaf.strain.segment import Segment

FREQUENCIES = np.arange(80, 2400) / 4.0
ARRIVALS = np.array([0.0125, -0.006])
RATIO = 0.5
AMPLITUDES = np.array([[2e-3 * np.exp(0.4j), 5e-3 * np.exp(2.0j)], [1e-3 * np.exp(-1.0j), -3e-3]])


def series(mass_ratio: float = RATIO) -> np.ndarray:
    return TinySignal().series({"chirp_mass": 30.0, "mass_ratio": mass_ratio}, FREQUENCIES)[0]


def segment(strain: np.ndarray) -> Segment:
    psd = 1e-46 * np.stack([1 + (50 / FREQUENCIES) ** 4, 2 + (60 / FREQUENCIES) ** 4])
    return Segment(("H1", "L1"), strain, psd, FREQUENCIES, 4.0, 0.0)


def signal(mass_ratio: float = RATIO) -> np.ndarray:
    """Series with `AMPLITUDES`, at `ARRIVALS`."""
    return AMPLITUDES @ series(mass_ratio) * np.exp(-2j * np.pi * np.outer(ARRIVALS, FREQUENCIES))


def test_one_series_gives_the_ratio_of_the_textbook() -> None:
    data = segment(signal())
    found = matched_filter(data, series()[0], 0.02)
    scale = 4 / data.duration
    power = scale * (np.abs(series()[0]) ** 2 / data.psd).sum(axis=-1)
    shifts = np.exp(2j * np.pi * np.outer(FREQUENCIES, found.times))
    expected = np.abs(scale * (data.strain * series()[0].conj() / data.psd) @ shifts) / np.sqrt(power)[:, None]
    np.testing.assert_allclose(found.snr, expected, rtol=1e-9, atol=1e-9 * expected.max())


def test_several_series_count_by_their_gram_matrix() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 2, len(FREQUENCIES))) * 1e-23
    data = segment(signal() + noise[0] + 1j * noise[1])
    found = matched_filter(data, series(), 0.02)
    scale = 4 / data.duration
    gram = scale * np.einsum("sf,tf,df->dst", series().conj(), series(), 1 / data.psd)
    shifts = np.exp(2j * np.pi * np.outer(FREQUENCIES, found.times))
    z = scale * (data.strain[:, None] * series().conj() / data.psd[:, None]) @ shifts
    squared = np.einsum("dst,dsu,dut->dt", z.conj(), np.linalg.pinv(gram, hermitian=True), z).real
    np.testing.assert_allclose(found.snr, np.sqrt(squared), rtol=1e-6, atol=1e-6 * np.sqrt(squared.max()))


def test_several_series_recover_the_whole_signal() -> None:
    """A filter with one series recovers only a part of a signal of two."""
    data = segment(signal())
    optimal = np.sqrt(4 / data.duration * (np.abs(data.strain) ** 2 / data.psd).sum(axis=-1))
    for waveform, least, most in ((series(), 0.999, 1.0001), (series()[0], 0.2, 0.99)):
        found = matched_filter(data, waveform, 0.02)
        share = found.snr.max(axis=-1) / optimal
        assert ((share > least) & (share < most)).all()
    whole = matched_filter(data, series(), 0.02)
    np.testing.assert_allclose(peak_times(whole.snr, whole.times), ARRIVALS, atol=2e-5)
    fitted = whole.fit_signal(FREQUENCIES)
    left = np.sum(np.abs(fitted - data.strain) ** 2 / data.psd) / np.sum(np.abs(data.strain) ** 2 / data.psd)
    assert left < 1e-2


def test_a_series_that_vanishes_changes_nothing() -> None:
    """The third harmonic of equal masses is zero."""
    data = segment(signal(1.0))
    both, alone = (matched_filter(data, waveform, 0.02) for waveform in (series(1.0), series(1.0)[:1]))
    np.testing.assert_array_equal(both.snr, alone.snr)
    assert not both.basis[:, 1].any()


def test_a_basis_is_orthonormal_and_spans_the_same() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((5, 3, 40)) + 1j * rng.standard_normal((5, 3, 40))
    basis = orthonormalise(vectors)
    adjoint = basis.conj().swapaxes(-1, -2)
    np.testing.assert_allclose(basis @ adjoint, np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-12)
    np.testing.assert_allclose((vectors @ adjoint) @ basis, vectors, atol=1e-12)
    assert not orthonormalise(vectors[:, [0, 1, 0]])[:, 2].any()


def test_peaks_lie_between_the_samples() -> None:
    times = np.linspace(-0.01, 0.01, 21)
    truth = np.array([[0.0013, -0.0042], [0.0, 0.00777]])
    height = 5 - ((times - truth[..., None]) / 0.004) ** 2
    np.testing.assert_allclose(peak_times(height, times), truth, atol=1e-12)


@pytest.mark.parametrize(("n", "first", "places", "most"), [(4096, 20, 300, 40), (1000, 0, 500, 499), (30, 7, 1, 3)])
def test_the_short_transform_is_a_part_of_the_long_one(n: int, first: int, places: int, most: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=(2, 3, places)) + 1j * rng.normal(size=(2, 3, places))
    whole = np.zeros((2, 3, n), complex)
    whole[..., first : first + places] = values
    expected = np.fft.ifft(whole)[..., np.arange(-most, most + 1)] * n
    np.testing.assert_allclose(transform_about_zero(values, first, n, most), expected, rtol=0, atol=1e-10)
