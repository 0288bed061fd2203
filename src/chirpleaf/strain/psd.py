"""One-sided power spectral densities of detector noise: estimated, read, written, interpolated.

The estimate is Welch's with a median over the periodograms of overlapping, windowed stretches x_k of N samples:

    S(f) = median_k { 2 |sum_j w_j x_kj exp(-2 pi i f j dt)|^2 dt / (N mean(w^2)) } / bias(K)

(Welch 1967, IEEE Trans. Audio Electroacoust. 15, 70; the median and its bias: Allen et al., arXiv:gr-qc/0509116,
appendix B). The median shrugs off a glitch or a signal in a few of the stretches. mean(w^2) is the power of the
estimate's own window and appears nowhere else: see `chirpleaf.strain.windows`.

With 4 s stretches, half overlapping, rolling off over 0.2 s it equals
`scipy.signal.welch(x, fs, tukey(4 * fs, 0.1), 4 * fs, 2 * fs, detrend=False, average="median")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Spectrum, Strain
from chirpleaf.strain.windows import power, tukey
from chirpleaf.system.files import write_atomically

MINIMUM_SEGMENTS = 7
"""Fewest stretches that make an estimate: 16 s of 4 s stretches, half overlapping."""

HDF5_NAMES = (("frequencies", "values"), ("frequency_array", "psd_array"))
"""Pairs of dataset names that hold a density: chirpleaf's, and the attribute names of bilby."""


