"""Signal-to-noise ratios of the detectors: sources all over the sky are doubted as rarely as the limits say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from chirpleaf.inference.trust.balance import compare_balance, draw_responses
from chirpleaf.inference.trust.settings import DEFAULT_TRUST

NAMES = ("H1", "L1")
SETTINGS = replace(DEFAULT_TRUST.coherence, orientations=4000)
N = 400


def draw_sources(horizon: np.ndarray, power: float, rng: np.random.Generator) -> np.ndarray:
    """Ratios of sources of a population, with noise, shape (N, detector)."""
    many = draw_responses(NAMES, 20 * N, 0.0, rng) * horizon
    total = np.linalg.norm(many, axis=1)
    rows = rng.choice(len(many), N, p=total**power / np.sum(total**power))
    snr = many[rows] / total[rows, None] * rng.uniform(10, 40, (N, 1))
    return np.abs(snr + rng.normal(size=snr.shape) + 1j * rng.normal(size=snr.shape))


@pytest.mark.parametrize("power", [0.0, 3.0], ids=["isotropic", "uniform in volume"])
@pytest.mark.parametrize("ratio", [1.0, 0.35])
def test_sources_of_every_population_are_doubted_at_most_at_the_rate_of_the_limit(power: float, ratio: float) -> None:
    """The sources of an isotropic population were doubted five times in fifty."""
    rng = np.random.default_rng(5)
    horizon = np.array([ratio, 1.0])
    found = draw_sources(horizon, power, rng)
    p = np.array([compare_balance(one, horizon, NAMES, 0.0, SETTINGS, rng).probability for one in found])
    for limit in (0.02, 0.1):
        assert binomtest(int(np.sum(p < limit)), N, limit, alternative="greater").pvalue > 0.01
    if power == 0.0:  # not conservative without need: p is uniform
        assert binomtest(int(np.sum(p < 0.3)), N, 0.3, alternative="less").pvalue > 1e-3


@pytest.mark.parametrize(
    ("found", "ratio", "doubted"),
    [
        ((12.0, 11.0), 1.0, False),
        ((11.5, 10.7), 0.34, False),  # chirp mass 176 in the noise of GW170814, of which one looked refused
        ((1.0, 30.0), 1.0, True),
        ((30.0, 1.0), 0.34, True),
        ((2.0, 12.0), 1.0, False),  # three in a thousand sources: the comparison with glitches tells these apart
    ],
)
def test_a_loud_glitch_of_one_detector_has_ratios_that_hardly_any_source_has(
    found: tuple[float, float], ratio: float, doubted: bool
) -> None:
    p = compare_balance(np.array(found), np.array([ratio, 1.0]), NAMES, 0.0).probability
    assert (p < DEFAULT_TRUST.coherence.share.warn) is doubted


def test_both_sides_are_unusual() -> None:
    """A detector that is far less sensitive must not be the louder one."""
    horizon = np.array([0.2, 1.0])
    (louder, quieter) = (compare_balance(np.array(one), horizon, NAMES, 0.0) for one in ((24.0, 10.0), (7.0, 25.0)))
    assert louder.probability < 0.1 * quieter.probability
    assert quieter.typical[0] < quieter.typical[1]
