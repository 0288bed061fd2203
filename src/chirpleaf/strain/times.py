"""Times that users write: GPS seconds, or UTC as 2015-09-14T09:50:45.4, with leap seconds."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from chirpleaf.errors import InputError

_UTC = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}):(\d{2})(\.\d*)?\s*(?:Z|UTC|\+00:?00)?", re.IGNORECASE)
_GPS_BEGIN = datetime(1980, 1, 6)


def parse_time(time: float | str) -> float:
    """The GPS time in s of a time that a user gives.

    Args:
        time: GPS time in s, as a number or as text, or UTC as text, such as `"2015-09-14T09:50:45.4"`; a blank may
            stand for the T, and Z or UTC may follow.

    Raises:
        InputError: it is neither, or not finite.

    Source:
        Leap seconds: IERS bulletin C, in the table of LAL (`lal.UTCToGPS`).

    Example:
        >>> parse_time("1126259462.4"), parse_time("2015-09-14T09:50:45.4"), parse_time("2016-12-31T23:59:60Z")
        (1126259462.4, 1126259462.4, 1167264017.0)
    """
    if isinstance(time, bool):
        raise _make_error(time)
    try:
        gps = float(time)
    except (OverflowError, TypeError, ValueError):
        gps = _parse_utc(str(time))
    if not math.isfinite(gps):
        raise _make_error(time)
    return gps


def to_utc(gps: float) -> datetime:
    """UTC of a GPS time in s, to the microsecond; within a leap second, the end of that minute.

    Example:
        >>> to_utc(1126259462.4).isoformat()
        '2015-09-14T09:50:45.400000'
    """
    import lal  # noqa: PLC0415 - takes a third of a second, and most times are GPS

    microseconds = round(gps * 1e6)
    year, month, day, hour, minute, second, *_ = lal.GPSToUTC(microseconds // 1_000_000)
    return datetime(year, month, day, hour, minute) + timedelta(seconds=second, microseconds=microseconds % 1_000_000)


def _parse_utc(text: str) -> float:
    """GPS time in s of a date and time of day in UTC."""
    import lal  # noqa: PLC0415 - takes a third of a second, and most times are GPS

    found = _UTC.fullmatch(text.strip())
    if found is None:
        raise _make_error(text)
    date, clock, second, fraction = found.groups()
    try:
        day = datetime.fromisoformat(f"{date}T{clock}")
    except ValueError as error:
        raise _make_error(text) from error
    leap = second == "60"
    if day < _GPS_BEGIN or not (int(second) < 60 or leap):
        raise _make_error(text)
    whole = lal.UTCToGPS((day.year, day.month, day.day, day.hour, day.minute, int(second), 0, 0, 0))
    if leap and lal.GPSToUTC(int(whole))[5] != 60:
        raise InputError(f"expected a minute that has a leap second; got {text!r}: write seconds below 60")
    return float(whole) + float(f"0{fraction or ''}")


def _make_error(time: float | str) -> InputError:
    return InputError(
        f"expected a GPS time in seconds, or UTC; got {repr(time)[:60]}: write for example 1126259462.4 or "
        "2015-09-14T09:50:45.4"
    )
