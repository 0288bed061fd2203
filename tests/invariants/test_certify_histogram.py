"""Histograms: points follow the returned density, and a low-discrepancy sequence stays even."""

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, qmc

from chirpleaf.inference.certify.histogram import Histogram

SHAPES = [(7,), (5, 4), (3, 4, 5), (2, 3, 2, 4)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def masses(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Unequal masses of any sum, some of them zero."""
    rng = np.random.default_rng(seed)
    found = rng.gamma(0.7, size=shape)
    found[rng.random(shape) < 0.25] = 0.0
    return 3.0 * found


def cells_of(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Flat index of each point's cell."""
    return np.ravel_multi_index(tuple(np.floor(points * shape).astype(int).T), shape)


def uniforms(n: int, dimensions: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((n, dimensions))


@shapes
def test_cells_are_drawn_in_proportion_to_their_mass(shape: tuple[int, ...]) -> None:
    mass = masses(shape)
    points, _ = Histogram.normalize(mass).transform(uniforms(40_000, len(shape)))
    counts = np.bincount(cells_of(points, shape), minlength=mass.size)
    expected = 40_000 * mass.ravel() / mass.sum()
    live = expected > 0
    assert not counts[~live].any()
    assert chisquare(counts[live], expected[live]).pvalue > 1e-3


@shapes
def test_the_density_returned_is_that_of_the_cell(shape: tuple[int, ...]) -> None:
    mass = masses(shape)
    points, log_density = Histogram.normalize(mass).transform(uniforms(5000, len(shape)))
    expected = mass.ravel()[cells_of(points, shape)] / mass.sum() * mass.size
    np.testing.assert_allclose(np.exp(log_density), expected, rtol=1e-10)


@shapes
def test_the_density_integrates_to_one_where_there_is_any(shape: tuple[int, ...]) -> None:
    """The mean of 1 / density over the draws is the volume of the cells that can be drawn."""
    mass = masses(shape)
    _, log_density = Histogram.normalize(mass).transform(uniforms(200_000, len(shape)))
    volume = np.exp(-log_density)
    error = volume.std() / len(volume) ** 0.5
    assert error < 0.1
    assert volume.mean() == pytest.approx((mass > 0).mean(), abs=5 * error)


def test_an_even_histogram_changes_nothing() -> None:
    given = uniforms(2000, 3)
    points, log_density = Histogram.normalize(np.full((4, 3, 6), 7.0)).transform(given)
    np.testing.assert_allclose(points, given, atol=1e-9)
    np.testing.assert_allclose(log_density, 0.0, atol=1e-12)


def test_an_even_dimension_stays_even() -> None:
    mass = masses((6,)) + 0.1
    points, _ = Histogram.normalize(np.broadcast_to(mass[:, None], (6, 5))).transform(uniforms(4000, 2))
    assert kstest(points[:, 1], "uniform").pvalue > 1e-3
    assert kstest(points[:, 0], "uniform").pvalue < 1e-10


def test_within_a_cell_points_are_even() -> None:
    mass = masses((5, 4))
    points, _ = Histogram.normalize(mass).transform(uniforms(20_000, 2))
    for place in (points * (5, 4) % 1).T:
        assert kstest(place, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("edge", [0.0, 1.0 - 1e-9])
@pytest.mark.parametrize("empty", [0, 1, 2, 3])
def test_empty_cells_are_not_drawn_at_the_edges_either(edge: float, empty: int) -> None:
    """Levels that fall exactly between two cells, beside an empty one: in either dimension."""
    first = np.array([1.0, 1.0, 1.0, 1.0])
    first[empty] = 0.0
    levels = np.concatenate([first.cumsum() / first.sum(), [edge]]).clip(0, 1 - 1e-9)
    for mass in (first, first[:, None] * np.ones(3), np.ones((3, 1)) * first):
        grid = np.stack(np.meshgrid(*[levels] * mass.ndim, indexing="ij"), axis=-1).reshape(-1, mass.ndim)
        points, log_density = Histogram.normalize(mass).transform(grid)
        assert np.isfinite(log_density).all()
        assert (mass.ravel()[cells_of(points, mass.shape)] > 0).all()
        assert ((points >= 0) & (points < 1)).all()


@pytest.mark.parametrize("cells", [(1,), (1, 1), (1, 5), (5, 1)], ids=str)
def test_single_cells(cells: tuple[int, ...]) -> None:
    points, log_density = Histogram.normalize(np.full(cells, 0.3)).transform(uniforms(100, len(cells)))
    np.testing.assert_allclose(points, uniforms(100, len(cells)), atol=1e-12)
    np.testing.assert_allclose(log_density, 0.0, atol=1e-12)


def test_an_even_sequence_stays_even() -> None:
    """Counts of Sobol points scatter about their expectation far less than those of random numbers."""
    mass = masses((8, 8)) + 0.05
    expected = 4096 * mass.ravel() / mass.sum()

    def scatter(given: np.ndarray) -> float:
        points, _ = Histogram.normalize(mass).transform(given)
        counts = np.bincount(cells_of(points, mass.shape), minlength=64)
        return float(np.sqrt(np.mean((counts - expected) ** 2 / expected)))

    assert scatter(qmc.Sobol(2, rng=3).random(4096)) < 0.5 * scatter(uniforms(4096, 2))


def test_what_is_gathered_is_what_was_drawn() -> None:
    mass = masses((4, 3, 5))
    points, log_density = Histogram.normalize(mass).transform(uniforms(60_000, 3))
    np.testing.assert_array_equal(
        Histogram.normalize(mass).bin_weights(points, np.ones(len(points))).ravel(),
        np.bincount(cells_of(points, mass.shape), minlength=mass.size),
    )
    # Weighted by one over the density, every cell that can be drawn has the same weight: its volume.
    even = Histogram.normalize(mass).bin_weights(points, np.exp(-log_density)) / len(points)
    often = mass / mass.sum() > 5e-3
    np.testing.assert_allclose(even[often], 1 / mass.size, rtol=0.3)
    assert even.sum() == pytest.approx((mass > 0).mean(), rel=0.1)


def test_the_density_and_the_quantile_of_points_are_found_again() -> None:
    histogram = Histogram.normalize(np.random.default_rng(0).random((7, 5)) ** 3)
    drawn = uniforms(4000, 2)
    points, log_density = histogram.transform(drawn)
    np.testing.assert_allclose(histogram.log_density(points), log_density, atol=1e-12)
    np.testing.assert_allclose(histogram.last_quantile(points), drawn[:, 1], atol=1e-9)
    outside = np.array([[-0.1, 0.5], [0.5, 1.0]])
    assert (histogram.log_density(outside) == -np.inf).all()
    assert (histogram.last_quantile(outside) == 0).all()
