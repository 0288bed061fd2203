"""One-sided power spectral densities of detector noise: interpolation and writing.

`chirpleaf.strain.psd_estimation` estimates them from strain, `chirpleaf.strain.psd_files` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Bool

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Spectrum
from chirpleaf.system.arrays import make_real_array
from chirpleaf.system.files import write_atomically

EDGE_TOLERANCE = 1e-3
"""Distance in Hz beyond the ends of a table at which its end value still counts: tables round their frequencies."""

COARSEST_SPACING = 1.0
"""Spacing in Hz up to which a table may end one step early: many leave out the highest frequency of a transform."""

MOST_NOTCHED = 0.1
"""Largest share of the frequencies at which the density may be zero or infinite. A higher one would accept tables
without values in the analysed band."""

NOTCH_DEPTH = 1e6
"""Factor by which the density exceeds its surroundings where the table is zero or infinite (decision 55). A lower one
leaves these frequencies a weight in the likelihood; a higher one leads the network further from its training."""


@dataclass(frozen=True, eq=False)
class PowerSpectralDensity:
    """One-sided power spectral density of a detector's noise on a grid of frequencies.

    Values may be zero, infinite or NaN outside the analysed band, as in files that have no data below the band. Zero or
    infinity within the band is a notch: these frequencies have no weight.

    Attributes:
        frequencies: shape (F,), strictly increasing, in Hz.
        values: shape (F,), in 1/Hz.
        note: what a reader did to the values of the file, for the user; empty if nothing.

    Raises:
        InputError: if they are no real numbers, the shapes differ, or the frequencies do not increase.

    Example:
        >>> flat = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))
        >>> flat.at(np.array([20.0, 1024.0]))
        array([1.e-46, 1.e-46])
    """

    frequencies: Spectrum
    values: Spectrum
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("frequencies", "values"):
            object.__setattr__(self, name, make_real_array(f"{name} of a power spectral density", getattr(self, name)))
        if self.frequencies.ndim != 1 or self.frequencies.size < 2 or self.frequencies.shape != self.values.shape:
            raise InputError(
                "power spectral density: expected frequencies and values of one shape (F,) with F >= 2; got "
                f"{self.frequencies.shape} and {self.values.shape}; give one value per frequency"
            )
        if not (np.isfinite(self.frequencies).all() and (np.diff(self.frequencies) > 0).all()):
            raise InputError(
                "power spectral density: expected finite, strictly increasing frequencies in Hz; got others; sort them"
            )

    def at(self, frequencies: Spectrum, detector: str = "") -> Spectrum:
        """Interpolate the logarithm of the density linearly in frequency.

        Args:
            frequencies: shape (F,), in Hz.
            detector: its name, for messages.

        Returns:
            Density of shape (F,), in 1/Hz, finite and positive; very large next to values that are zero or infinite.

        Raises:
            InputError: if a frequency lies outside the range or next to a value that is negative or NaN, or most lie
                next to values that are zero or infinite.
        """
        wanted = self._clip(np.asarray(frequencies, dtype=np.float64), detector)
        wrong = np.isnan(self.values) | (self.values < 0)
        notch = np.isinf(self.values) | (self.values == 0)
        bad, notched = self._is_beside(wanted, wrong), self._is_beside(wanted, notch)
        if np.mean(notched) > MOST_NOTCHED:
            bad |= notched
        if bad.any():
            raise InputError(
                f"{_name(detector)}: expected finite, positive values in the analysed band; got others "
                f"near {wanted[bad].min():g} Hz; give a density that covers the analysed band"
            )
        good = ~(wrong | notch)
        interpolated: Spectrum = np.exp(np.interp(wanted, self.frequencies[good], np.log(self.values[good])))
        interpolated[notched] *= NOTCH_DEPTH
        return interpolated

    def find_notches(self, frequencies: Spectrum) -> tuple[tuple[float, float], ...]:
        """Intervals of frequencies that have no weight, as (lowest, highest) in Hz.

        Args:
            frequencies: increasing, shape (F,), in Hz.
        """
        wanted = np.asarray(frequencies, dtype=np.float64)
        notched = self.is_notched(wanted)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], notched, [False])).astype(np.int8)))
        return tuple((float(wanted[low]), float(wanted[high - 1])) for low, high in edges.reshape(-1, 2))

    def is_notched(self, frequencies: Spectrum) -> Bool[np.ndarray, " frequency"]:
        """Whether frequencies have no weight, shape (F,).

        Args:
            frequencies: shape (F,), in Hz.
        """
        return self._is_beside(self._clip(frequencies), np.isinf(self.values) | (self.values == 0))

    def _clip(self, frequencies: Spectrum, detector: str = "") -> Spectrum:
        """Frequencies within the range of the table; those that round beyond its ends are moved to the ends."""
        lowest, highest = self.frequencies[0], self.frequencies[-1]
        spacing = float(highest - self.frequencies[-2])
        margin = spacing if spacing <= COARSEST_SPACING else EDGE_TOLERANCE
        if not ((frequencies >= lowest - EDGE_TOLERANCE) & (frequencies <= highest + margin)).all():
            raise InputError(
                f"{_name(detector)}: expected values from {frequencies.min():g} to {frequencies.max():g} Hz; got those "
                f"from {lowest:g} to {highest:g} Hz; give a density that covers the analysed band"
            )
        clipped: Spectrum = np.clip(frequencies, lowest, highest)
        return clipped

    def _is_beside(self, frequencies: Spectrum, marked: np.ndarray) -> np.ndarray:
        """Whether the table is marked at the neighbours of a frequency."""
        below = np.searchsorted(self.frequencies, frequencies, side="right") - 1
        above = np.searchsorted(self.frequencies, frequencies, side="left")
        found: np.ndarray = marked[below] | marked[above]
        return found

    def write(self, path: str | Path) -> None:
        """Write the density to a file for `read_psd`: HDF5 (.h5, .hdf, .hdf5), otherwise two columns of text.

        Args:
            path: the file; overwritten if it exists.
        """
        with write_atomically(Path(path)) as scratch:
            if _is_hdf5_name(scratch):
                with h5py.File(scratch, "w") as file:
                    for name, unit in (("frequencies", "Hz"), ("values", "1/Hz")):
                        file.create_dataset(name, data=getattr(self, name)).attrs["unit"] = unit
                return
            np.savetxt(
                scratch,
                np.column_stack([self.frequencies, self.values]),
                fmt="%.17g",
                header="frequency (Hz)  one-sided power spectral density (1/Hz)",
            )


def _name(detector: str) -> str:
    return f"{detector} power spectral density".strip()


def _is_hdf5_name(path: Path) -> bool:
    return path.suffix in (".h5", ".hdf", ".hdf5")
