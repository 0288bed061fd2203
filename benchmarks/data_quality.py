"""Checks of the data: false alarms on simulated and recorded noise, and what is found of disturbances.

Strain of 32 s is analysed as an event at 15.4 s: noise spectrum from the data outside of the segment of 8 s, then the
checks of `chirpleaf.inference.trust`. Simulated strain is Gaussian noise of the spectra of `EnsembleNoise`, so that no
alarm is right. Recorded strain is that of the embedded events, at times away from the signal; other text files of the
Open Science Center can be named, as those in the source distribution of pyRing. An alarm there may be right.

    python benchmarks/data_quality.py --stretches 400 --seed 7 [--recorded H1=FILE --recorded L1=FILE ...]
"""

import argparse
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.noise_spectra import NoiseData
from chirpleaf.inference.trust.data import examine_samples, find_level
from chirpleaf.inference.trust.whitened import examine_segment
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain import Strain, load_event
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING
from chirpleaf.strain.events import events
from chirpleaf.strain.flaws import find_flaws
from chirpleaf.strain.noise import EnsembleNoise
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM, estimate_spectrum
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.readers import read
from chirpleaf.strain.segment import AFTER_TRIGGER, cut_segment

LOGGER = logging.getLogger("data_quality")
Array = NDArray[np.float64]
Case = tuple[Strain, PowerSpectralDensity | None]
"""Strain, and the spectrum that is given with it; None for one that is estimated from it."""
MakeCase = Callable[[Strain, PowerSpectralDensity, np.random.Generator], Case]
RATE, LENGTH, DURATION, TRIGGER, CHIRP_MASS = 4096, 32, 8.0, 15.4, 30.0
FREQUENCIES: Array = np.arange(20 * 8, 1024 * 8 + 1) / 8.0
COARSE: Array = np.arange(20 * 4, 1024 * 4 + 1) / 4.0
WALL = 10.0
"""Exponent of the rise of the simulated spectra below 20 Hz."""


