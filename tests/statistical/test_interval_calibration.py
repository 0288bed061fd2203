"""Calibration of the intervals of Bayesian leaves."""

import numpy as np
import pytest
import torch
from scipy.special import erf

from chirpleaf.networks.bayesian import Predictive
from chirpleaf.training.calibration import fit_width_factor

N = 20_000


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.7])
def test_a_wrong_scale_is_found(factor: float) -> None:
    generator = torch.Generator().manual_seed(1)
    scale = torch.rand(N, generator=generator) + 0.5
    truth = 3.0 + scale * torch.randn(N, generator=generator)
    found = fit_width_factor(Predictive(torch.full((1, N), 3.0), scale[None] / factor), truth)
    assert found == pytest.approx(factor, rel=0.03)


def test_what_the_weights_do_not_know_is_left_as_it_is() -> None:
    generator = torch.Generator().manual_seed(2)
    means = torch.tensor([[-3.0], [3.0]]).expand(2, N)
    truth = torch.hypot(torch.tensor(3.0), torch.tensor(4.0)) * torch.randn(N, generator=generator)
    assert fit_width_factor(Predictive(means, torch.full((2, N), 8.0)), truth) == pytest.approx(0.5, rel=0.03)


def test_calibration_improves_the_coverage_of_intervals_of_skewed_posteriors() -> None:
    generator = torch.Generator().manual_seed(3)
    truth = (torch.rand(N, generator=generator) - 0.5) * 12**0.5  # variance 1, as a maximum-likelihood fit gives
    levels = np.linspace(0.02, 0.98, 49)

    def unevenness(scale: float) -> float:
        held = erf(truth.abs().numpy() / (scale * 2**0.5))
        return float(np.square(np.mean(held[:, None] < levels, axis=0) - levels).mean())

    factor = fit_width_factor(Predictive(torch.zeros(1, N), torch.ones(1, N)), truth)
    assert unevenness(factor) < 0.8 * unevenness(1.0)
