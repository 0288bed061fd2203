"""Joining the strain of one detector from several files, such as the two on either side of a boundary of 4096 s."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.quality import join_quality
from chirpleaf.strain.strain import Series, Strain
from chirpleaf.system.limits import LIMITS

LONGEST_GAP = 16384.0
"""Longest gap between two pieces in s. A longer one takes more memory than there may be, and is likely a wrong file."""

GRID_TOLERANCE = 0.02
"""Largest offset of the samples of a piece from those of the first, in samples; GPS times are rounded to 0.2 us."""

AGREEMENT = 1e-6
"""Largest relative difference of samples in an overlap, about the rounding of float32."""


def join(pieces: Sequence[Strain]) -> Strain:
    """Join strain of one detector.

    Args:
        pieces: at least one, in any order. Those of a higher sampling rate are decimated to the lowest one.

    Returns:
        Strain from the first to the last sample. NaN between pieces, and where no piece has a value.

    Raises:
        InputError: the pieces are of several detectors, far apart, sampled at other times, or disagree where they
            overlap.

    Example:
        >>> first, last = Strain("H1", np.ones(4), 0.0, 4.0), Strain("H1", np.ones(4), 2.0, 4.0)
        >>> join([last, first]).gaps
        ((1.0, 2.0),)
    """
    if not pieces:
        raise InputError("expected at least one file of strain; got none: add one")
    rate = min(piece.sample_rate for piece in pieces)
    ordered = sorted((piece.require_sample_rate(rate) for piece in pieces), key=lambda piece: piece.start_time)
    if len(ordered) == 1:
        return ordered[0]
    first = ordered[0]
    starts = [_place(first, piece) for piece in ordered]
    end = 0
    for start, piece in zip(starts, ordered, strict=True):
        if piece.detector != first.detector:
            raise InputError(
                f"expected strain of one detector to join; got {first.detector} and {piece.detector}: pair each file "
                "with its detector"
            )
        if end and start - end > LONGEST_GAP * rate:
            ended = first.start_time + end / rate
            raise InputError(
                f"{first.detector} strain: expected files of neighbouring times to join; got {(start - end) / rate:.0f}"
                f" s between two that end and start at GPS {ended:.0f} and {piece.start_time:.0f}; leave one out"
            )
        end = max(end, start + len(piece))
    if end > LIMITS.values:
        raise InputError(
            f"{first.detector} strain: expected files of at most {LIMITS.values:,} samples to join; got {end:,}; leave "
            "out those that are far from the trigger"
        )
    values: Series = np.full(end, np.nan)
    for start, piece in zip(starts, ordered, strict=True):
        _fill(values[start : start + len(piece)], piece)
    return Strain(first.detector, values, first.start_time, rate, join_quality([piece.quality for piece in ordered]))


def _place(first: Strain, piece: Strain) -> int:
    """Index of the first sample of a piece."""
    samples = (piece.start_time - first.start_time) * first.sample_rate
    if abs(samples - round(samples)) > GRID_TOLERANCE:
        raise InputError(
            f"{piece.detector} strain: expected files that are sampled at the same times; got starts at GPS "
            f"{first.start_time:.6f} and {piece.start_time:.6f}, which are no whole number of samples apart; give one"
        )
    return round(samples)


def _fill(target: Series, piece: Strain) -> None:
    """Writes a piece into a part of the joined values, after a check that they agree where both are known."""
    known = np.isfinite(target)
    both = known & np.isfinite(piece.values)
    difference = np.abs(target[both] - piece.values[both])
    scale = np.abs(piece.values[both]).max(initial=0.0)
    if difference.max(initial=0.0) > AGREEMENT * scale:
        raise InputError(
            f"{piece.detector} strain: expected files that agree where they overlap; got other values in the file that "
            f"starts at GPS {piece.start_time:.3f}; give files of one release"
        )
    target[~known] = piece.values[~known]
