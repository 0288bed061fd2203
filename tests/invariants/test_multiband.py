"""Multiband grid: bins cover the band without gap or overlap, and sums over bins are correct."""

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.inspiral import chirp_time
from chirpleaf.representation.multiband import Multiband

GRIDS = {
    "short": Multiband(duration=8.0, chirp_mass_min=12.0, chirp_mass_max=87.0),
    "long": Multiband(duration=32.0, chirp_mass_min=4.4, chirp_mass_max=16.0, fold=8),
    "narrow": Multiband(4.0, 20.0, 87.0, minimum_frequency=30.0, maximum_frequency=512.0, fold=2),
}
grids = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())


@grids
def test_bins_cover_the_band_in_bands_of_equal_bins(grid):
    widths = np.diff(grid.edges)
    assert grid.edges[0] == grid.minimum_frequency * grid.duration
    assert grid.maximum_frequency - grid.fold * grid.widest < grid.edges[-1] * grid.delta_f <= grid.maximum_frequency
    assert np.all(np.diff(widths) >= 0)
    assert np.all(np.log2(widths) % 1 == 0)
    assert np.ptp(widths.reshape(grid.n_bands, grid.fold), axis=1).max() == 0
    assert len(grid.frequencies) == grid.n_bins == grid.n_bands * grid.fold
    np.testing.assert_array_equal(grid.native_frequencies * grid.duration, np.arange(grid.edges[0], grid.edges[-1]))


@grids
def test_centres_are_means_of_native_frequencies(grid):
    bins = np.split(grid.native_frequencies, grid.edges[1:-1] - grid.edges[0])
    np.testing.assert_allclose(grid.frequencies, [np.mean(some) for some in bins], rtol=1e-12)
    np.testing.assert_allclose(grid.band_frequencies, grid.frequencies.reshape(-1, grid.fold).mean(1), rtol=1e-12)


@grids
def test_no_bin_is_wider_than_the_delays_allow(grid):
    lower = grid.edges[:-1] * grid.delta_f
    spread = (chirp_time(grid.chirp_mass_min, lower) - chirp_time(grid.chirp_mass_max, lower)) / 2 + grid.jitter
    widths = np.diff(grid.edges) * grid.delta_f
    assert np.all((widths * spread <= grid.smear * (1 + 1e-9)) | (widths == grid.delta_f))
    assert widths.max() <= grid.widest


@grids
def test_compress_is_the_weighted_mean_bin_by_bin(grid):
    rng = np.random.default_rng(0)
    n = len(grid.native_frequencies)
    strain, psd = rng.normal(size=n) + 1j * rng.normal(size=n), rng.uniform(0.5, 2.0, n)
    data, weights = grid.compress(strain, psd)
    carrier = grid.carrier(grid.native_frequencies)
    for j in (0, grid.n_bins // 2, grid.n_bins - 1):
        inside = slice(grid.edges[j] - grid.edges[0], grid.edges[j + 1] - grid.edges[0])
        assert weights[j] == pytest.approx(np.sqrt(4 * grid.delta_f * np.sum(1 / psd[inside])))
        mean = np.average(strain[inside] * carrier[inside], weights=1 / psd[inside])
        assert data[j] == pytest.approx(weights[j] * mean)
    np.testing.assert_array_equal(weights, grid.weights(psd))


def test_batch_equals_loop():
    grid, rng = GRIDS["narrow"], np.random.default_rng(1)
    shape = (3, 2, len(grid.native_frequencies))
    strain, psd = rng.normal(size=shape) + 1j * rng.normal(size=shape), rng.uniform(0.5, 2.0, shape)
    data, weights = grid.compress(strain, psd)
    for place in np.ndindex(3, 2):
        one_data, one_weights = grid.compress(strain[place], psd[place])
        np.testing.assert_allclose(data[place], one_data, rtol=1e-12)
        np.testing.assert_allclose(weights[place], one_weights, rtol=1e-12)


def test_scales_out_of_the_float32_range_do_no_harm():
    grid = GRIDS["narrow"]
    strain = np.full(len(grid.native_frequencies), 1e-23 + 0j)
    data, weights = grid.compress(strain, np.full(len(grid.native_frequencies), 1e-46))
    assert np.all(np.isfinite(data))
    np.testing.assert_allclose(weights * 1e-23, np.sqrt(4 * grid.delta_f * np.diff(grid.edges)), rtol=1e-12)


def test_a_segment_of_another_length_is_refused():
    grid = GRIDS["short"]
    with pytest.raises(InputError, match=r"expected 7980 frequencies \(8 s segment\); got 3990: cut the segment"):
        grid.compress(np.zeros(3990, dtype=complex), np.ones(3990))
