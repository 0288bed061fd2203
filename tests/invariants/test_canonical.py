"""Canonical input: removed template, times and phases are those of the signal; the rest does not depend on them."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from chirpleaf.models import Architecture
from chirpleaf.networks.encoders import Concatenation
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.canonical import Canonical, CanonicalInput

SNR = torch.tensor([16.0, 11.0])


@pytest.fixture(scope="module")
def canonical(architecture: Architecture) -> CanonicalInput:
    return architecture.build().canonical


@pytest.fixture(scope="module")
def templates(canonical: CanonicalInput) -> Tensor:
    """Every template, whitened by the reference weights, of unit norm, (template, bin)."""
    bank, frequencies = canonical.bank, canonical.grid.frequencies
    mass_1, mass_2 = component_masses(bank.chirp_mass.ravel(), 0.7)
    spin = bank.chi_eff.ravel()
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": spin, "chi_2": spin, "luminosity_distance": 1.0}
    waves = polarizations(binaries | {"theta_jn": 0.0, "phase": 0.0}, frequencies)[0]
    waves *= canonical.grid.carrier(frequencies) * canonical.reference_weights
    return torch.from_numpy(waves / np.linalg.norm(waves, axis=1, keepdims=True))


def moved(canonical: CanonicalInput, data: Tensor, time: Tensor | float, phase: Tensor | float = 0.0) -> Tensor:
    """Data delayed by `time` (s) and turned by `phase` (rad), each a number or of shape (detector,)."""
    frequencies = torch.from_numpy(canonical.grid.frequencies)
    time, phase = (torch.as_tensor(value, dtype=torch.float64)[..., None] for value in (time, phase))
    angle = phase - 2 * torch.pi * frequencies * time
    return (data * torch.polar(torch.ones_like(angle), angle)).to(torch.complex64)


def flat(data: Tensor) -> Tensor:
    """Weights over the reference weights of detectors that are the reference."""
    return torch.ones(data.shape)


def parts(canonical: CanonicalInput, out: Canonical) -> tuple[Tensor, Tensor, Tensor]:
    """Canonical series (batch, detector, band) in units of the noise, shape of the spectra, and scalars."""
    n = canonical.n_detectors * canonical.n_bands
    series, spectra, scalars = Concatenation(canonical.layout)(out.tokens).split(
        [2 * n, n, 5 * canonical.n_detectors + 2], dim=1
    )
    shape = (len(out.snr), canonical.n_detectors, canonical.n_bands)
    scale = (out.snr.square().sum(1).sqrt() / 10).sqrt()
    return torch.view_as_complex(series.reshape(*shape, 2)) * scale[:, None, None], spectra, scalars


def wrapped(angle: Tensor) -> Tensor:
    return (angle + torch.pi) % (2 * torch.pi) - torch.pi


TIME, PHASE = torch.tensor([0.0012, -0.0061]), torch.tensor([0.7, 2.9])


def test_a_template_is_found_with_its_times_phases_and_loudness(canonical: CanonicalInput, templates: Tensor) -> None:
    data = moved(canonical, templates[:, None] * SNR[:, None], TIME, PHASE)
    out = canonical(data, flat(data))
    assert torch.equal(out.template, torch.arange(len(templates)))
    assert (out.time - TIME).abs().max() < 1e-4
    assert wrapped(out.phase - PHASE).abs().max() < 0.08
    loss = 1 - out.snr / SNR
    assert loss.median() < 0.01
    assert loss.min() > -0.005
    assert loss.max() < 0.09
    assert out.tokens.values.shape == (len(templates), canonical.n_detectors, sum(canonical.layout.sections))


def test_the_series_of_a_template_is_real_and_positive(canonical: CanonicalInput, templates: Tensor) -> None:
    data = moved(canonical, templates[:, None] * SNR[:, None], TIME, PHASE)
    series = parts(canonical, canonical(data, flat(data)))[0]
    assert ((series.real.square().sum(-1) / series.abs().square().sum(-1)).sqrt() > 0.995).all()
    assert (series.real > -0.02 * series.abs().amax()).all()
    assert (series.abs().square().sum(-1).sqrt() / SNR).median() > 0.99
    crooked = parts(canonical, canonical(data.conj().resolve_conj(), flat(data)))[0]
    assert (crooked.real.square().sum(-1) / crooked.abs().square().sum(-1)).sqrt().median() < 0.96


@pytest.fixture(scope="module")
def noisy(canonical: CanonicalInput, templates: Tensor) -> Tensor:
    """Every fifth template, loud, in noise, (batch, detector, bin)."""
    signal = moved(canonical, templates[::5, None] * 3 * SNR[:, None], torch.tensor([0.0002, -0.0031]), PHASE)
    return (
        signal + torch.randn(signal.shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(1)) * 2**0.5
    )


def test_a_shift_moves_the_times_and_nothing_else(canonical: CanonicalInput, noisy: Tensor, templates: Tensor) -> None:
    before = canonical(noisy, flat(noisy))
    after = canonical(moved(canonical, noisy, 0.0009), flat(noisy))
    # Two templates may fit alike; those that stay are compared.
    same = after.template == before.template
    assert same.float().mean() > 0.9
    assert (after.time - before.time - 0.0009)[same].abs().max() < 6e-5
    assert (after.snr / before.snr - 1).abs().max() < 0.03
    # A band is summed before its delay is known: within it the noise turns by some degrees.
    change = (parts(canonical, after)[0] - parts(canonical, before)[0])[same]
    assert change.abs().square().mean().sqrt() < 0.1
    unaligned = moved(canonical, noisy, 0.0009) - noisy
    assert unaligned.abs().square().mean().sqrt() > 0.3


def test_a_rotation_turns_the_phases_and_nothing_else(canonical: CanonicalInput, noisy: Tensor) -> None:
    before, after = canonical(noisy, flat(noisy)), canonical(moved(canonical, noisy, 0.0, 1.3), flat(noisy))
    assert torch.equal(after.template, before.template)
    torch.testing.assert_close(after.tokens, before.tokens, atol=2e-3, rtol=0)
    torch.testing.assert_close(after.time, before.time, atol=1e-6, rtol=0)
    assert wrapped(after.phase - before.phase - 1.3).abs().max() < 2e-3


def test_a_rotation_of_one_detector_shows_in_the_relative_phase(canonical: CanonicalInput, noisy: Tensor) -> None:
    turn = torch.tensor([0.0, 1.3])
    before, after = canonical(noisy, flat(noisy)), canonical(moved(canonical, noisy, 0.0, turn), flat(noisy))
    torch.testing.assert_close(parts(canonical, after)[0], parts(canonical, before)[0], atol=2e-3, rtol=0)
    assert wrapped((after.phase - before.phase)[:, 1] - 1.3).abs().max() < 2e-3
    d = canonical.n_detectors
    cosine, sine = parts(canonical, after)[2][:, 2 + 2 * d : 2 + 4 * d].unflatten(1, (2, d)).unbind(1)
    torch.testing.assert_close(torch.atan2(sine, cosine), wrapped(after.phase - after.phase[:, :1]), atol=1e-5, rtol=0)


def test_louder_data_scale_the_series(canonical: CanonicalInput, noisy: Tensor) -> None:
    before, after = canonical(noisy, flat(noisy)), canonical(3 * noisy, flat(noisy))
    torch.testing.assert_close(after.snr, 3 * before.snr, rtol=1e-4, atol=0)
    torch.testing.assert_close(parts(canonical, after)[0], 3 * parts(canonical, before)[0], atol=5e-3, rtol=1e-3)
    gain = (parts(canonical, after)[2] - parts(canonical, before)[2])[:, 2 : 2 + canonical.n_detectors]
    torch.testing.assert_close(gain, torch.full_like(gain, math.log(3)), atol=1e-4, rtol=0)


def test_only_the_shape_of_the_weights_matters(canonical: CanonicalInput, noisy: Tensor) -> None:
    before, after = canonical(noisy, flat(noisy)), canonical(noisy, 40 * flat(noisy))
    torch.testing.assert_close(after.tokens, before.tokens, atol=2e-3, rtol=0)
    tilted = flat(noisy) * torch.linspace(0.5, 2.0, noisy.shape[-1])
    spectra = parts(canonical, canonical(noisy, tilted))[1]
    assert (spectra.diff(dim=1)[:, : canonical.n_bands - 1] > 0).all()
    assert parts(canonical, before)[1].abs().max() < 1e-4


def test_batch_equals_loop(canonical: CanonicalInput, noisy: Tensor) -> None:
    batch = canonical(noisy, flat(noisy))
    for index in range(0, len(noisy), 3):
        one = canonical(noisy[index : index + 1], flat(noisy[:1]))
        torch.testing.assert_close(batch.select(slice(index, index + 1)), one, atol=1e-3, rtol=1e-4)


def test_more_than_one_chunk_is_searched_in_order(canonical: CanonicalInput, templates: Tensor) -> None:
    data = (
        moved(canonical, templates[:1, None] * SNR[:, None], TIME).repeat(130, 1, 1)
        * torch.arange(1, 131)[:, None, None]
    )
    out = canonical(data, flat(data))
    torch.testing.assert_close(out.snr, out.snr[:1] * torch.arange(1, 131)[:, None], rtol=1e-4, atol=0)


def test_the_preprocessing_has_no_weights_to_train_or_to_save(canonical: CanonicalInput) -> None:
    assert list(canonical.parameters()) == []
    assert canonical.state_dict() == {}
