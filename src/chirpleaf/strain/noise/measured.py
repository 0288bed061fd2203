"""Gaussian noise with power spectral densities measured near events.

The file is HDF5 with a group for each event, and in it a dataset for each detector. The attributes `f0` and `delta_f`
(Hz) give the frequencies of the values, `scale` (1/Hz) their unit.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.frequencies import check_frequencies
from chirpleaf.strain.noise.source import Bins, NoiseDraw, NoiseTable
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Spectrum
from chirpleaf.system.hdf5_files import check_content, open_hdf5
from chirpleaf.system.limits import find_fault


@dataclass(frozen=True)
class MeasuredNoise:
    """Gaussian noise; the power spectral densities of all detectors come from the same event.

    Attributes:
        path: HDF5 file of the densities, described at the head of this module.
    """

    path: Path

    @cached_property
    def _events(self) -> dict[str, dict[str, PowerSpectralDensity]]:
        try:
            if fault := find_fault(self.path):
                raise OSError(f"it {fault}")
            with open_hdf5(self.path) as file:
                check_content(file)
                return {
                    event: {name: _read_density(table) for name, table in group.items()}
                    for event, group in file.items()
                }
        except (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, TypeError, ValueError) as error:
            raise InputError(
                f"expected HDF5 with EVENT/DETECTOR datasets and attributes f0, delta_f, scale; got {self.path} "
                f"({error}): see chirpleaf.strain.noise.measured"
            ) from error

    def _complete_events(self, detectors: tuple[str, ...]) -> list[str]:
        """Names of the events with all of the detectors, in the order of the file."""
        complete = [event for event, group in self._events.items() if all(name in group for name in detectors)]
        if not complete:
            raise InputError(
                f"expected an event with {', '.join(detectors)}; got none in {self.path}: give another file"
            )
        return complete

    def _densities(self, event: str, detectors: tuple[str, ...], frequencies: Spectrum) -> np.ndarray:
        """Densities near an event, shape (detector, F), 1/Hz."""
        return np.stack([self._events[event][name].at(frequencies) for name in detectors])

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        """Draws an event, whose densities the noise has; see `NoiseSource.sample`.

        Args:
            detectors: names of the detectors, in order.
            frequencies: multiples of 1 / duration, increasing, shape (F,), Hz.
            duration: length of the segment, seconds.
            rng: source of randomness.

        Returns:
            The draw; its origin is the name of the event.

        Raises:
            InputError: no event of the file has all of the detectors, the file cannot be read, or the frequencies are
                not those of a segment of this duration.
        """
        check_frequencies(frequencies, duration)
        complete = self._complete_events(detectors)
        event = complete[rng.integers(len(complete))]
        return NoiseDraw(self._densities(event, detectors, frequencies), duration, event)

    def tabulate(
        self, detectors: tuple[str, ...], bins: Bins, reference_weights: np.ndarray, n: int, *, seed: int
    ) -> NoiseTable:
        """Tabulates all events with these detectors, one row for each; see `NoiseSource.tabulate`.

        Args:
            detectors: names of the detectors, in order.
            bins: bins of the whitened data.
            reference_weights: whitening weights of a reference detector, shape (bin,), Hz.
            n: not used, as the table has one row for each event.
            seed: not used, as nothing is drawn.

        Returns:
            The table, whose rows belong together across the detectors.

        Raises:
            InputError: as for `sample`.
        """
        frequencies = bins.native_frequencies
        rows = [
            bins.weights(self._densities(event, detectors, frequencies)) / reference_weights
            for event in self._complete_events(detectors)
        ]
        return NoiseTable(np.stack(rows, axis=1).astype(np.float32), coherent=True)


def _read_density(table: h5py.Dataset) -> PowerSpectralDensity:
    frequencies = table.attrs["f0"] + table.attrs["delta_f"] * np.arange(table.size)
    return PowerSpectralDensity(frequencies, table[()].astype(np.float64) * table.attrs["scale"])
