"""Times of users: GPS, or UTC with leap seconds, as astropy computes them."""

import pytest
from astropy.time import Time

from chirpleaf.errors import InputError
from chirpleaf.strain.times import parse_time


@pytest.mark.parametrize("time", [1126259462.4, "1126259462.4", 1126259462, "1.1262594624e9"])
def test_gps_times_stay_as_they_are(time: float | str) -> None:
    assert parse_time(time) == pytest.approx(1126259462.4, abs=0.5)
    assert parse_time(time) == float(time)


@pytest.mark.parametrize(
    "utc",
    [
        "2015-09-14T09:50:45.4",
        "2005-12-31T23:59:60",
        "2012-06-30T23:59:60.25",
        "2016-12-31T23:59:59.875",
        "2016-12-31T23:59:60",
        "2017-01-01T00:00:00",
        "2023-05-29T18:15:00.7",
        "1980-01-06T00:00:00",
    ],
)
@pytest.mark.parametrize("form", ["{}", "{}Z", "{} UTC", "{}+00:00", " {} "])
def test_utc_has_leap_seconds(utc: str, form: str) -> None:
    expected = float(Time(utc, scale="utc", format="isot").gps)
    assert parse_time(form.format(utc)) == pytest.approx(expected, abs=1e-6)
    assert parse_time(form.format(utc.replace("T", " "))) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "time",
    [
        *("noon", "", "nan", "inf", float("nan"), "2015-09-14", "09:50:45", "2015-02-30T00:00:00"),
        *("2015-09-14T25:00:00", "2015-09-14T09:50:61", "1979-12-31T00:00:00", "2015-09-14T09:50:45+02:00"),
        *("14.09.2015 09:50:45", "2015-09-14T09:50", "2015-09-14T09:50:45.4.4"),
    ],
)
def test_other_times_are_refused(time: float | str) -> None:
    with pytest.raises(InputError, match=r"expected a GPS time in seconds, or UTC; got .*: write for example"):
        parse_time(time)


def test_a_minute_without_a_leap_second_has_sixty_seconds() -> None:
    with pytest.raises(InputError, match="expected a minute that has a leap second"):
        parse_time("2015-12-31T23:59:60")
