"""Conditioning of strain before its Fourier transform: a high-pass filter and a window.

Below 20 Hz the noise rises by many orders of magnitude. A window with short roll-offs lets this wall leak into the
analysed band. A high-pass filter removes the wall before the window is applied. It is a Butterworth filter of order N,
applied forwards and backwards, so that it has no delay:

    H(f) = 1 / (1 + (f_c / f)^(2 N)).

**The likelihood stays exact.** After window and Fourier transform, the strain is divided by H(f), and a power spectral
density by H(f)^2. Signals and densities from other sources then need no filter. With x the strain and w the window,

    d(f) = F[w (H x)] / H(f),

which equals F[w x] wherever a signal lies in the flat part of the window. What remains is the approximation of every
analysis with a window: the part of a signal in the roll-offs is lost. The filter widens the roll-offs of a signal by
the length of its impulse response, which falls by a factor e in 1 / (2 pi f_c sin(pi / 2 N)) = 0.054 s.

The filter is applied by the Fourier transform of numpy: `scipy.signal` takes half a second to import. Each run of data
without gaps is filtered by itself, continued at both ends by its point reflection (as `scipy.signal.sosfiltfilt` does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from types import NoneType

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Series, Spectrum, Strain, find_runs
from chirpleaf.system.checks import check_kind

ORDER = 8
"""Order N of the Butterworth filter. A higher order is steeper, but its impulse response is longer."""

_EASY_LENGTH = 1024
"""Transforms of a multiple of this length are fast."""

MARGIN = 2.0
"""Length of the data on either side of a segment that are filtered with it, and of the reflected continuation where
there are none, seconds. The impulse response has decayed by a factor 1e-16 there."""


@dataclass(frozen=True)
class Conditioning:
    """Filter and window that the strain is conditioned with.

    The defaults are chosen by measurement on recorded noise (decision 44 in docs/decisions.md).

    Attributes:
        high_pass: corner frequency f_c of the high-pass filter in Hz, where it halves the amplitude; at most the lowest
            analysed frequency. None for no filter. A higher corner removes more of the wall below 20 Hz, but amplifies
            what leaks into the band near the corner.
        roll_off: length of each roll-off of the Tukey window in s. Longer roll-offs let less of the spectral lines and
            of the wall below 20 Hz leak into the band, but leave a shorter flat part for the signal. The segment ends
            2 s after the trigger.

    Raises:
        InputError: a setting is no number, negative or not finite.

    Example:
        >>> float(Conditioning().response(np.array([20.0]))[0]).__round__(4)
        0.9901
        >>> STANDARD.response(np.array([20.0]))
        array([1.])
    """

    high_pass: float | None = 15.0
    roll_off: float = 1.0

    def __post_init__(self) -> None:
        check_kind("Conditioning.high_pass", self.high_pass, Real, NoneType)
        check_kind("Conditioning.roll_off", self.roll_off, Real)
        if self.high_pass is not None and not 0.0 < self.high_pass < np.inf:
            raise InputError(
                f"conditioning: expected a positive corner of the high-pass filter in Hz; got {self.high_pass}; "
                "use 15, or none"
            )
        if not 0.0 <= self.roll_off < np.inf:
            raise InputError(f"conditioning: expected a roll-off of at least 0 s; got {self.roll_off}; use 1")

    def check_corner(self, lowest: float, remedy: str) -> None:
        """Refuses frequencies below the corner of the high-pass filter, where little of the strain is left.

        Args:
            lowest: lowest frequency that is used, Hz.
            remedy: end of the message.

        Raises:
            InputError: it lies below the corner.
        """
        if self.high_pass is not None and lowest < self.high_pass:
            raise InputError(
                f"conditioning: expected a corner of the high-pass filter of at most {lowest:g} Hz, the lowest "
                f"frequency that is used; got {self.high_pass:g} Hz: {remedy}"
            )

    def response(self, frequencies: Spectrum) -> Spectrum:
        """Compute the response H(f) of the high-pass filter; it is real.

        Args:
            frequencies: shape (F,), Hz.

        Returns:
            Dimensionless, shape (F,), from 0 to 1; zero at 0 Hz.
        """
        if self.high_pass is None:
            return np.ones(len(frequencies))
        with np.errstate(divide="ignore", over="ignore"):
            response: Spectrum = 1.0 / (1.0 + (self.high_pass / frequencies) ** (2 * ORDER))
        return response

    def filter(self, strain: Strain) -> Strain:
        """Apply the high-pass filter to each run of data without gaps.

        Args:
            strain: strain of one detector; NaN in its gaps.

        Returns:
            The filtered strain, with the same gaps.
        """
        if self.high_pass is None:
            return strain
        values = strain.values.copy()
        for low, high in find_runs(np.isfinite(values)):
            values[low:high] = self._filter_run(values[low:high], strain.sample_rate)
        return replace(strain, values=values)

    def cut(self, strain: Strain, start: float, duration: float) -> Strain:
        """Cut out a segment and apply the high-pass filter, with the data on either side as far as there are any.

        Args:
            strain: strain of one detector.
            start: GPS time in s.
            duration: length in s.

        Returns:
            The filtered segment, without window.

        Raises:
            InputError: as `Strain.segment`.
        """
        piece = strain.segment(start, duration)
        if self.high_pass is None:
            return piece
        first = round((piece.start_time - strain.start_time) * strain.sample_rate)
        margin = round(MARGIN * strain.sample_rate)
        before = _count_good(strain.values[max(first - margin, 0) : first][::-1])
        after = _count_good(strain.values[first + len(piece) : first + len(piece) + margin])
        wide = strain.values[first - before : first + len(piece) + after]
        filtered = self._filter_run(wide, strain.sample_rate)[before : before + len(piece)]
        return replace(piece, values=np.ascontiguousarray(filtered))

    def _filter_run(self, values: Series, sample_rate: float) -> Series:
        """Filter a series without gaps."""
        margin = min(round(MARGIN * sample_rate), len(values) - 1)
        reflected_start = 2 * values[0] - values[margin:0:-1]
        margin_after = min(margin + -(len(values) + 2 * margin) % _EASY_LENGTH, len(values) - 1)
        reflected_end = 2 * values[-1] - values[-2 : -margin_after - 2 : -1]
        extended = np.concatenate([reflected_start, values, reflected_end])
        spectrum = np.fft.rfft(extended) * self.response(np.fft.rfftfreq(len(extended), 1.0 / sample_rate))
        filtered: Series = np.fft.irfft(spectrum, len(extended))[margin : margin + len(values)]
        return filtered


def _count_good(values: Series) -> int:
    """Count the samples before the first gap."""
    gaps = np.flatnonzero(np.isnan(values))
    return int(gaps[0]) if len(gaps) else len(values)


DEFAULT_CONDITIONING = Conditioning()
"""The conditioning of an analysis unless the user asks for another."""

STANDARD = Conditioning(high_pass=None, roll_off=0.2)
"""No filter and roll-offs of 0.2 s: the conditioning of many published analyses with segments of 4 s."""
