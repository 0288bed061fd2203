"""Defensive mixture: its density is normalised and belongs to its samples; peaks are located between samples."""

import math

import pytest
import torch

from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.representation.peaks import locate_peaks


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_mixture_is_normalised(share: float) -> None:
    z = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    narrow = torch.distributions.Normal(1.0, 0.2).log_prob(z[:, 0])
    mixture = DefensiveMixture(share)
    density = mixture.log_prob(narrow, mixture.log_background(z)).exp()
    assert float(torch.trapezoid(density, z[:, 0])) == pytest.approx(1.0, abs=1e-6)


def test_samples_follow_the_density() -> None:
    generator, mixture = torch.Generator().manual_seed(0), DefensiveMixture(0.3)
    z = mixture.sample(torch.full((100_000, 1), 9.0, dtype=torch.float64), generator)[:, 0]
    background = z < 8.0
    assert float(background.double().mean()) == pytest.approx(0.3, abs=0.006)
    assert float(z[background].std()) == pytest.approx(1.0, abs=0.01)
    assert torch.equal(DefensiveMixture().sample(z[:, None], generator), z[:, None])


def test_background_is_its_share_of_a_standard_normal() -> None:
    found = DefensiveMixture(0.1).log_background(torch.zeros(2, 4))
    torch.testing.assert_close(found, torch.full((2,), math.log(0.1) - 2 * math.log(2 * math.pi), dtype=torch.float64))
    assert (DefensiveMixture().log_background(torch.zeros(2, 4)) == -torch.inf).all()


def test_a_parabola_has_its_peak_where_it_is() -> None:
    place = torch.tensor([3.3, 7.0, 11.45], dtype=torch.float64)
    height = 5 - (torch.arange(16, dtype=torch.float64) - place[:, None]).square()
    index, offset = locate_peaks(height)
    torch.testing.assert_close(index + offset, place)


def test_peaks_at_the_ends_and_flat_series_stay_inside() -> None:
    height = torch.stack([torch.arange(5.0), -torch.arange(5.0), torch.ones(5)])
    index, offset = locate_peaks(height)
    assert index.tolist() == [3, 1, 1]
    assert (offset.abs() <= 1).all()
    assert offset[2] == 0
