"""The canonical series of noise has unit variance, as its definition states."""

import pytest
import torch
from torch import Tensor

from chirpleaf.models import Architecture
from chirpleaf.representation.canonical import CanonicalInput

BATCH = 300


@pytest.fixture(scope="module")
def canonical(architecture: Architecture) -> CanonicalInput:
    return architecture.build().canonical


def series(canonical: CanonicalInput, excess: float = 1.0, seed: int = 1) -> Tensor:
    """Canonical series of noise, (batch, detector, band)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (BATCH, canonical.n_detectors, canonical.grid.n_bins)
    noise = excess * torch.view_as_complex(torch.randn(*shape, 2, generator=generator))
    weights = 0.5 + 2 * torch.rand(shape, generator=generator)
    out = canonical(noise, weights)
    scaled = out.tokens.values[..., : 2 * canonical.n_bands].reshape(BATCH, shape[1], canonical.n_bands, 2)
    return torch.view_as_complex(scaled.contiguous()) * (out.snr.norm(dim=1) / 10).sqrt()[:, None, None]


def deviation(values: Tensor) -> float:
    """How far the mean square lies from one, in its standard deviations for normal values."""
    return float((values.square().mean() - 1) * (values.numel() / 2) ** 0.5)


def test_noise_has_unit_variance(canonical: CanonicalInput) -> None:
    assert abs(deviation(torch.view_as_real(series(canonical)))) < 4


def test_the_search_moves_power_from_the_imaginary_to_the_real_part(canonical: CanonicalInput) -> None:
    found = series(canonical)
    # Phase and time are chosen so that two combinations of the imaginary parts of a detector vanish, and
    # the template so that more of them are small.
    assert 0.9 < found.imag.square().mean() < 1 - 2 / canonical.n_bands
    assert found.real.square().mean() > 1 + 2 / canonical.n_bands
    assert found.real.mean() > 0.1
    assert abs(found.imag.mean()) < 0.01


@pytest.mark.parametrize("excess", [0.97, 1.03])
def test_louder_or_quieter_noise_is_noticed(canonical: CanonicalInput, excess: float) -> None:
    assert abs(deviation(torch.view_as_real(series(canonical, excess)))) > 6
