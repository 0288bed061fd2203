"""Q-transform: energy one in noise, and the squared signal-to-noise ratio at a sine-Gaussian of its own Q."""

import numpy as np
import pytest

from chirpleaf.strain.q_transform import QSettings, q_transform
from chirpleaf.strain.segment import Segment

DURATION, TRIGGER = 8.0, 1000.0
FREQUENCIES = np.arange(20.0, 1000.0, 1 / DURATION)
PSD = np.stack([1e-46 * (1 + (60 / FREQUENCIES) ** 4), 4e-46 * np.ones_like(FREQUENCIES)])


def noise(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(2, *PSD.shape))
    return (parts[0] + 1j * parts[1]) * np.sqrt(PSD * DURATION / 4)


def segment(strain: np.ndarray) -> Segment:
    return Segment(("H1", "L1"), strain, PSD, FREQUENCIES, DURATION, TRIGGER)


def test_energy_of_noise_is_exponential_with_mean_one() -> None:
    found = q_transform(segment(noise(0)), (TRIGGER - 5, TRIGGER + 1))
    assert found.energy.shape == (2, 90, len(found.times))
    assert found.energy.mean() == pytest.approx(1.0, abs=0.05)
    assert (found.energy > 3).mean() == pytest.approx(np.exp(-3), abs=0.012)


@pytest.mark.parametrize(("time", "frequency"), [(-0.4, 60.0), (0.05, 250.0)])
def test_a_sine_gaussian_has_the_energy_of_its_loudness(time: float, frequency: float) -> None:
    settings = QSettings()
    tau = settings.quality / (2 * np.pi * frequency)
    shape = np.exp(-((np.pi * tau * (FREQUENCIES - frequency)) ** 2)) * np.exp(-2j * np.pi * FREQUENCIES * time)
    white = shape * np.sqrt(PSD)  # white once it is whitened, so that its matched filter is a tile of the map
    norm = np.sqrt(4 * np.sum(np.abs(white) ** 2 / PSD, axis=1) / DURATION)
    found = q_transform(segment(white * (10 / norm)[:, None]), (TRIGGER - 1, TRIGGER + 0.5), settings)
    for energy in found.energy:
        row, column = np.unravel_index(np.argmax(energy), energy.shape)
        assert found.frequencies[row] == pytest.approx(frequency, rel=0.03)
        assert found.times[column] == pytest.approx(TRIGGER + time, abs=0.003)
        assert energy.max() == pytest.approx(10**2 / 2, rel=0.02)  # |(d | psi)|^2 of both phases is 2 e


def test_rows_stay_within_the_band_of_the_data() -> None:
    found = q_transform(segment(noise(1)), (TRIGGER - 1, TRIGGER), QSettings(frequencies=(5.0, 4000.0)))
    assert found.frequencies[[0, -1]] == pytest.approx([20.0, FREQUENCIES[-1]])
