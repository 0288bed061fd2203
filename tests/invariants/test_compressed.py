"""Aligned and pulse-compressed series: where the signal lies, units of the noise, absent detectors, context."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.networks.convolutional import Convolution, ConvolutionalSettings
from chirpleaf.networks.leaves import LeafSettings
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.representation.compressed import CompressedSeries
from chirpleaf.representation.multiband import Multiband
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.representation.templates import TemplateSettings

COMPRESSED = SeriesSettings(rate=1024, n_samples=256, before=0.5, arrival=0.0, align="template")
ROOT = ConvolutionalSettings((Convolution(16, 4, stride=8), Convolution(8, 4)), detectors="sum")
BINARY = {"chirp_mass": 22.0, "mass_ratio": 0.9, "chi_1": 0.0, "chi_2": 0.0}
ARCHITECTURE = Architecture(
    duration=4.0,
    prior=IntrinsicPrior(chirp_mass_min=15.0),
    templates=TemplateSettings(phase_step=20, ratio_step=0.3, chi_eff=(0.0,)),
    series=COMPRESSED,
    root=ROOT,
    head=LeafSettings(("mass_1",), width=4),
)


def signal(
    architecture: Architecture, times: tuple[float, float], snr: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Whitened signal of a binary in two detectors, at the given times and strengths, and weights of one."""
    grid = architecture.grid
    weights = torch.ones(1, 2, grid.n_bins)
    wave = face_on(BINARY, grid.frequencies)[0] * grid.carrier(grid.frequencies)
    wave = wave * architecture.reference_weights()
    wave = wave / np.linalg.norm(wave)
    rows = [
        strength * wave * np.exp(-2j * np.pi * grid.frequencies * time + 1j * place)
        for place, (strength, time) in enumerate(zip(snr, times, strict=True))
    ]
    return torch.from_numpy(np.stack(rows)).to(torch.complex64)[None], weights


def moments(series: torch.Tensor, rate: int, start: int) -> tuple[float, float]:
    """Centre and width of the power of a complex series, seconds."""
    power = series.unflatten(-1, (2, -1)).square().sum(-2)
    times = (torch.arange(power.shape[-1]) + start) / rate
    centre = float((power * times).sum() / power.sum())
    return centre, float((power * (times - centre).square()).sum() / power.sum()) ** 0.5


def test_a_chirp_becomes_a_pulse_at_the_reference_time() -> None:
    estimator = ARCHITECTURE.build()
    data, weights = signal(ARCHITECTURE, (0.006, -0.004), (20.0, 12.0))
    series = estimator.preprocess(data, weights).tokens.values[0]
    (centre, width), (other, _) = (moments(own, 1024, -128) for own in series)
    assert abs(centre) < 0.008  # the best template is not quite the signal
    assert abs(centre - other) < 0.001
    assert width < 0.02  # the chirp itself lasts a second
    first, second = series
    torch.testing.assert_close(first / 20, second / 12, atol=0.05 * float(first.abs().max()) / 20, rtol=0)


def test_alignment_by_phase_makes_detectors_alike() -> None:
    native = Multiband(4.0, chirp_mass_min=15.0, chirp_mass_max=88.0, widest=0.25, fold=16)
    raw = SeriesSettings(rate=2048, n_samples=2048, before=0.9, arrival=0.0, align="phase")
    aligned = replace(ARCHITECTURE, widest=0.25, fold=16, series=raw)
    assert aligned.grid.n_bins == native.n_bins
    data, weights = signal(aligned, (0.006, -0.004), (20.0, 12.0))
    first, second = aligned.build().preprocess(data, weights).tokens.values[0]
    torch.testing.assert_close(first / 20, second / 12, atol=0.05 * float(first.abs().max()) / 20, rtol=0)
    in_time = replace(aligned, series=replace(raw, align="time"), root=replace(ROOT, detectors="channels"))
    one, other = in_time.build().preprocess(data, weights).tokens.values[0]
    assert one.shape == (2048,)
    assert abs(int(one.abs().argmax()) - int(other.abs().argmax())) <= 8


def test_noise_has_unit_variance() -> None:
    grid = Multiband(8.0, chirp_mass_min=12.0, chirp_mass_max=88.0)
    estimator = replace(ARCHITECTURE, duration=8.0).build()
    generator = torch.Generator().manual_seed(0)
    data = torch.view_as_complex(torch.randn(200, 2, estimator.canonical.grid.n_bins, 2, generator=generator))
    found = estimator.preprocess(data, torch.ones(data.shape)).tokens.values
    assert grid.fold == estimator.canonical.fold
    # The template search adds to the noise at the peak, where it looks for the greatest output.
    assert found.square().mean().item() == pytest.approx(1.0, abs=0.1)


def test_what_is_scaled_added_and_absent() -> None:
    settings = replace(COMPRESSED, scale=True, coherent=True, context=True)
    architecture = replace(ARCHITECTURE, series=settings, detectors=("H1", "L1"))
    estimator, plain = architecture.build(), ARCHITECTURE.build()
    data, weights = signal(architecture, (0.0, 0.002), (20.0, 15.0))
    found, bare = estimator.preprocess(data, weights), plain.preprocess(data, weights)
    series, rest = found.tokens.values.split([512, found.tokens.values.shape[-1] - 512], dim=-1)
    snr = found.snr[0]
    expected = bare.tokens.values[0] / (snr.norm() / 10).sqrt() * (snr / snr.norm())[:, None]
    torch.testing.assert_close(series[0], expected, rtol=1e-4, atol=1e-5)
    canonical = estimator.canonical(data, weights)
    torch.testing.assert_close(rest, canonical.tokens.values[..., 2 * estimator.canonical.n_bands :])
    torch.testing.assert_close(found.tokens.shared, canonical.tokens.shared)
    present = torch.tensor([[True, False]])
    absent = estimator.preprocess(data * present[..., None], weights * present[..., None], present)
    assert not absent.tokens.values[0, 1].any()
    assert absent.tokens.values[0, 0].any()
    assert architecture.takes_subsets


def test_training_shifts_the_series() -> None:
    series = CompressedSeries(ARCHITECTURE.grid, replace(COMPRESSED, arrival=0.02))
    estimator = ARCHITECTURE.build()
    data, weights = signal(ARCHITECTURE, (0.0, 0.0), (30.0, 30.0))
    canonical = estimator.canonical(data, weights)
    many = canonical._replace(
        tokens=type(canonical.tokens)(*(part.expand(50, *part.shape[1:]) for part in canonical.tokens)),
        snr=canonical.snr.expand(50, -1),
    )
    found = series(many, torch.Generator().manual_seed(0))
    centres = [[moments(own, 1024, -128)[0] for own in example] for example in found]
    first, second = np.transpose(centres)
    np.testing.assert_allclose(first, second, atol=1e-3)
    assert np.std(first) == pytest.approx(0.02 / 3**0.5, rel=0.3)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="complex samples a second"):
        CompressedSeries(ARCHITECTURE.grid, replace(COMPRESSED, rate=512))
