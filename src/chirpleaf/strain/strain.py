"""Regularly sampled strain of one detector.

Sample i is at GPS time `start_time + i / sample_rate`. Open data are NaN at times when a detector did not observe.
Gaps are allowed outside the analysed interval; `gaps` and `good_stretches` list them.

GPS times are float64 seconds: present values of about 1.4e9 s have a resolution of 0.24 microseconds, 1/1000 of a
sample at 4096 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import SupportsFloat

import numpy as np
from jaxtyping import Bool, Float64

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.strain.quality import DataQuality
from chirpleaf.system.arrays import make_real_array

Series = Float64[np.ndarray, "sample"]
"""Regularly sampled time series, shape (n,)."""

DecimatedSeries = Float64[np.ndarray, "decimated_sample"]
"""Time series at a reduced sampling rate, shape (m,)."""

Spectrum = Float64[np.ndarray, "frequency"]
"""Values at increasing frequencies, shape (F,)."""

LATEST = 1e11
"""Largest GPS time in s, some thousand years from now; float64 resolves it to 15 microseconds."""

HIGHEST_RATE = 2.0**20
"""Highest sampling rate in Hz, far above that of any channel. The filter that decimates grows with the rate."""

STOP_BAND_DECIBEL = 100.0
"""Attenuation of the anti-alias filter above the new Nyquist frequency in dB (amplitude / 1e5)."""

PASS_BAND = 0.8
"""Fraction of the new Nyquist frequency up to which the anti-alias filter is flat to 1e-5."""


@dataclass(frozen=True, eq=False)
class Strain:
    """Strain of one detector.

    Attributes:
        detector: prefix of the detector, such as `"H1"`.
        values: strain, shape (n,), dimensionless, float64; NaN where the detector did not observe. Integers
            and other floating-point numbers are converted; masked values of numpy become NaN.
        start_time: GPS time of the first sample in s.
        sample_rate: samples per second in Hz.
        quality: bits of data quality and hardware injections; None if unknown.

    Raises:
        InputError: if the values are not one series of finite real numbers or NaN, or another field is invalid.

    Example:
        >>> strain = Strain("H1", np.zeros(32 * 4096), start_time=1126259447.0, sample_rate=4096.0)
        >>> strain.duration
        32.0
        >>> strain.segment(1126259460.4, 4.0).start_time
        1126259460.399902...
    """

    detector: str
    values: Series
    start_time: float
    sample_rate: float
    quality: DataQuality | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.detector, str):
            raise InputError(f"expected the name of a detector, such as H1; got {self.detector!r}: write it as text")
        values = make_real_array(f"{self.detector} strain", self.values)
        if values.ndim != 1 or values.size == 0:
            raise InputError(
                f"{self.detector} strain: expected one series of shape (n,); got shape {values.shape}; "
                "pass one detector's samples at a time"
            )
        if np.isinf(values).any():
            raise InputError(f"{self.detector} strain: expected finite values or NaN; got inf; mark bad samples as NaN")
        start, rate = _to_number(self.start_time), _to_number(self.sample_rate)
        if not (0 < rate <= HIGHEST_RATE and abs(start) <= LATEST):
            raise InputError(
                f"{self.detector} strain: expected a finite GPS start and a positive rate; got start "
                f"{self.start_time!r} and rate {self.sample_rate!r}; check the file's header"
            )
        if not isinstance(self.quality, DataQuality | None):
            raise InputError(
                f"{self.detector} strain: expected quality to be DataQuality; got {type(self.quality).__name__}: leave "
                "it out"
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "start_time", start)
        object.__setattr__(self, "sample_rate", rate)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.values)

    @property
    def duration(self) -> float:
        """Length in s."""
        return len(self.values) / self.sample_rate

    @property
    def end_time(self) -> float:
        """GPS time in s of the end of the last sample: `start_time + duration`."""
        return self.start_time + self.duration

    @property
    def times(self) -> Series:
        """GPS time of each sample in s, shape (n,)."""
        return self.start_time + np.arange(len(self.values)) / self.sample_rate

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Intervals of NaN as (GPS start, GPS end) in s, in order."""
        return self._find_runs(np.isnan(self.values))

    @property
    def good_stretches(self) -> tuple[tuple[float, float], ...]:
        """Intervals without NaN as (GPS start, GPS end) in s, in order."""
        return self._find_runs(np.isfinite(self.values))

    def segment(self, start: float, duration: float) -> Strain:
        """Cut out a segment without gaps.

        The first sample is the one nearest to `start`. Use the `start_time` of the result for phases, because it can
        differ from `start` by up to half a sample.

        Args:
            start: GPS time in s.
            duration: length in s, a whole number of samples.

        Returns:
            Strain of `duration * sample_rate` samples.

        Raises:
            ShortStrainError: if the segment is not within the data.
            InputError: if it contains NaN or is not a whole number of samples.
        """
        n = round(duration * self.sample_rate)
        if n < 1 or abs(n - duration * self.sample_rate) > 1e-3:
            raise InputError(
                f"{self.detector} segment: expected a duration of a whole number of samples at {self.sample_rate:g} Hz;"
                f" got {duration} s; take a multiple of {1 / self.sample_rate:g} s"
            )
        first = round((start - self.start_time) * self.sample_rate)
        if first < 0 or first + n > len(self.values):
            raise ShortStrainError(
                f"{self.detector} segment outside the file: expected a stretch within GPS {self.start_time:.3f} to "
                f"{self.end_time:.3f}; got {start:.3f} to {start + duration:.3f}; give a longer file or another time"
            )
        cut = self.values[first : first + n]
        if missing := int(np.isnan(cut).sum()):
            raise InputError(
                f"{self.detector} segment: expected data without gaps; got {missing} samples of gaps or flat stretches "
                f"within GPS {start:.3f} to {start + duration:.3f}; take another time or omit this detector"
            )
        return replace(self, values=cut, start_time=self.start_time + first / self.sample_rate)

    def cut(self, start: float, end: float) -> Strain:
        """Cut to an interval as far as there are data, gaps included.

        Args:
            start: GPS time in s; may be infinite, as the end.
            end: GPS time in s.

        Returns:
            Strain from the sample nearest to `start` to the one nearest to `end`, without the latter.

        Raises:
            InputError: if there are no data in the interval.

        Example:
            >>> Strain("H1", np.arange(8.0), start_time=100.0, sample_rate=2.0).cut(102.5, 110.0).values.tolist()
            [5.0, 6.0, 7.0]
        """
        places = (np.array([start, end]) - self.start_time) * self.sample_rate
        first, last = np.floor(np.clip(places, 0, len(self)) + 0.5).astype(int)
        if first >= last:
            raise InputError(
                f"{self.detector} strain: expected data from GPS {start:.3f} to {end:.3f}; got GPS "
                f"{self.start_time:.3f} to {self.end_time:.3f}; give strain of that time"
            )
        return replace(self, values=self.values[first:last], start_time=self.start_time + first / self.sample_rate)

    def cut_around(self, time: float, length: float) -> Strain:
        """Cut the stretch of at most a given length around a time, within the data.

        Args:
            time: GPS time in s.
            length: in s.

        Returns:
            The stretch; the strain itself if it is not longer.
        """
        if self.duration <= length:
            return self
        start = np.clip(time - length / 2, self.start_time, self.end_time - length)
        return self.cut(float(start), float(start) + length)

    def require_detector(self, name: str) -> Strain:
        """Return the strain if it is that of a given detector.

        Args:
            name: prefix of the detector, in any case.

        Raises:
            InputError: if the strain is that of another one.
        """
        if self.detector.upper() != name.upper():
            raise InputError(f"expected strain of {name}; got that of {self.detector}; pair it with {self.detector}")
        return self

    def require_sample_rate(self, rate: float) -> Strain:
        """Return the strain at a given sampling rate, decimated if necessary.

        The strain itself is returned if it already has this rate. Decimation uses a linear-phase Kaiser low-pass filter
        without delay, flat to 1e-5 up to 0.8 of the new Nyquist frequency and attenuating by 100 dB above the Nyquist
        frequency. Samples within the length of the filter from a gap or an end of the data become NaN, a few
        hundredths of a second.

        Args:
            rate: sampling rate in Hz.

        Returns:
            Strain at this rate.

        Raises:
            InputError: if the present rate is not a whole multiple of `rate`.

        Source:
            Kaiser's window design, Oppenheim & Schafer, Discrete-Time Signal Processing, section 7.5.3.
        """
        if rate == self.sample_rate:
            return self
        factor = round(self.sample_rate / rate) if rate > 0 else 0
        if factor < 2 or abs(factor * rate - self.sample_rate) > 1e-9 * self.sample_rate:
            raise InputError(
                f"{self.detector} strain: expected a sampling rate of {rate:g} Hz or a whole multiple of it; got "
                f"{self.sample_rate:g} Hz; take the release of the data at {rate:g} Hz"
            )
        return replace(self, values=_decimate(self.values, factor), sample_rate=float(rate))

    def _find_runs(self, mask: np.ndarray) -> tuple[tuple[float, float], ...]:
        """Find the runs of True as (GPS start, GPS end)."""
        start, rate = self.start_time, self.sample_rate
        return tuple((start + low / rate, start + high / rate) for low, high in find_runs(mask))


