"""Regularised spectra: flanks of lines, structure that the smooth part does not follow, and slopes are kept."""

import numpy as np

from chirpleaf.strain.regularisation import regularise

FREQUENCIES = np.arange(20.0, 400.0, 0.25)
STRETCHES = 12


def test_the_flanks_of_a_line_are_kept() -> None:
    """They are below the height at which a bin belongs to a line by itself, exp(3.5 / 12^(1/2)) = 2.7."""
    periodograms = np.ones((STRETCHES, len(FREQUENCIES)))
    periodograms[:, 400] = 1000.0
    periodograms[:, [399, 401]] = periodograms[:, 800] = 2.2
    found = regularise(FREQUENCIES, periodograms, STRETCHES) / np.exp(0.5 / STRETCHES)
    np.testing.assert_allclose(found[[399, 401]], 2.2, rtol=0.1)
    assert found[800] < 1.5


def test_structure_is_kept_where_there_is_little_scatter() -> None:
    """A ripple that is narrower than the window of the smooth part, and lower than a line: 0.25 for 200 stretches."""
    truth = np.exp(0.2 * np.sin(2 * np.pi * FREQUENCIES / 3.0))
    periodograms = truth * np.random.default_rng(0).exponential(size=(200, len(FREQUENCIES)))
    found = regularise(FREQUENCIES, periodograms, 200.0)
    assert np.std(np.log(found / truth)) < 0.08


def test_a_slope_is_kept_up_to_the_ends_of_the_band() -> None:
    truth = (FREQUENCIES / 100.0) ** -6.0
    found = regularise(FREQUENCIES, np.tile(truth, (STRETCHES, 1)), STRETCHES)
    assert np.ptp(np.log(found / truth)) < 0.08
