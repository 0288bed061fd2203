"""Time series input: it contains the strain at the correct times, in units of the noise."""

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.representation.multiband import Multiband
from chirpleaf.representation.series import SeriesInput, SeriesSettings

RATE, DURATION = 2048, 4.0


@pytest.fixture(scope="module")
def grid() -> Multiband:
    return Multiband(DURATION, chirp_mass_min=12.0, chirp_mass_max=88.0, widest=1 / DURATION, fold=1)


@pytest.fixture(scope="module")
def series(grid: Multiband) -> SeriesInput:
    return SeriesInput(grid, SeriesSettings(rate=RATE, n_samples=RATE))


def seen(series: SeriesInput, strain: np.ndarray, psd: np.ndarray) -> torch.Tensor:
    """The series of strain on the native frequencies."""
    data, _ = series.grid.compress(strain, psd)
    return series(torch.from_numpy(data.astype(np.complex64))[None, None])[0, 0]


def test_it_is_the_whitened_strain(series: SeriesInput, grid: Multiband) -> None:
    """Against numpy: strain in time, transformed about the reference time, divided by the amplitude of the noise."""
    n, reference = round(RATE * DURATION), round(2.6 * RATE)
    times = (np.arange(n) - reference) / RATE
    strain = np.exp(-((times / 0.01) ** 2)) * np.sin(2 * np.pi * 150 * times)
    frequencies = np.fft.rfftfreq(n, 1 / RATE)
    transform = np.fft.rfft(strain) / RATE * np.exp(2j * np.pi * frequencies * reference / RATE)
    psd = 1 + (frequencies / 100) ** 2
    inside = np.isin(np.round(frequencies * DURATION), np.round(grid.native_frequencies * DURATION))
    white = np.where(inside, np.fft.rfft(strain) / np.sqrt(psd), 0)
    expected = np.fft.irfft(white, n)[reference + series.start :][: series.n_samples]
    found = seen(series, transform[inside], psd[inside]).numpy()
    ratio = found @ expected / (expected @ expected)
    np.testing.assert_allclose(found, ratio * expected, atol=1e-4 * found.max())
    assert abs(series.times[found.argmax()]) < 0.003


def test_noise_has_unit_variance(series: SeriesInput, grid: Multiband) -> None:
    generator = torch.Generator().manual_seed(1)
    noise = torch.view_as_complex(torch.randn(50, 2, grid.n_bins, 2, generator=generator))
    found = series(noise)
    assert found.mean() == pytest.approx(0.0, abs=0.01)
    assert found.var() == pytest.approx(1.0, abs=0.01)
    assert found.var(dim=(0, 1)).std() < 0.2  # in every sample


def test_the_loudness_is_that_of_the_signal(grid: Multiband) -> None:
    whole = SeriesInput(grid, SeriesSettings(rate=RATE, n_samples=round(RATE * DURATION)))
    data = torch.randn(1, 1, grid.n_bins, dtype=torch.complex64, generator=torch.Generator().manual_seed(2))
    power = whole(data).square().sum() * 2 * grid.n_bins / whole.length
    torch.testing.assert_close(power, data.abs().square().sum(), rtol=1e-4, atol=0)


def test_a_later_arrival_is_seen_later(series: SeriesInput, grid: Multiband) -> None:
    binary = {"chirp_mass": 28.0, "mass_ratio": 0.8, "chi_1": 0.1, "chi_2": 0.0}
    wave = face_on(binary, grid.native_frequencies)[0]
    psd = np.full(grid.n_bins, 1e-46)
    delay = 100 / RATE
    late = seen(series, wave * np.exp(-2j * np.pi * grid.native_frequencies * delay), psd)
    early = seen(series, wave, psd)
    torch.testing.assert_close(late[200:], early[100:-100], atol=1e-3 * float(early.abs().max()), rtol=0)
    assert abs(series.times[early.abs().argmax()]) < 0.02


def test_training_moves_all_detectors_of_an_example_alike(series: SeriesInput, grid: Multiband) -> None:
    binary = {"chirp_mass": 28.0, "mass_ratio": 0.8, "chi_1": 0.1, "chi_2": 0.0}
    wave = face_on(binary, grid.native_frequencies)[0]
    data, _ = grid.compress(wave, np.full(grid.n_bins, 1e-46))
    batch = torch.from_numpy(data.astype(np.complex64)).expand(200, 2, -1)
    peak = series.times[series(batch, torch.Generator().manual_seed(0)).abs().argmax(-1)]
    still = series.times[series(batch).abs().argmax(-1)]
    torch.testing.assert_close(peak[:, 0], peak[:, 1])
    moved = (peak - still)[:, 0]
    assert moved.abs().max() < series.arrival + 0.002
    assert moved.std() == pytest.approx(series.arrival / 3**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("widest", "fold", "rate", "n_samples"), [(8.0, 4, 2048, 64), (0.25, 1, 1024, 64), (0.25, 1, 2048, 9000)]
)
def test_what_does_not_fit_is_refused(widest: float, fold: int, rate: int, n_samples: int) -> None:
    grid = Multiband(DURATION, chirp_mass_min=12.0, chirp_mass_max=88.0, widest=widest, fold=fold)
    with pytest.raises(InputError, match="expected"):
        SeriesInput(grid, SeriesSettings(rate=rate, n_samples=n_samples))