def _to_number(value: object) -> float:
    """A time or rate; NaN if it is no number. LIGOTimeGPS counts, text and Booleans do not."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    return float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool | np.ndarray) else np.nan


def find_runs(mask: Bool[np.ndarray, " sample"]) -> list[tuple[int, int]]:
    """Find the runs of True.

    Args:
        mask: shape (n,).

    Returns:
        Indices [low, high) of each run, in order.

    Example:
        >>> find_runs(np.array([True, True, False, True]))
        [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(low), int(high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def _decimate(values: Series, factor: int) -> DecimatedSeries:
    """Apply the low-pass filter and keep every factor-th sample.

    The filter is applied by direct summation, so that a NaN affects only the samples within its length.
    """
    from scipy.signal import firwin, kaiserord, upfirdn  # noqa: PLC0415 - takes half a second, rarely needed

    taps, beta = kaiserord(STOP_BAND_DECIBEL, (1.0 - PASS_BAND) / factor)
    edge = -(-taps // (2 * factor))
    half = edge * factor
    low_pass = firwin(2 * half + 1, (1.0 + PASS_BAND) / (2.0 * factor), window=("kaiser", beta))
    kept = len(values) // factor
    thinned: DecimatedSeries = upfirdn(low_pass, values, down=factor)[edge : edge + kept]
    thinned[:edge] = np.nan
    thinned[max(kept - edge, 0) :] = np.nan
    return thinned
