"""Measured power spectral densities as a source of noise, beside the ensemble's.

The file is HDF5 with a group per event and a dataset per detector in it; attributes `f0`, `delta_f` (Hz) and `scale`
say at which frequencies, and in units of what (1/Hz), its values are.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Spectrum

Network = list[Spectrum]
"""One density for each detector, in order, 1/Hz."""


@dataclass(frozen=True)
class DrawnSpectra:
    """Densities of the ensemble, each detector's drawn on its own."""

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, rng: np.random.Generator
    ) -> tuple[Network, str]:
        """One density per detector, and the families they are of.

        Args:
            detectors: names.
            frequencies: shape (F,), Hz.
            rng: source of randomness.
        """
        draws = [PsdEnsemble((name,)).sample(1, frequencies, rng) for name in detectors]
        families = sorted({str(draw.family[0]) for draw in draws})
        return [draw.values[0] for draw in draws], "/".join(families)


@dataclass(frozen=True)
class MeasuredSpectra:
    """Densities measured near events, the detectors of one event together.

    Attributes:
        path: the file.
    """

    path: Path

    @cached_property
    def _events(self) -> dict[str, dict[str, PowerSpectralDensity]]:
        try:
            with h5py.File(self.path) as file:
                return {event: {name: _read(table) for name, table in group.items()} for event, group in file.items()}
        except (OSError, KeyError, AttributeError) as error:
            raise InputError(
                f"expected HDF5 with EVENT/DETECTOR datasets and attributes f0, delta_f, scale; got {self.path} "
                f"({error}): see chirpleaf.strain.measured"
            ) from error

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, rng: np.random.Generator
    ) -> tuple[Network, str]:
        """The densities of the detectors near one event, and the event's name.

        Args:
            detectors: names.
            frequencies: shape (F,), Hz.
            rng: source of randomness.

        Raises:
            InputError: no event of the file has all these detectors, or the file cannot be read.
        """
        complete = [event for event, group in self._events.items() if all(name in group for name in detectors)]
        if not complete:
            raise InputError(
                f"expected an event with {', '.join(detectors)}; got none in {self.path}: give another file"
            )
        event = complete[rng.integers(len(complete))]
        return [self._events[event][name].at(frequencies) for name in detectors], event


def _read(table: h5py.Dataset) -> PowerSpectralDensity:
    frequencies = table.attrs["f0"] + table.attrs["delta_f"] * np.arange(table.size)
    return PowerSpectralDensity(frequencies, table[()].astype(np.float64) * table.attrs["scale"])
