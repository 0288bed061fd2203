"""Ground-based detectors: location, response and arrival times.

A detector's response tensor D and location r (both earth-fixed) come from LAL's own list. With the wave's basis
vectors X(ra, dec, psi, gmst), Y(...) of arXiv:gr-qc/0008066 (eqs. B4-B5) and its source direction n,

    F_plus = X.D.X - Y.D.Y,    F_cross = X.D.Y + Y.D.X,    delay = -n.r / c,
    h(f) = (F_plus h_plus(f) + F_cross h_cross(f)) exp(-2 pi i f (t + delay)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import lal
import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError

Array: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]

DETECTORS = ("H1", "L1", "V1", "K1")
"""Names that `detector` accepts: LIGO Hanford, LIGO Livingston, Virgo, KAGRA."""


@dataclass(frozen=True, eq=False)
class Detector:
    """An interferometer in the long-wavelength limit.

    Attributes:
        name: two-letter name, e.g. `"H1"`.
        response: response tensor D (3, 3), earth-fixed axes, dimensionless.
        location: position of the vertex (3,) from the centre of the earth, metres.

    Example:
        >>> fp, fc = detector("H1").antenna_pattern(ra=1.2, dec=-0.4, psi=0.3, gmst=gmst(1126259462.4))
        >>> bool(fp**2 + fc**2 <= 1.0)
        True
    """

    name: str
    response: Array
    location: Array

    def antenna_pattern(self, ra: ArrayLike, dec: ArrayLike, psi: ArrayLike, gmst: ArrayLike) -> tuple[Array, Array]:
        """Response to the two polarisations.

        Args:
            ra: right ascension, rad, any shape; the others broadcast with it.
            dec: declination, rad.
            psi: polarisation angle, rad.
            gmst: Greenwich mean sidereal time, rad.

        Returns:
            `(fp, fc)`, each of the broadcast shape.
        """
        ra, dec, psi, gmst = (np.asarray(angle, dtype=np.float64) for angle in (ra, dec, psi, gmst))
        hour_angle = gmst - ra
        sin_hour, cos_hour, sin_dec, cos_dec = np.sin(hour_angle), np.cos(hour_angle), np.sin(dec), np.cos(dec)
        sin_psi, cos_psi = np.sin(psi), np.cos(psi)
        x = _stack(
            -cos_psi * sin_hour - sin_psi * cos_hour * sin_dec,
            -cos_psi * cos_hour + sin_psi * sin_hour * sin_dec,
            sin_psi * cos_dec,
        )
        y = _stack(
            sin_psi * sin_hour - cos_psi * cos_hour * sin_dec,
            sin_psi * cos_hour + cos_psi * sin_hour * sin_dec,
            cos_psi * cos_dec,
        )
        response_x, response_y = x @ self.response, y @ self.response
        fp = np.sum(x * response_x - y * response_y, axis=-1)
        fc = np.sum(y * response_x + x * response_y, axis=-1)
        return fp, fc

    def time_delay(self, ra: ArrayLike, dec: ArrayLike, gmst: ArrayLike) -> Array:
        """Arrival time at the detector minus that at the centre of the earth.

        Args:
            ra: right ascension, rad, any shape; the others broadcast with it.
            dec: declination, rad.
            gmst: Greenwich mean sidereal time, rad.

        Returns:
            Seconds, of the broadcast shape; negative if the signal reaches the detector first.
        """
        ra, dec, gmst = (np.asarray(angle, dtype=np.float64) for angle in (ra, dec, gmst))
        hour_angle = gmst - ra
        source = _stack(np.cos(dec) * np.cos(hour_angle), -np.cos(dec) * np.sin(hour_angle), np.sin(dec))
        return np.asarray(-(source @ self.location) / lal.C_SI)


@lru_cache
def detector(name: str) -> Detector:
    """Gets a detector by its name.

    Args:
        name: one of `DETECTORS`.

    Raises:
        InputError: when the name is not known.
    """
    if name not in DETECTORS:
        raise InputError(f"expected a detector among {', '.join(DETECTORS)}; got {name!r}: use its two-letter name")
    cached = lal.cached_detector_by_prefix[name]
    return Detector(name, _frozen(cached.response), _frozen(cached.location))


def light_travel_time(first: Detector, second: Detector) -> float:
    """Time that light takes from one detector to another, seconds."""
    return float(np.linalg.norm(first.location - second.location) / lal.C_SI)


def light_travel_times(names: Sequence[str]) -> Array:
    """Times that light takes from detector to detector.

    Args:
        names: names of n detectors.

    Returns:
        Shape (n, n), seconds.

    Raises:
        InputError: a detector is unknown.

    Example:
        >>> bool(abs(light_travel_times(("H1", "L1"))[0, 1] - 0.010013) < 1e-6)
        True
    """
    detectors = [detector(name) for name in names]
    return np.array([[light_travel_time(first, second) for second in detectors] for first in detectors])


def gmst(gps: ArrayLike) -> Array:
    """Greenwich mean sidereal time.

    Args:
        gps: GPS time, s, any shape.

    Returns:
        Radians (not wrapped), same shape.
    """
    times = np.asarray(gps, dtype=np.float64)
    angles = [lal.GreenwichMeanSiderealTime(lal.LIGOTimeGPS(float(time))) for time in times.ravel()]
    return np.asarray(angles, dtype=np.float64).reshape(times.shape)


def project(
    hp: ArrayLike,
    hc: ArrayLike,
    detector: Detector,
    ra: ArrayLike,
    dec: ArrayLike,
    psi: ArrayLike,
    gmst: ArrayLike,
    frequencies: ArrayLike,
    time: ArrayLike = 0.0,
) -> ComplexArray:
    """Projects two polarisations onto a detector.

    Args:
        hp: plus polarisation (n, F) or (F,), strain/Hz.
        hc: cross polarisation, same shape.
        detector: the detector.
        ra: right ascension (n,) or scalar, rad.
        dec: declination, likewise.
        psi: polarisation angle, likewise.
        gmst: Greenwich mean sidereal time at arrival, likewise.
        frequencies: (F,), Hz.
        time: arrival at the centre of the earth (n,) or scalar, s, after the time zero of the polarisations.

    Returns:
        Strain (n, F) at the detector, strain/Hz; (F,) when no argument has a sample axis.
    """
    fp, fc = detector.antenna_pattern(ra, dec, psi, gmst)
    arrival = np.asarray(time, dtype=np.float64) + detector.time_delay(ra, dec, gmst)
    shift = np.exp(-2j * np.pi * arrival[..., None] * np.asarray(frequencies, dtype=np.float64))
    return np.asarray((fp[..., None] * np.asarray(hp) + fc[..., None] * np.asarray(hc)) * shift)


def _stack(*components: Array) -> Array:
    return np.stack(np.broadcast_arrays(*components), axis=-1)


def _frozen(values: ArrayLike) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
