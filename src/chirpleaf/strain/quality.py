"""Data-quality and hardware-injection bits of open data: one word of bits for each second.

A bit of data quality is set while the data pass a check: `DATA` (there are data), and the categories of checks of the
searches. Data that fail category 1 (`CBC_CAT1`) are severely impaired and are not analysed. A bit of injections is set
while there is *no* hardware injection of a kind, as in its name `NO_CBC_HW_INJ`.

Source: https://gwosc.org/yellow_pages (definitions of the bits), arXiv:1912.11716, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

QUALITY_NAMES = ("DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3")
"""Bits of data quality since the first observing run, the lowest first."""

INJECTION_NAMES = ("NO_CBC_HW_INJ", "NO_BURST_HW_INJ", "NO_DETCHAR_HW_INJ", "NO_CW_HW_INJ", "NO_STOCH_HW_INJ")
"""Bits of hardware injections since the first observing run, the lowest first."""

Words = Int64[np.ndarray, " second"]
SomeWords = Int64[np.ndarray, " some"]


@dataclass(frozen=True, eq=False)
class DataQuality:
    """Bits of one detector.

    Attributes:
        start_time: GPS time of the first second.
        quality: words of data quality, shape (second,).
        injections: words of hardware injections, shape (second,).
        quality_names: names of the bits of `quality`, the lowest first.
        injection_names: names of the bits of `injections`, the lowest first.

    Example:
        >>> bits = DataQuality(1126259447.0, np.array([127, 125]), np.array([31, 23]))
        >>> bits.failed(1126259447.0, 1126259449.0), bits.hardware_injections(1126259447.0, 1126259449.0)
        (('CBC_CAT1',), ('CW',))
    """

    start_time: float
    quality: Words
    injections: Words
    quality_names: tuple[str, ...] = QUALITY_NAMES
    injection_names: tuple[str, ...] = INJECTION_NAMES

    @property
    def end_time(self) -> float:
        """GPS time of the end of the last second."""
        return self.start_time + len(self.quality)

    @property
    def impaired(self) -> tuple[tuple[float, float], ...]:
        """Intervals without usable data, as (GPS start, GPS end) in s: no data, or category 1 failed."""
        unusable = np.zeros(len(self.quality), dtype=bool)
        for bit, name in enumerate(self.quality_names):
            if name == "DATA" or (name.startswith("CBC") and name.endswith("CAT1")):
                unusable |= (self.quality >> bit & 1) == 0
        edges = self.start_time + np.flatnonzero(np.diff(np.concatenate(([False], unusable, [False])).astype(np.int8)))
        return tuple((float(low), float(high)) for low, high in zip(edges[::2], edges[1::2], strict=True))

    def failed(self, start: float, end: float) -> tuple[str, ...]:
        """Names of the checks that fail in at least one second of an interval.

        Args:
            start: GPS time in s.
            end: GPS time in s.
        """
        return _unset_bits(self._cut(self.quality, start, end), self.quality_names)

    def hardware_injections(self, start: float, end: float) -> tuple[str, ...]:
        """Kinds of hardware injections that are made in at least one second of an interval, such as "CBC".

        Args:
            start: GPS time in s.
            end: GPS time in s.
        """
        names = _unset_bits(self._cut(self.injections, start, end), self.injection_names)
        return tuple(name.removeprefix("NO_").removesuffix("_HW_INJ") for name in names)

    def _cut(self, words: Words, start: float, end: float) -> SomeWords:
        first = max(int(np.floor(start - self.start_time)), 0)
        last = max(int(np.ceil(end - self.start_time)), 0)
        return words[first:last]


def join_quality(pieces: Sequence[DataQuality | None]) -> DataQuality | None:
    """Joins bits; seconds that no piece covers have no bit of data quality set, and no injection.

    Args:
        pieces: at least one, in the order of their start; of an overlap, the later piece counts.

    Returns:
        The bits from the first to the last second; None if a piece has none, or other bits than the first.
    """
    given = [piece for piece in pieces if piece is not None]
    names = {(piece.quality_names, piece.injection_names) for piece in given}
    if len(given) < len(pieces) or len(names) != 1:
        return None
    start = given[0].start_time
    seconds = round(max(piece.end_time for piece in given) - start)
    quality, injections = np.zeros(seconds, np.int64), np.full(seconds, -1, np.int64)
    for piece in given:
        first = round(piece.start_time - start)
        quality[first : first + len(piece.quality)] = piece.quality
        injections[first : first + len(piece.injections)] = piece.injections
    return DataQuality(start, quality, injections, *names.pop())


def _unset_bits(words: SomeWords, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the bits that are not set in all words."""
    return tuple(name for bit, name in enumerate(names) if ((words >> bit & 1) == 0).any())