def simulate(rng: np.random.Generator, source: EnsembleNoise) -> tuple[Strain, PowerSpectralDensity]:
    """Gaussian noise of a drawn spectrum, 32 s, and an estimate of the spectrum from other noise of it, 32 s."""
    density = source.sample(("H1",), COARSE, 4.0, rng).psd[0]
    duration = 2 * LENGTH
    frequencies = np.arange(RATE * duration // 2 + 1) / duration
    psd = np.interp(frequencies, COARSE, density)
    low = frequencies < COARSE[0]
    psd[low] = density[0] * (COARSE[0] / np.maximum(frequencies[low], 5.0)) ** WALL
    made = []
    for _ in range(2):
        parts = rng.standard_normal((2, len(frequencies))) * np.sqrt(psd * duration / 4.0)
        values = np.fft.irfft(parts[0] + 1j * parts[1], RATE * duration) * RATE
        first = RATE * LENGTH // 2
        made.append(Strain("H1", values[first : first + RATE * LENGTH], 0.0, RATE))
    return made[0], estimate_spectrum(made[1])


def examine(strain: Strain, trigger: float, given: PowerSpectralDensity | None = None) -> tuple[Finding, ...]:
    """The findings on strain, analysed as an event."""
    search = (trigger + AFTER_TRIGGER - DURATION, trigger + AFTER_TRIGGER)
    flaws = find_flaws(strain, trigger, search=(strain.start_time, strain.end_time))
    noise = NoiseData.select(strain, flaws, [DURATION], DEFAULT_SPECTRUM, DEFAULT_CONDITIONING)
    spectrum = given or noise.estimate()
    segment = cut_segment(
        {strain.detector: strain},
        {strain.detector: spectrum},
        reference_time=trigger,
        duration=DURATION,
        frequencies=FREQUENCIES,
    )
    low, high = (round((end - strain.start_time) * strain.sample_rate) for end in search)
    cut = replace(strain, values=strain.values[low:high])
    bursts = tuple(
        Finding("data.burst", Level.REFUSE, flaw.describe(trigger)) for flaw in flaws.find("burst", within=search)
    )
    whitened = examine_segment(segment, 0, CHIRP_MASS, roll_off=DEFAULT_CONDITIONING.roll_off, known=given is not None)
    return (*bursts, *examine_samples(cut, find_level(spectrum)), *whitened)


def add_burst(strain: Strain, spectrum: PowerSpectralDensity, snr: float, rng: np.random.Generator) -> Strain:
    """A sine-Gaussian of a signal-to-noise ratio, 0.5 to 4 s before the trigger."""
    frequency, quality = np.exp(rng.uniform(np.log(40.0), np.log(400.0))), rng.uniform(4.0, 20.0)
    t = strain.times - (TRIGGER - rng.uniform(0.7, 4.0))
    shape = np.exp(-(((2 * np.pi * frequency * t) / quality) ** 2) / 2) * np.cos(2 * np.pi * frequency * t)
    transform = np.fft.rfft(shape) / RATE
    at = np.fft.rfftfreq(len(shape), 1 / RATE)
    inside = (at > COARSE[0]) & (at < COARSE[-1])
    loudness = np.sqrt(4 * np.sum(np.abs(transform[inside]) ** 2 / spectrum.at(at[inside])) / LENGTH)
    return replace(strain, values=strain.values + snr / loudness * shape)


def scale_spectrum(factor: float) -> MakeCase:
    """The case of a given spectrum that is off by a factor."""
    return lambda strain, spectrum, _: (strain, replace(spectrum, values=spectrum.values * factor))


def burst_case(snr: float) -> MakeCase:
    """The case of a sine-Gaussian in the strain."""
    return lambda strain, spectrum, rng: (add_burst(strain, spectrum, snr, rng), None)


CASES: dict[str, MakeCase] = {
    "noise, estimated spectrum": lambda strain, *_: (strain, None),
    "noise, spectrum of other noise given": scale_spectrum(1.0),
    "spectrum 1.1 times too large": scale_spectrum(1.1),
    "spectrum 1.2 times too large": scale_spectrum(1.2),
    "spectrum 0.8 times": scale_spectrum(0.8),
    "spectrum 2 times too large": scale_spectrum(2.0),
    **{f"sine-Gaussian of SNR {snr:g}": burst_case(snr) for snr in (8.0, 12.0, 20.0, 40.0)},
    "rounded to 1e-19": lambda strain, *_: (replace(strain, values=np.round(strain.values / 1e-19) * 1e-19), None),
    "clipped at 2 sigma": lambda strain, *_: (
        replace(strain, values=np.clip(strain.values, *np.quantile(strain.values, (0.025, 0.975)))),
        None,
    ),
}


def count(found: list[tuple[Finding, ...]]) -> str:
    """Shares of doubtful and refused stretches, and the checks that spoke."""
    levels = [max((one.level for one in each), default=Level.NOTE) for each in found]
    checks = Counter(check for each in found for check in {one.check for one in each if one.level > Level.NOTE})
    warned, refused = (
        100 * sum(level is wanted for level in levels) / len(found) for wanted in (Level.WARN, Level.REFUSE)
    )
    named = ", ".join(f"{check.removeprefix('data.')} {number}" for check, number in checks.most_common())
    return f"| {len(found)} | {warned:.1f} | {refused:.1f} | {named} |"


def off_source(strain: Strain, signal: float) -> Iterator[float]:
    """Times in steps of a second at which a segment of the strain does not hold the signal."""
    for time_ in np.arange(strain.start_time + DURATION - AFTER_TRIGGER + 0.2, strain.end_time - AFTER_TRIGGER, 1.0):
        if time_ + AFTER_TRIGGER < signal - 0.5 or time_ + AFTER_TRIGGER - DURATION > signal + 0.5:
            yield float(time_)


def main() -> None:
    """Prints the tables."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stretches", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cases", default="", help="text that the names of the simulated cases contain")
    parser.add_argument("--no-events", action="store_true", help="leave the embedded events out")
    parser.add_argument("--recorded", action="append", default=[], metavar="H1=FILE")
    parser.add_argument("--signal", type=float, default=np.inf, help="GPS time of a signal in the recorded files")
    arguments = parser.parse_args()
    LOGGER.info("%s", "| strain | stretches | WARN (%) | REFUSE (%) | checks |\n|---|---|---|---|---|")
    for case, change in CASES.items():
        if arguments.cases not in case:
            continue
        rng, source, found = np.random.default_rng(arguments.seed), EnsembleNoise(), []
        for _ in range(arguments.stretches if case.startswith("noise") else max(arguments.stretches // 4, 1)):
            strain, spectrum = simulate(rng, source)
            changed, given = change(strain, spectrum, rng)
            found.append(examine(changed, TRIGGER, given))
        LOGGER.info("| %s %s", case, count(found))
    recorded = {
        f"{name} {detector}": (strain, events()[name].trigger_time)
        for name in ([] if arguments.no_events else events())
        for detector, strain in load_event(name).items()
    }
    for pair in arguments.recorded:
        detector, _, path = pair.partition("=")
        recorded[path.rpartition("/")[2]] = (read(path, detector), arguments.signal)
    for name, (strain, signal) in recorded.items():
        LOGGER.info("| %s, off source %s", name, count([examine(strain, one) for one in off_source(strain, signal)]))
        if np.isfinite(signal):
            LOGGER.info("| %s, the event %s", name, count([examine(strain, signal)]))


if __name__ == "__main__":
    main()