@dataclass(frozen=True, eq=False)
class PowerSpectralDensity:
    """One-sided power spectral density of a detector's noise on a grid of frequencies.

    Values may be zero, infinite or NaN at frequencies that nobody asks for, as in files that are empty below the band.

    Attributes:
        frequencies: shape (F,), strictly increasing, in Hz.
        values: shape (F,), in 1/Hz.

    Raises:
        InputError: if the two do not match or the frequencies do not increase.

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
                f"{self.frequencies.shape} and {self.values.shape}; give one value a frequency"
            )
        if not (np.isfinite(self.frequencies).all() and (np.diff(self.frequencies) > 0).all()):
            raise InputError(
                "power spectral density: expected finite, strictly increasing frequencies in Hz; got others; sort them"
            )

    def at(self, frequencies: Spectrum) -> Spectrum:
        """Density at other frequencies: the logarithm is interpolated linearly in frequency.

        Args:
            frequencies: shape (F,), in Hz.

        Returns:
            Density of shape (F,), in 1/Hz, finite and positive.

        Raises:
            InputError: if a frequency lies outside, or next to a value that is zero, negative or not finite.
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
        """Write a file that `read_psd` reads: HDF5 if the name ends in .h5, .hdf or .hdf5, else two columns of text.

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


def welch(
    strain: Strain,
    *,
    segment_duration: float = 4.0,
    overlap: float = 0.5,
    roll_off: float = 0.2,
    average: Literal["median", "mean"] = "median",
    exclude: tuple[float, float] | None = None,
) -> PowerSpectralDensity:
    """Estimate the power spectral density of a detector's noise from its strain.

    Gaps and the excluded interval are left out: each stretch that is transformed lies within one uninterrupted run of
    good data.

    Args:
        strain: data of one detector.
        segment_duration: length of the stretches in s; the spacing of the frequencies is its inverse.
        overlap: fraction of a stretch that the next one shares with it, in [0, 1).
        roll_off: length in s over which the Tukey window rises, and falls.
        average: how the periodograms are combined; the median is corrected for its bias.
        exclude: (GPS start, GPS end) in s to leave out, such as the signal's.

    Returns:
        Density at the frequencies 0, 1 / segment_duration, ... up to half the sampling rate.

    Raises:
        InputError: if there are too few good seconds, or a setting makes no sense.

    Source:
        Welch (1967), IEEE Trans. Audio Electroacoust. 15, 70; arXiv:gr-qc/0509116, appendix B.

    Example:
        >>> noise = Strain("H1", np.random.default_rng(1).normal(size=32 * 256), 0.0, 256.0)
        >>> psd = welch(noise)
        >>> round(float(np.mean(psd.values[1:-1])) * 256 / 2, 1)
        1.0
    """
    if average not in ("median", "mean"):
        raise InputError(
            f"power spectral density: expected average 'median' or 'mean'; got {average!r}; mend the setting"
        )
    frequencies, spectra = _periodograms(strain, segment_duration, overlap, roll_off, exclude)
    return PowerSpectralDensity(frequencies, np.mean(spectra, axis=0) if average == "mean" else _median(spectra))


def bootstrap(
    strain: Strain,
    n: int,
    rng: np.random.Generator,
    *,
    segment_duration: float = 4.0,
    overlap: float = 0.5,
    roll_off: float = 0.2,
    exclude: tuple[float, float] | None = None,
) -> Iterator[PowerSpectralDensity]:
    """Median Welch estimates that might as well have been found: the stretches are drawn anew, with replacement.

    Their scatter is about that of the estimate itself (Efron 1979, doi:10.1214/aos/1176344552).

    Args:
        strain: data of one detector.
        n: how many estimates.
        rng: source of randomness.
        segment_duration: as for `welch`.
        overlap: as for `welch`.
        roll_off: as for `welch`.
        exclude: as for `welch`.

    Yields:
        Densities at the frequencies of `welch`.

    Raises:
        InputError: as `welch`.

    Example:
        >>> noise = Strain("H1", np.random.default_rng(1).normal(size=32 * 256), 0.0, 256.0)
        >>> found = np.stack([psd.values for psd in bootstrap(noise, 50, np.random.default_rng(2))])
        >>> bool(0.2 < np.median(found.std(0) / found.mean(0)) < 0.5)
        True
    """
    frequencies, spectra = _periodograms(strain, segment_duration, overlap, roll_off, exclude)
    for _ in range(n):
        yield PowerSpectralDensity(frequencies, _median(spectra[rng.integers(len(spectra), size=len(spectra))]))


def _periodograms(
    strain: Strain, segment_duration: float, overlap: float, roll_off: float, exclude: tuple[float, float] | None
) -> tuple[Spectrum, np.ndarray]:
    """Frequencies (F,) in Hz, and the one-sided periodogram of each stretch, (stretch, F), 1/Hz."""
    if not 0.0 <= overlap < 1.0:
        raise InputError(f"power spectral density: expected an overlap in [0, 1); got {overlap}; mend the setting")
    n = round(segment_duration * strain.sample_rate)
    step = n - int(overlap * n)
    window = tukey(n, roll_off * strain.sample_rate)
    runs = _good_runs(strain, exclude)
    starts = [start for low, high in runs for start in range(low, high - n + 1, step)]
    if len(starts) < MINIMUM_SEGMENTS:
        needed = (n + (MINIMUM_SEGMENTS - 1) * step) / strain.sample_rate
        good = sum(high - low for low, high in runs) / strain.sample_rate
        raise InputError(
            f"{strain.detector} power spectral density: expected at least {needed:g} s of good data; got {good:g} s in "
            f"{len(runs)} stretch(es); give a longer file or a density with --psd"
        )
    spectra = np.stack([np.abs(np.fft.rfft(window * strain.values[start : start + n])) ** 2 for start in starts])
    spectra *= 2.0 / (n * strain.sample_rate * power(window))
    spectra[:, 0] /= 2.0
    if n % 2 == 0:
        spectra[:, -1] /= 2.0
    return np.fft.rfftfreq(n, 1.0 / strain.sample_rate), spectra


def _median(spectra: np.ndarray) -> Spectrum:
    """Median over stretches, without its bias."""
    combined: Spectrum = np.median(spectra, axis=0) / median_bias(len(spectra))
    return combined


def median_bias(n: int) -> float:
    """Ratio of the expected median to the mean of n independent, exponentially distributed numbers.

    Args:
        n: how many; an even number is treated as the odd one below it.

    Returns:
        1 - 1/2 + 1/3 - ... + 1/n; it tends to ln 2.

    Source:
        arXiv:gr-qc/0509116, equation B12.
    """
    terms = np.arange(1, n + 1 if n % 2 else n)
    return float(np.sum((-1.0) ** (terms + 1) / terms))


def read_psd(path: str | Path, detector: str | None = None) -> PowerSpectralDensity:
    """Read a one-sided power spectral density from a file.

    Text holds two columns, the frequency in Hz and the density in 1/Hz (not its root), and comments that start with #.
    HDF5 holds datasets `frequencies` and `values` (as chirpleaf writes), `frequency_array` and `psd_array`, or
    two-column datasets `psds/DETECTOR`.

    Args:
        path: the file.
        detector: prefix of the detector, used where a file holds several.

    Returns:
        The density.

    Raises:
        InputError: if the file is missing or is no power spectral density.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"power spectral density: expected a file; got {path}, which does not exist; check the path")
    try:
        columns = _hdf5_columns(path, detector) if _is_hdf5_name(path) else np.loadtxt(path, ndmin=2).T
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: expected a power spectral density as two columns of text or HDF5 datasets 'frequencies' and "
            f"'values'; got a file that cannot be read so ({' '.join(str(error).split())[:120]}); mend the file"
        ) from error
    if columns.ndim != 2 or len(columns) != 2:
        raise InputError(
            f"{path}: expected two columns, frequency (Hz) and power spectral density (1/Hz); got {len(columns)}; "
            "cut the others"
        )
    if np.nanmax(columns[1], initial=-np.inf) <= 0:
        raise InputError(f"{path}: expected positive densities in 1/Hz in the second column; got none; mend the file")
    return PowerSpectralDensity(columns[0], columns[1])


def _good_runs(strain: Strain, exclude: tuple[float, float] | None) -> list[tuple[int, int]]:
    """Runs of samples [low, high) without NaN and outside the excluded interval."""
    good = np.isfinite(strain.values)
    if exclude is not None:
        bounds = (np.asarray(exclude, dtype=np.float64) - strain.start_time) * strain.sample_rate
        low, high = np.clip([np.floor(bounds[0]), np.ceil(bounds[1])], 0, len(good)).astype(int)
        good[low:high] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(np.int8)))
    return [(int(low), int(high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def _is_hdf5_name(path: Path) -> bool:
    return path.suffix in (".h5", ".hdf", ".hdf5")


def _hdf5_columns(path: Path, detector: str | None) -> np.ndarray:
    """Frequencies and values of an HDF5 file, shape (2, F)."""
    with h5py.File(path, "r") as file:
        for frequencies, values in HDF5_NAMES:
            if frequencies in file and values in file:
                return np.stack([file[frequencies][()], file[values][()]])
        group = file.get("psds", {})
        name = next(iter(group), None) if detector is None and len(group) == 1 else detector
        if name is not None and name in group:
            return np.asarray(group[name][()], dtype=np.float64).T
        raise KeyError(f"datasets {sorted(file)}, detector {detector}")
