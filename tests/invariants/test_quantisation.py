"""Rounded and clipped samples are found; recorded strain is neither."""

import numpy as np
import pytest

from chirpleaf.strain import load_event
from chirpleaf.strain.events import events
from chirpleaf.strain.quantisation import compute_rounding_noise, count_clipped, find_step
from chirpleaf.strain.strain import Strain

NOISE = np.random.default_rng(2).normal(size=32 * 1024)


@pytest.mark.parametrize("step", [1e-3, 0.1, 1.5])
def test_the_step_is_found_and_its_noise_is_what_rounding_adds(step: float) -> None:
    rounded = np.round(NOISE / step) * step
    assert find_step(rounded) == pytest.approx(step, rel=1e-6)
    added = Strain("H1", rounded, 0.0, 1024.0)
    assert compute_rounding_noise(added) * 512.0 == pytest.approx(np.var(rounded - NOISE), rel=0.05)


def test_continuous_samples_have_no_step() -> None:
    assert find_step(NOISE) == find_step(np.append(NOISE, np.nan)) == 0.0
    assert find_step(np.zeros(10)) == find_step(np.full(3, np.nan)) == 0.0


@pytest.mark.parametrize("event", list(events()))
def test_recorded_strain_is_neither_rounded_nor_clipped(event: str) -> None:
    for strain in load_event(event).values():
        assert compute_rounding_noise(strain) < 1e-50
        assert count_clipped(strain.values) == 0


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-np.inf, 2.5), (-3.0, np.inf)])
def test_clipped_samples_are_counted(low: float, high: float) -> None:
    clipped = np.clip(NOISE, low, high)
    assert count_clipped(clipped) == (low > NOISE).sum() + (high < NOISE).sum()
    assert count_clipped(np.full(3, np.nan)) == 0
