"""Checks that the readers of all formats share: detector, channel, sampling rate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Strain

MOST_LISTED = 12
"""Most channels that a message lists."""

WIDEST_NUMBER = 1e12
"""Number of samples from which a message shows its first digits alone."""

_TIMES = re.compile(r"-(\d{9,10})-(\d{1,7})(?=\.)")
"""GPS start and duration in whole seconds in the name of a file, by the convention of LIGO-T050017."""

_PREFIX = re.compile(r"(?:^|[/\s])([A-Z]\d)(?=[:/_-]|$)")


def find_prefix(name: str) -> str | None:
    """The prefix of a detector in the name of a channel, dataset or path.

    Args:
        name: the name.

    Example:
        >>> find_prefix("H1:GDS-CALIB_STRAIN"), find_prefix("data/L1"), find_prefix("strain")
        ('H1', 'L1', None)
    """
    found = _PREFIX.search(name)
    return found.group(1) if found else None


def choose_channel(path: Path, detectors: Mapping[str, str | None], detector: str, channel: str | None) -> str:
    """Choose the requested channel, or by default the only strain of the detector.

    Args:
        path: the file, for messages.
        detectors: name of each channel to its detector; None where the file does not say.
        detector: prefix of the wanted detector.
        channel: the requested channel, in any case.

    Returns:
        The name of the channel.

    Raises:
        InputError: the channel is missing, belongs to another detector, or there are several.
    """
    listed = ", ".join(list(detectors)[:MOST_LISTED]) + (", ..." if len(detectors) > MOST_LISTED else "")
    if channel is not None:
        chosen = next((name for name in detectors if name.casefold() == channel.casefold()), None)
        if chosen is None:
            raise InputError(f"{path}: expected the channel {channel}; got {listed}; give one of these")
        check_detector(path, detector, detectors[chosen])
        return chosen
    suitable = [name for name, found in detectors.items() if found == detector]
    suitable = suitable or [name for name, found in detectors.items() if found is None]
    if not suitable:
        others = sorted({found for found in detectors.values() if found is not None})
        if len(others) == 1:
            check_detector(path, detector, others[0])
        raise InputError(f"{path}: expected a channel of {detector}; got {listed}; pair the file with its own detector")
    candidates = [name for name in suitable if "STRAIN" in name.upper()] or suitable
    if len(candidates) != 1:
        raise InputError(
            f"{path}: expected one strain channel of {detector}; got {listed}; name the channel, "
            f"--channel {detector}={candidates[0]}"
        )
    return candidates[0]


def check_detector(path: Path, expected: str, found: str | None) -> None:
    """Check that a file belongs to the detector that the user names.

    Args:
        path: the file.
        expected: prefix of the user's detector.
        found: prefix in the file; None if it has none.

    Raises:
        InputError: they differ.
    """
    if found is not None and found != expected:
        raise InputError(f"{path}: expected strain of {expected}; got that of {found}; pair the file with {found}")


def check_length(path: Path, samples: int, expected: float, unit: str) -> None:
    """Check the number of samples against the header.

    Args:
        path: the file.
        samples: number of samples in the file.
        expected: number of samples that follows from the header.
        unit: the entry of the header, for the message.

    Raises:
        InputError: they differ.
    """
    if not abs(expected) < math.inf or samples != round(expected):
        wanted = f"{expected:.0f}" if abs(expected) < WIDEST_NUMBER else f"{expected:.3g}"
        raise InputError(
            f"{path}: expected {wanted} samples according to the header ({unit}); got {samples}; the file is "
            "truncated or was changed, download it again"
        )


def check_times(path: Path, strain: Strain) -> None:
    """Check the times of the samples against those in the name of the file, if it has any.

    A piece that was cut from a file and kept its name is accepted.

    Args:
        path: the file, such as H-H1_GWOSC_4KHZ_R1-1126259447-32.hdf5.
        strain: what was read from it.

    Raises:
        InputError: there are samples at other times.
    """
    if not (found := _TIMES.search(path.name)):
        return
    start, end = float(found[1]), float(found[1]) + float(found[2])
    last = strain.start_time + strain.duration
    if strain.start_time <= start - 1 or last >= end + 1:  # names have whole seconds
        raise InputError(
            f"{path}: expected samples from GPS {start:.0f} to {end:.0f}, as the name says; got "
            f"{strain.start_time:.10g} to {last:.10g} by the header; download it again, or rename it"
        )


def round_rate(rate: float) -> float:
    """Round a sampling rate in Hz that was computed from its inverse.

    Args:
        rate: sampling rate in Hz.
    """
    if not math.isfinite(rate):
        return rate
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate


def make_read_error(path: Path, expected: str, error: Exception) -> InputError:
    """The error of a file that cannot be read.

    Args:
        path: the file.
        expected: the format.
        error: what went wrong.
    """
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return InputError(
        f"{path}: expected {expected}; got a file that cannot be read as such ({reason}); download it again"
    )
