"""One-sided power spectral densities of detector noise: interpolation, reading and writing.

`chirpleaf.strain.psd_estimation` estimates them from strain.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Spectrum
from chirpleaf.system.files import write_atomically

HDF5_NAMES = (("frequencies", "values"), ("frequency_array", "psd_array"))
"""Pairs of dataset names for frequencies and densities: those of chirpleaf and the attribute names of bilby."""


@dataclass(frozen=True, eq=False)
class PowerSpectralDensity:
    """One-sided power spectral density of a detector's noise on a grid of frequencies.

    Values may be zero, infinite or NaN outside the analysed band, as in files that have no data below the band.

    Attributes:
        frequencies: shape (F,), strictly increasing, in Hz.
        values: shape (F,), in 1/Hz.

    Raises:
        InputError: if the shapes differ or the frequencies do not increase.

    Example:
        >>> flat = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))
        >>> flat.at(np.array([20.0, 1024.0]))
        array([1.e-46, 1.e-46])
    """

    frequencies: Spectrum
    values: Spectrum

    def __post_init__(self) -> None:
        for name in ("frequencies", "values"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        if self.frequencies.ndim != 1 or self.frequencies.size < 2 or self.frequencies.shape != self.values.shape:
            raise InputError(
                "power spectral density: expected frequencies and values of one shape (F,) with F >= 2; got "
                f"{self.frequencies.shape} and {self.values.shape}; give one value per frequency"
            )
        if not (np.isfinite(self.frequencies).all() and (np.diff(self.frequencies) > 0).all()):
            raise InputError(
                "power spectral density: expected finite, strictly increasing frequencies in Hz; got others; sort them"
            )

    def at(self, frequencies: Spectrum) -> Spectrum:
        """Interpolate the logarithm of the density linearly in frequency.

        Args:
            frequencies: shape (F,), in Hz.

        Returns:
            Density of shape (F,), in 1/Hz, finite and positive.

        Raises:
            InputError: if a frequency lies outside the range, or next to a value that is zero, negative or not finite.
        """
        wanted = np.asarray(frequencies, dtype=np.float64)
        lowest, highest = self.frequencies[0], self.frequencies[-1]
        if not ((wanted >= lowest) & (wanted <= highest)).all():
            raise InputError(
                f"power spectral density: expected frequencies from {lowest:g} to {highest:g} Hz; got {wanted.min():g} "
                f"to {wanted.max():g} Hz; give a density that covers the analysed band"
            )
        good = np.isfinite(self.values) & (self.values > 0)
        below = np.searchsorted(self.frequencies, wanted, side="right") - 1
        above = np.searchsorted(self.frequencies, wanted, side="left")
        bad = ~(good[below] & good[above])
        if bad.any():
            raise InputError(
                "power spectral density: expected finite, positive values in the analysed band; got others near "
                f"{wanted[bad].min():g} Hz; give a density that covers the analysed band"
            )
        interpolated: Spectrum = np.exp(np.interp(wanted, self.frequencies[good], np.log(self.values[good])))
        return interpolated

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


def read_psd(path: str | Path, detector: str | None = None) -> PowerSpectralDensity:
    """Read a one-sided power spectral density from a file.

    A text file has two columns, frequency in Hz and power spectral density in 1/Hz (not amplitude), and comments that
    start with #. An HDF5 file has datasets `frequencies` and `values` (the format of chirpleaf), `frequency_array` and
    `psd_array`, or two-column datasets `psds/DETECTOR`.

    Args:
        path: the file.
        detector: prefix of the detector, required if the file holds several.

    Returns:
        The density.

    Raises:
        InputError: if the file is missing or does not contain a power spectral density.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"power spectral density: expected a file; got {path}, which does not exist; check the path")
    try:
        columns = _read_hdf5_columns(path, detector) if _is_hdf5_name(path) else np.loadtxt(path, ndmin=2).T
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: expected a power spectral density as two columns of text or HDF5 datasets 'frequencies' and "
            f"'values'; got a file that cannot be read as such ({' '.join(str(error).split())[:120]}); correct the file"
        ) from error
    if columns.ndim != 2 or len(columns) != 2:
        raise InputError(
            f"{path}: expected two columns, frequency (Hz) and power spectral density (1/Hz); got {len(columns)}; "
            "remove the others"
        )
    if np.nanmax(columns[1], initial=-np.inf) <= 0:
        raise InputError(
            f"{path}: expected positive densities in 1/Hz in the second column; got none; correct the file"
        )
    return PowerSpectralDensity(columns[0], columns[1])


def _is_hdf5_name(path: Path) -> bool:
    return path.suffix in (".h5", ".hdf", ".hdf5")


def _read_hdf5_columns(path: Path, detector: str | None) -> np.ndarray:
    """Read frequencies and values from an HDF5 file, shape (2, F)."""
    with h5py.File(path, "r") as file:
        for frequencies, values in HDF5_NAMES:
            if frequencies in file and values in file:
                return np.stack([file[frequencies][()], file[values][()]])
        group = file.get("psds", {})
        name = next(iter(group), None) if detector is None and len(group) == 1 else detector
        if name is not None and name in group:
            return np.asarray(group[name][()], dtype=np.float64).T
        raise KeyError(f"datasets {sorted(file)}, detector {detector}")
