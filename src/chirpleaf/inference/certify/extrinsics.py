"""Extrinsic points: weighted draws of sky position, inclination, polarisation and arrival time.

The likelihood depends on them through the arrival times at the detectors and the response of each. A point is therefore
drawn as

- arrival times tau_a, tau_b at the two detectors with the loudest signal, from a table over both,
- the angle of the source about the line between the two, cos(inclination) and polarisation, from another table.

If the signal is faint in a detector, tau_b and the angles are correlated: the second table is therefore over four
numbers, the first of which is the quantile at which tau_b is taken from the first table. Both tables are adapted to the
event (`adaptation`). With L the light travel time between the two detectors and T the width of the prior on the arrival
time, the prior density of (tau_a, tau_b, angle) is 1 / (2 pi 2 L T). If there is one detector, the second is another
place on the earth, without data. The prior of the arrival time is evaluated at the points' own times: a waveform that
is then delayed to fit the data (`Heterodyne.align`, by about a millisecond) is not cut off at its ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.inference.certify.extrinsic_correction import Correction
from chirpleaf.inference.certify.histogram import Histogram
from chirpleaf.physics.detectors import Detector, light_travel_time
from chirpleaf.physics.signals import SignalModel


class Places(NamedTuple):
    """Extrinsic parameters except phase and distance.

    Attributes:
        ra: right ascension, shape (n,), rad.
        dec: declination, shape (n,), rad.
        theta_jn: inclination, shape (n,), rad.
        psi: polarisation angle, shape (n,), rad, in [0, pi).
        time: arrival at the centre of the earth, shape (n,), seconds after the reference time.
    """

    ra: Float64[np.ndarray, " n"]
    dec: Float64[np.ndarray, " n"]
    theta_jn: Float64[np.ndarray, " n"]
    psi: Float64[np.ndarray, " n"]
    time: Float64[np.ndarray, " n"]


class Points(NamedTuple):
    """Places that are drawn from a proposal.

    Attributes:
        ra, dec, theta_jn, psi, time: as in `Places`.
        log_weight: ln of prior over proposal density, shape (n,).
        cube: coordinates of the point in the table of angles, in [0, 1), shape (n, 4).
        log_table: ln of that table's density there, shape (n,).
        place: both arrival times in the ranges of their table, which are [0, 1), shape (n, 2).
    """

    ra: Float64[np.ndarray, " n"]
    dec: Float64[np.ndarray, " n"]
    theta_jn: Float64[np.ndarray, " n"]
    psi: Float64[np.ndarray, " n"]
    time: Float64[np.ndarray, " n"]
    log_weight: Float64[np.ndarray, " n"]
    cube: Float64[np.ndarray, "n 4"]
    log_table: Float64[np.ndarray, " n"]
    place: Float64[np.ndarray, "n 2"]

    @property
    def places(self) -> Places:
        """The extrinsic parameters alone."""
        return Places(self.ra, self.dec, self.theta_jn, self.psi, self.time)


class DetectorNetwork(NamedTuple):
    """Detectors at a moment.

    Attributes:
        detectors: in the order of the data.
        gmst: Greenwich mean sidereal time of the reference time, rad.
    """

    detectors: tuple[Detector, ...]
    gmst: float

    def respond(
        self, places: Places, signal: SignalModel
    ) -> tuple[Complex128[np.ndarray, "n detector series"], Float64[np.ndarray, "n detector"]]:
        """Response of every detector to every series of a signal.

        Args:
            places: extrinsic parameters.
            signal: signal model.

        Returns:
            Responses R_ds at phase zero, shape (n, detector, S), and arrival times, shape (n, detector), seconds after
            the reference time.
        """
        responses, arrivals = [], []
        for one in self.detectors:
            fp, fc = one.antenna_pattern(places.ra, places.dec, places.psi, self.gmst)
            responses.append(signal.response(fp, fc, places.theta_jn))
            arrivals.append(places.time + one.time_delay(places.ra, places.dec, self.gmst))
        return np.stack(responses, axis=1), np.stack(arrivals, axis=1)


class _Drawn(NamedTuple):
    """Coordinates of points, their density in these, and that of the table of angles."""

    place: Float64[np.ndarray, "n 2"]
    cube: Float64[np.ndarray, "n 4"]
    log_density: Float64[np.ndarray, " n"]
    log_table: Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class ExtrinsicProposal:
    """Proposal density of the extrinsic points.

    Attributes:
        network: the detectors.
        first: index of the detector of tau_a.
        second: the detector, or the place without data, of tau_b.
        times: probability of cells of (tau_a, tau_b).
        table: probability of cells of (quantile of tau_b, angle, cos(inclination), polarisation).
        start: lower ends of tau_a and tau_b in the table, seconds after the reference time.
        extent: widths of their ranges, seconds.
        time_prior: range of the uniform prior on the arrival at the centre of the earth, seconds after the reference
            time.
        fixed: values of ra, dec, theta_jn and psi that the prior fixes, by name, rad. Their tables have one cell. If
            the direction is fixed, tau_a alone is drawn, and its prior density is 1 / T.
        correction: a further density of the points, where the tables do not follow the posterior; None if they do.
    """

    network: DetectorNetwork
    first: int
    second: Detector
    times: Histogram
    table: Histogram
    start: tuple[float, float]
    extent: tuple[float, float]
    time_prior: tuple[float, float]
    fixed: Mapping[str, float] = field(default_factory=dict)
    correction: Correction | None = None

    def transform(self, uniforms: Float64[np.ndarray, "n 5"]) -> Points:
        """Maps uniform numbers to points; points that no sky position explains have weight zero.

        Args:
            uniforms: in [0, 1), shape (n, 5).
        """
        if self.correction is None:
            place, cube, log_density, log_table = self._draw_from_tables(uniforms)
        else:
            place, cube, log_density, log_table = self._draw_corrected(uniforms, self.correction)
        tau_a, tau_b = (self.start[i] + self.extent[i] * place[:, i] for i in (0, 1))
        first = self.network.detectors[self.first]
        light = light_travel_time(first, self.second)
        earliest, latest = self.time_prior
        if "ra" in self.fixed:
            possible = np.ones(len(tau_a), dtype=bool)
            ra, dec = (np.full(len(tau_a), self.fixed[name]) for name in ("ra", "dec"))
            prior = -np.log(latest - earliest)
        else:
            cosine = (tau_a - tau_b) / light
            possible = np.abs(cosine) < 1
            source = self._direction(cosine.clip(-1, 1), 2 * np.pi * cube[:, 1])
            dec = np.arcsin(source[:, 2].clip(-1, 1))
            ra = np.mod(np.arctan2(source[:, 1], source[:, 0]) + self.network.gmst, 2 * np.pi)
            prior = -np.log(2 * light * (latest - earliest))
        time = tau_a - first.time_delay(ra, dec, self.network.gmst)
        possible &= (earliest <= time) & (time <= latest)
        possible &= (cube >= 0).all(axis=1) & (cube < 1).all(axis=1)
        log_weight = np.where(possible, prior - log_density + np.log(self.extent[0] * self.extent[1]), -np.inf)
        theta_jn = (
            np.full(len(ra), self.fixed["theta_jn"])
            if "theta_jn" in self.fixed
            else np.arccos((1 - 2 * cube[:, 2]).clip(-1, 1))
        )
        psi = np.full(len(ra), self.fixed["psi"]) if "psi" in self.fixed else np.pi * cube[:, 3]
        return Points(ra, dec, theta_jn, psi, time, log_weight, cube, log_table, place)

    def log_density(
        self, place: Float64[np.ndarray, "n 2"], cube: Float64[np.ndarray, "n 4"]
    ) -> Float64[np.ndarray, " n"]:
        """ln of the density of points in (place of tau_a, of tau_b, angle, cos(inclination), polarisation).

        Args:
            place: places of the arrival times, shape (n, 2).
            cube: coordinates in the table of angles, shape (n, 4), of which the first follows from the arrival times.
        """
        of_tables = self.times.log_density(place) + self.table.log_density(cube)
        if self.correction is None:
            return of_tables
        share, of_fit = self.correction.share, self.correction.log_prob(place, cube[:, 1:])
        return np.logaddexp(np.log(share) + of_fit, np.log(1 - share) + of_tables)

    def _draw_from_tables(self, uniforms: Float64[np.ndarray, "n 5"]) -> _Drawn:
        cube, log_table = self.table.transform(uniforms[:, 1:])
        place, log_times = self.times.transform(np.stack([uniforms[:, 0], cube[:, 0]], axis=1))
        return _Drawn(place, cube, log_times + log_table, log_table)

    def _draw_corrected(self, uniforms: Float64[np.ndarray, "n 5"], correction: Correction) -> _Drawn:
        """Draws some of the points from the correction; all have the density of the mixture of both."""
        share = correction.share
        fitted = uniforms[:, 0] < share
        level = np.where(fitted, uniforms[:, 0] / share, (uniforms[:, 0] - share) / (1 - share))
        rescaled = np.column_stack([level, uniforms[:, 1:]])
        place, cube, _, _ = self._draw_from_tables(rescaled)
        place[fitted], angles = correction.draw(rescaled[fitted])
        cube[fitted] = np.column_stack([self.times.last_quantile(place[fitted]), angles])
        return _Drawn(place, cube, self.log_density(place, cube), self.table.log_density(cube))

    def _direction(
        self, cosine: Float64[np.ndarray, " n"], angle: Float64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n 3"]:
        """Earth-fixed unit vectors to the source, from its angles to and about the line between the two places."""
        sine = np.sqrt(1 - cosine**2)
        axes = _make_axes(self.network.detectors[self.first], self.second)
        return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1) @ axes


def _make_axes(first: Detector, second: Detector) -> Float64[np.ndarray, "3 3"]:
    """Orthonormal earth-fixed axes (rows), the third from the first place to the second."""
    third = second.location - first.location
    third = third / np.linalg.norm(third)
    helper = np.eye(3)[np.argmin(np.abs(third))]
    one = np.cross(third, helper)
    one /= np.linalg.norm(one)
    return np.stack([one, np.cross(third, one), third])
