"""Shift of an answer by a burst in the analysed segment, to first order in the burst.

The maximum of the likelihood of a signal h(theta) moves by

    delta = F^-1 (dh/dtheta | g),    F_ij = (dh/dtheta_i | dh/dtheta_j),

if a burst g is added to the data (Cutler and Vallisneri 2007, equation 12), with (a | b) the noise-weighted inner
product. g is a sine-Gaussian whose largest whitened sample is `--height` standard deviations, of the phase that shifts
each parameter most. The signal has the amplitude of a signal-to-noise ratio of `--snr` in one detector.

    python benchmarks/bursts.py --height 20 --snr 20

Prints the largest shift of chirp mass, mass ratio, amplitude, phase or time, in its standard deviation.
"""

import argparse
import logging

import numpy as np

from chirpleaf.physics.signals import make_signal_model
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.noise_spectrum import estimate_spectrum

LOGGER = logging.getLogger("bursts")
DURATION, QUALITY, RATE = 8.0, 9.0, 4096.0
FREQUENCIES = np.arange(20.0, 1024.0, 1 / DURATION)
CHIRP_MASSES, CENTRES = (12.0, 30.0, 60.0), (100.0, 300.0)
OFFSETS = (-5.0, -3.0, -1.5, -0.7, 0.7, 1.5)
STEPS = {"chirp_mass": 1e-4, "mass_ratio": 1e-3}


def inner(one: np.ndarray, two: np.ndarray, psd: np.ndarray) -> complex:
    """Complex noise-weighted inner product, 4 / T sum(conj(a) b / S)."""
    return complex(4 / DURATION * np.sum(one.conj() * two / psd))


def differentiate(chirp_mass: float) -> list[np.ndarray]:
    """Derivatives of the signal: ln amplitude, phase, time, chirp mass, mass ratio; each (F,)."""
    signal = make_signal_model(WaveformSettings("IMRPhenomXAS"), "quadrupole")
    binary = {"chirp_mass": chirp_mass, "mass_ratio": 0.8, "chi_1": 0.0, "chi_2": 0.0}
    wave = signal.series(binary, FREQUENCIES)[0, 0]
    derivatives = [wave, 1j * wave, -2j * np.pi * FREQUENCIES * wave]
    for name, step in STEPS.items():
        ends = [signal.series({**binary, name: binary[name] + sign * step}, FREQUENCIES)[0, 0] for sign in (1, -1)]
        derivatives.append((ends[0] - ends[1]) / (2 * step))
    return derivatives


def sine_gaussian(centre: float, offset: float, height: float, psd: np.ndarray) -> np.ndarray:
    """Analytic sine-Gaussian at a time after the merger (s), its largest whitened sample `height`; shape (F,)."""
    width = centre / QUALITY
    burst = np.exp(-(((FREQUENCIES - centre) / width) ** 2) - 2j * np.pi * FREQUENCIES * offset)
    amplitude = np.abs(burst) / np.sqrt(psd * DURATION / 2)
    peak = 2 * amplitude.sum() / np.sqrt(2 * len(FREQUENCIES))
    return np.asarray(burst * height / peak)


def shift(derivatives: list[np.ndarray], burst: np.ndarray, snr: float, psd: np.ndarray) -> float:
    """Largest shift of a parameter in its standard deviation."""
    scale = snr / np.sqrt(inner(derivatives[0], derivatives[0], psd).real)
    scaled = [scale * one for one in derivatives]
    covariance = np.linalg.inv([[inner(one, two, psd).real for two in scaled] for one in scaled])
    moved = covariance @ np.array([inner(one, burst, psd) for one in scaled])
    return float(np.max(np.abs(moved) / np.sqrt(np.diag(covariance))))


def main() -> None:
    """Prints the table, for the noise spectrum of an embedded event."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=float, default=20.0)
    parser.add_argument("--snr", type=float, default=20.0)
    parser.add_argument("--event", default="GW150914")
    parser.add_argument("--detector", default="L1")
    arguments = parser.parse_args()
    strain = load_event(arguments.event)[arguments.detector]
    time = events()[arguments.event].trigger_time
    psd = estimate_spectrum(strain, exclude=(time - 6.0, time + 2.0)).at(FREQUENCIES)
    LOGGER.info("offset from the merger (s): %s", ", ".join(f"{offset:g}" for offset in OFFSETS))
    for chirp_mass in CHIRP_MASSES:
        derivatives = differentiate(chirp_mass)
        for centre in CENTRES:
            shifts = [
                shift(derivatives, sine_gaussian(centre, offset, arguments.height, psd), arguments.snr, psd)
                for offset in OFFSETS
            ]
            LOGGER.info("chirp mass %g, %g Hz: %s", chirp_mass, centre, ", ".join(f"{value:.2f}" for value in shifts))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
