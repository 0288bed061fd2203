"""A known signal in simulated or recorded noise, as time series.

Simulated noise is Gaussian with a density of one family of noise curves. The signal is computed at the multiples of one
over the length of the strain, shifted to the arrival in each detector, and transformed to the time domain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chirpleaf.diagnostics.binary_files import make_waveform_parameters
from chirpleaf.errors import InputError
from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.strain.noise import EnsembleNoise
from chirpleaf.strain.noise_spectrum import estimate_spectrum
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Strain
from chirpleaf.system.checks import check_settings

LOWEST = 10.0
"""Least frequency of signal and simulated noise, Hz, that of the noise curves; noise below has the density there."""

_AFTER = 16.0
"""Seconds of simulated strain after the arrival. Analyses need two; more would shorten the stretch before it, from
which noise spectra are estimated."""

_ANALYSED = 20.0
"""Least frequency of the shipped models, Hz; signal-to-noise ratios count what lies above."""

_MARGIN = 1.0
"""Least strain before and after the arrival, s. Less would let the signal wrap at the ends of the strain."""


@dataclass(frozen=True)
class StrainSettings:
    """Length and noise of simulated strain.

    Attributes:
        duration: length, s. More gives better noise spectra and larger files.
        sample_rate: samples per second, Hz.
        family: family of noise curves; "zero" for none.
    """

    duration: int = 128
    sample_rate: int = 4096
    family: str = "design"

    def __post_init__(self) -> None:
        check_settings(self)
        if not 32 <= self.duration <= 4096 or self.sample_rate not in (1024, 2048, 4096, 8192, 16384):
            raise InputError(
                f"expected 32 to 4096 s at 1024, 2048, 4096, 8192 or 16384 Hz; got {self.duration} s at "
                f"{self.sample_rate} Hz: 128 s at 4096 Hz are usual"
            )


def simulate_noise(
    detectors: Sequence[str], trigger_time: float, settings: StrainSettings, rng: np.random.Generator
) -> dict[str, Strain]:
    """Gaussian noise of detectors about a time.

    Args:
        detectors: names of the detectors.
        trigger_time: GPS time, s; strain begins at a whole second.
        settings: length and noise.
        rng: source of randomness.

    Raises:
        InputError: a detector has no curve of the family.
    """
    start = np.floor(trigger_time) + _AFTER - settings.duration
    size = settings.duration * settings.sample_rate
    frequencies = np.arange(size // 2 + 1) / settings.duration
    if settings.family == "zero":
        return {name: Strain(name, np.zeros(size), start, float(settings.sample_rate)) for name in detectors}
    highest = min(settings.sample_rate / 2, 2048.0)
    ensemble = PsdEnsemble(families=(settings.family,), frequency_range=(LOWEST, 2048.0), detectors=tuple(detectors))
    inside = (frequencies >= LOWEST) & (frequencies <= highest)
    draw = EnsembleNoise(ensemble).sample(tuple(detectors), frequencies[inside], float(settings.duration), rng)
    psd = np.stack([np.interp(frequencies, frequencies[inside], row) for row in draw.psd])
    series = replace(draw, psd=psd).realise(rng)
    series[:, [0, -1]] = 0.0  # a real series has no phase at zero and at the Nyquist frequency
    values = np.fft.irfft(series, size, axis=1) * settings.sample_rate
    rate = float(settings.sample_rate)
    return {name: Strain(name, row, start, rate) for name, row in zip(detectors, values, strict=True)}


def add_signal(
    strain: Mapping[str, Strain], binary: Mapping[str, float], waveform: WaveformSettings = DEFAULT_WAVEFORM
) -> dict[str, Strain]:
    """Adds the signal of a binary to strain.

    Args:
        strain: detector name to strain, of the same limits and rate.
        binary: parameters by bilby's names (`binary_files.read_binary`).
        waveform: waveform model.

    Returns:
        Detector name to strain with the signal.

    Raises:
        InputError: the strain of the detectors differs in limits or rate, does not cover the arrival, or is that of
            another one; the waveform cannot be computed, or nothing of it lies in the band of the strain.
    """
    strain = {name: one.require_detector(name) for name, one in strain.items()}
    first = next(iter(strain.values()))
    limits = {(one.start_time, one.sample_rate, len(one.values)) for one in strain.values()}
    time = binary["geocent_time"]
    if len(limits) > 1:
        raise InputError("expected strain of the same times and rate in each detector; got several: cut it first")
    if not first.start_time + _MARGIN <= time <= first.end_time - _MARGIN:
        raise InputError(
            f"expected geocent_time at least {_MARGIN:g} s within the strain of GPS {first.start_time:.0f} to "
            f"{first.end_time:.0f}, for the arrivals and the ringdown; got {time}: change it or give other files"
        )
    size, rate = len(first.values), first.sample_rate
    duration = size / rate
    frequencies = np.arange(size // 2 + 1) / duration
    lowest = _find_lowest(binary["chirp_mass"], time - first.start_time)
    if lowest >= rate / 2:
        raise _refuse_band(binary, lowest, rate)
    inside = (frequencies >= lowest) & (frequencies < rate / 2)
    empty = np.zeros((len(strain), int(inside.sum())), np.complex128)
    segment = Segment(tuple(strain), empty, np.ones(empty.shape), frequencies[inside], duration, time)
    samples = make_waveform_parameters(binary, waveform.reference_frequency)
    back = np.exp(-2j * np.pi * frequencies[inside] * (time - first.start_time))
    found = {}
    for (name, one), signal in zip(strain.items(), project_signals(segment, samples, waveform), strict=True):
        series = np.zeros(len(frequencies), np.complex128)
        if not np.isfinite(signal).all():
            polarizations(samples, frequencies[inside], waveform)  # says why
            raise InputError(
                f"expected a binary whose waveform {waveform.approximant} computes; got values that are no finite "
                f"numbers: choose {DEFAULT_APPROXIMANT} or other parameters"
            )
        if not signal.any():
            raise _refuse_band(binary, lowest, rate)
        series[inside] = signal[0] * back
        found[name] = replace(one, values=one.values + np.fft.irfft(series, size) * rate)
    return found


def measure_signal(background: Mapping[str, Strain], strain: Mapping[str, Strain]) -> dict[str, float]:
    """Optimal signal-to-noise ratio of an added signal in each detector.

    Args:
        background: detector name to noise.
        strain: the same with the signal (`add_signal`).

    Returns:
        Detector name to ratio at the frequencies of an analysis; none if there is too little good noise.
    """
    found = {}
    for name, noise in background.items():
        try:
            density = estimate_spectrum(noise)
        except InputError:
            return {}
        signal = np.fft.rfft(np.nan_to_num(strain[name].values - noise.values)) / noise.sample_rate
        frequencies = np.fft.rfftfreq(len(noise.values), 1 / noise.sample_rate)
        weight = np.interp(frequencies, density.frequencies, 1 / density.values) * (frequencies >= _ANALYSED)
        found[name] = float(np.sqrt(4 / noise.duration * (np.abs(signal) ** 2 * weight).sum()))
    return found


def _refuse_band(binary: Mapping[str, float], lowest: float, rate: float) -> InputError:
    return InputError(
        f"expected a signal in the band of the strain, {LOWEST:g} to {rate / 2:g} Hz; got none of it for masses of "
        f"{binary['mass_1']:g} and {binary['mass_2']:g} from {lowest:.4g} Hz on: change the masses"
    )


def _find_lowest(chirp_mass: float, before: float) -> float:
    """Frequency from which the inspiral takes less than the strain before the arrival, Hz, at least `LOWEST`.

    Source:
        Maggiore, Gravitational Waves (2008), equation 4.21.
    """
    seconds = SOLAR_MASS_SECONDS * chirp_mass
    return float(max(LOWEST, (5 / (256 * 0.9 * before)) ** 0.375 * seconds**-0.625 / np.pi))
