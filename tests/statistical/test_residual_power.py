"""Power and correlation of white noise are those of their distributions; a line and a burst are found."""

from itertools import pairwise

import numpy as np
import pytest

from chirpleaf.inference.trust.settings import DEFAULT_TRUST
from chirpleaf.strain.residual_power import correlate_residual, find_loudest_tile
from chirpleaf.strain.segment import Segment

DURATION = 8.0
FREQUENCIES = np.arange(160, 8 * 1024) / DURATION
PSD = 1e-46 * (1 + (40 / FREQUENCIES) ** 8)
SETTINGS = DEFAULT_TRUST.residuals


def make_segment(seed: int, scale: float = 1.0) -> Segment:
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=len(PSD)) + 1j * rng.normal(size=len(PSD))
    strain = draws * np.sqrt(PSD * DURATION) / 2 * scale
    return Segment(("H1",), strain[None], PSD[None], FREQUENCIES, DURATION, 0.0)


def measure(segment: Segment) -> tuple[float, float]:
    strain = segment.strain[0]
    tile = find_loudest_tile(segment, 0, strain, 0.01, SETTINGS.bands, SETTINGS.times)
    return tile.excess, correlate_residual(segment, 0, strain, 0.01, SETTINGS.around, SETTINGS.lags)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_white_noise_of_any_scale(scale: float) -> None:
    tiles, correlations = np.array([measure(make_segment(seed, scale)) for seed in range(40)]).T
    # The greatest of about 36 standard normal variables, and one standard normal variable.
    assert 1.7 < tiles.mean() < 2.6
    assert tiles.max() < 4.5
    assert abs(correlations.mean()) < 0.6
    assert 0.7 < correlations.std() < 1.4


def test_a_burst_is_in_its_tile() -> None:
    segment = make_segment(0)
    shape = np.exp(-(((FREQUENCIES - 130) / 20) ** 2) + 2j * np.pi * FREQUENCIES * 0.02)
    strain = segment.strain[0] + 8 * shape / np.sqrt(4 / DURATION * np.sum(np.abs(shape) ** 2 / PSD))
    tile = find_loudest_tile(segment, 0, strain, 0.01, SETTINGS.bands, SETTINGS.times)
    assert tile.excess > 5
    assert any(tile.band == band for band in pairwise(SETTINGS.bands) if band[0] <= 130 < band[1])
    assert tile.interval[0] < -0.03 < tile.interval[1]


def test_a_wrong_spectrum_is_correlated() -> None:
    segment = make_segment(1)
    strain = segment.strain[0] * np.where(FREQUENCIES < 200, 4.0, 1.0)
    assert correlate_residual(segment, 0, strain, 0.0, SETTINGS.around, SETTINGS.lags) > 7
