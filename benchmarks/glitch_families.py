"""Families of glitches: wave forms of random parameters, for benchmarks of the verdict."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 4096
Array = NDArray[np.float64]
Shape = Callable[[Array, np.random.Generator], Array]


def sine_gaussian(t: Array, rng: np.random.Generator) -> Array:
    """A sine-Gaussian."""
    frequency, quality = np.exp(rng.uniform(*np.log([30, 350]))), np.exp(rng.uniform(*np.log([3, 25])))
    wave = np.cos(2 * np.pi * frequency * t + phase(rng))
    return np.asarray(np.exp(-((2 * np.pi * frequency * t / quality) ** 2)) * wave)


def blip(t: Array, rng: np.random.Generator) -> Array:
    """A pulse of one or two cycles, of unequal sides."""
    frequency, skew = np.exp(rng.uniform(*np.log([50, 250]))), rng.uniform(-0.3, 0.3)
    width = 0.6 / frequency * (1 + skew * np.sign(t))
    return np.asarray(np.exp(-((t / width) ** 2)) * np.cos(2 * np.pi * frequency * t + rng.normal(0, 0.5)))


def scattered_light(t: Array, rng: np.random.Generator) -> Array:
    """An arch of slowly changing low frequency."""
    top, period = rng.uniform(25, 60), rng.uniform(1.0, 4.0)
    frequency = top * np.cos(np.pi * t / period)
    envelope = np.where(np.abs(t) < period / 2, np.maximum(frequency, 0) / top, 0.0) ** 0.5
    return envelope * np.sin(2 * np.pi * np.cumsum(frequency) / RATE + phase(rng))


def whistle(t: Array, rng: np.random.Generator) -> Array:
    """A tone whose frequency falls and rises again, or the reverse."""
    low, rise, length = rng.uniform(100, 250), rng.uniform(150, 600), rng.uniform(0.05, 0.25)
    frequency = low + rise * (t / length) ** 2
    return np.exp(-((t / length) ** 2)) * np.sin(2 * np.pi * np.cumsum(np.minimum(frequency, 1200)) / RATE + phase(rng))


def tomte(t: Array, rng: np.random.Generator) -> Array:
    """A short burst at low frequency with a faint tail upwards."""
    frequency, tail = rng.uniform(30, 80), rng.uniform(0.2, 0.5)
    burst = np.exp(-((2 * np.pi * frequency * t / 3) ** 2)) * np.cos(2 * np.pi * frequency * t + phase(rng))
    upper = np.exp(-((2 * np.pi * 2 * frequency * (t - 0.01) / 4) ** 2)) * np.cos(4 * np.pi * frequency * t)
    return burst + tail * upper


def koi(t: Array, rng: np.random.Generator) -> Array:
    """Loud over all frequencies in the middle, with slow wings."""
    low, high, wing = rng.uniform(20, 45), rng.uniform(80, 400), rng.uniform(0.05, 0.2)
    slow = np.exp(-((t / wing) ** 2)) * np.cos(2 * np.pi * low * t + phase(rng))
    fast = np.exp(-((t / 0.008) ** 2)) * np.cos(2 * np.pi * high * t + phase(rng))
    return slow + rng.uniform(0.3, 1.0) * fast


def chirplet(t: Array, rng: np.random.Generator) -> Array:
    """A Gaussian burst of linearly changing frequency (for the setting of thresholds)."""
    frequency, rate, width = rng.uniform(40, 200), rng.uniform(-800, 800), rng.uniform(0.01, 0.06)
    return np.exp(-((t / width) ** 2)) * np.cos(2 * np.pi * (frequency * t + rate * t**2 / 2) + phase(rng))


def white_burst(t: Array, rng: np.random.Generator) -> Array:
    """White noise within a short time (for the setting of thresholds)."""
    width, top = rng.uniform(0.005, 0.05), rng.uniform(80, 400)
    spectrum = np.fft.rfft(rng.normal(size=len(t)))
    spectrum[np.fft.rfftfreq(len(t), 1 / RATE) > top] = 0.0
    return np.exp(-((t / width) ** 2)) * np.fft.irfft(spectrum, len(t))


def ringdown(t: Array, rng: np.random.Generator) -> Array:
    """A damped oscillation (for the setting of thresholds)."""
    frequency, decay = np.exp(rng.uniform(*np.log([40, 300]))), rng.uniform(0.004, 0.05)
    fall = np.where(t >= 0, np.exp(-np.maximum(t, 0) / decay), 0.0)
    return np.asarray(fall * np.sin(2 * np.pi * frequency * t))


FAMILIES: dict[str, dict[str, Shape]] = {
    "setting": {"chirplet": chirplet, "white_burst": white_burst, "ringdown": ringdown, "sine_gaussian": sine_gaussian},
    "report": {
        "sine_gaussian": sine_gaussian, "blip": blip, "scattered_light": scattered_light, "whistle": whistle,
        "tomte": tomte, "koi": koi,
    },
}  # fmt: skip


def phase(rng: np.random.Generator) -> float:
    """A phase."""
    return float(rng.uniform(0, 2 * np.pi))
