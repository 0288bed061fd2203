"""Conditioning and noise spectra on recorded noise: the strain of the embedded events without the events.

1. High-pass filter and roll-off: signal-to-noise ratio that is kept, against an estimate with Hann windows and a signal
   without window, and 1/S in 20-30 Hz against that estimate. Optionally the wall below 10 Hz is made higher.
2. Noise spectra: mean square of stretches that an estimate leaves out, whitened by it, and their Whittle likelihood,
   sum(ln S + |d|^2 / S), per 1,000 frequencies, relative to the median Welch estimate (lower is better).

    python benchmarks/conditioning.py [--wall 10]
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.noise_spectrum import MEDIAN, SpectrumSettings, average, compute_stretches, leave_out
from chirpleaf.strain.strain import Strain

LOGGER = logging.getLogger("conditioning")
BAND = np.arange(20.0, 1024.25, 0.25)
HANN = Conditioning(15.0, 2.0)
CHIRP_MASSES = (12.0, 30.0, 60.0)
SOLAR_MASS = 4.925491e-6  # seconds
SEGMENT = 8.0


def recordings() -> Iterator[tuple[str, Strain, float]]:
    """Name, strain and trigger time of each series."""
    for event, known in events().items():
        for detector, strain in load_event(event).items():
            yield f"{event} {detector}", strain, known.trigger_time


def raise_wall(strain: Strain, factor: float) -> Strain:
    """Strain whose content below 10 Hz is larger by a factor."""
    spectrum = np.fft.rfft(strain.values)
    frequencies = np.fft.rfftfreq(len(strain), 1 / strain.sample_rate)
    return replace(
        strain, values=np.fft.irfft(spectrum * (1 + (factor - 1) / (1 + (frequencies / 10) ** 16)), len(strain))
    )


def density(strain: Strain, time: float, conditioning: Conditioning) -> np.ndarray:
    """Median Welch estimate without the event, shape (F,)."""
    found = compute_stretches(strain, MEDIAN, conditioning, exclude=(time - 2.0, time + 2.0))
    return average(found, MEDIAN, conditioning).at(BAND)


def kept_snr(chirp_mass: float, roll_off: float, psd: np.ndarray, best: np.ndarray) -> float:
    """Signal-to-noise ratio of an inspiral in the window over that without window and with the best density."""
    mass = SOLAR_MASS * chirp_mass
    before = 5 / 256 * mass ** (-5 / 3) * (np.pi * BAND) ** (-8 / 3)  # s before the merger
    inside = np.clip(SEGMENT - 2.0 - before, 0.0, roll_off) / roll_off
    power = BAND ** (-7 / 3) * (chirp_mass * BAND < 1900.0)
    window = (1 - np.cos(np.pi * inside)) / 2
    return float((power * window / psd).sum() / np.sqrt((power / psd).sum() * (power / best).sum()))


def compare_windows(wall: float) -> None:
    """Reports the table of high-pass filters and roll-offs."""
    names = ", ".join(f"{mass:g}" for mass in CHIRP_MASSES)
    LOGGER.info("wall below 10 Hz times %g; high-pass (Hz), roll-off (s): SNR kept at %s; 1/S in 20-30 Hz", wall, names)
    for corner in (None, 12.0, 15.0):
        for roll_off in (0.1, 0.2, 0.4, 0.6, 1.0, 1.5):
            conditioning = Conditioning(corner, roll_off)
            kept, inverse = [], []
            for _, strain, time in recordings():
                psd = density(raise_wall(strain, wall), time, conditioning)
                best = density(strain, time, HANN)
                kept.append([kept_snr(mass, roll_off, psd, best) for mass in CHIRP_MASSES])
                inverse.append(np.median((best / psd)[BAND < 30.0]))
            means = ", ".join(f"{value:.3f}" for value in np.mean(kept, axis=0))
            LOGGER.info("%5s %4.1f: %s; %.2f", corner, roll_off, means, min(inverse))


def compare_spectra() -> None:
    """Reports the table of methods."""
    conditioning, methods = Conditioning(), {"median": MEDIAN, "regularised": SpectrumSettings()}
    power: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    score: dict[str, list[float]] = {name: [] for name in methods}
    for name, strain, time in recordings():
        single = compute_stretches(strain, SpectrumSettings(), conditioning, exclude=(time - 2.0, time + 2.0))
        places = np.rint(BAND * 4.0).astype(int)
        everything = {
            name: compute_stretches(strain, settings, conditioning, exclude=(time - 2.0, time + 2.0))
            for name, settings in methods.items()
        }
        for values, start in zip(single.values[:, places], single.starts, strict=True):
            for method, settings in methods.items():
                others = leave_out(everything[method], (start, start + 4.0), settings)
                psd = average(others, settings, conditioning).at(BAND)
                power[method].append(values / psd)
                score[method].append(float(np.mean(np.log(psd) + values / psd)))
        LOGGER.info("%s: %d stretches", name, len(single.starts))
    for method in methods:
        found = np.array(power[method])
        parts = [found[:, (low <= BAND) & (high > BAND)].mean() for low, high in ((20, 30), (30, 100), (100, 1024))]
        gain = 1000 * (np.mean(score[method]) - np.mean(score["median"]))
        shown = ", ".join(f"{value:.3f}" for value in parts)
        LOGGER.info("%s: whitened power in 20-30, 30-100, 100-1024 Hz: %s; score %.0f", method, shown, gain)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wall", type=float, default=1.0)
    wall = parser.parse_args().wall
    compare_windows(wall)
    if wall == 1.0:
        compare_spectra()
