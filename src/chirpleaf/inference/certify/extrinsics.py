"""Where the source lies and how it is turned: points that stand for sky, inclination, polarisation and arrival time.

The likelihood cares for when the signal arrives at the detectors, and how strong and at which phase. A point is
therefore drawn as

- arrival times tau_a, tau_b at the two detectors that hear it best, from a table over both,
- the angle of the source about the line between the two, cos(inclination) and polarisation, from another table.

Where a detector hears little, tau_b and the angles hang together: the second table is therefore over four numbers, the
fourth being the quantile at which tau_b is taken from the first. Both are made for the event (population Monte Carlo,
arXiv:0708.0711, over rising powers of the likelihood). With L the light travel time between the two detectors and T
the width of the prior on the time, the prior density of (tau_a, tau_b, angle) is 1 / (2 pi 2 L T). With one detector,
the second is a place on the earth that hears nothing. The prior on the time is taken at the points' own times: what a
waveform is moved by afterwards (`Heterodyne.aligned`, about a millisecond) is not cut off at its ends.
"""

from dataclasses import dataclass
from typing import NamedTuple

import lal
import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.inference.certify.histogram import Histogram
from chirpleaf.physics.detectors import Detector
from chirpleaf.physics.signals.quadrupole import inclination_factors


class Points(NamedTuple):
    """Extrinsic parameters but phase and distance.

    Attributes:
        ra: shape (n,), rad.
        dec: shape (n,), rad.
        theta_jn: shape (n,), rad.
        psi: shape (n,), rad, in [0, pi).
        time: arrival at the centre of the earth, shape (n,), seconds after the reference time.
        log_weight: ln of prior over proposal density, shape (n,).
        cube: the point's place in the second table, shape (n, 4).
        log_table: ln of that table's density there, shape (n,).
    """

    ra: np.ndarray
    dec: np.ndarray
    theta_jn: np.ndarray
    psi: np.ndarray
    time: np.ndarray
    log_weight: np.ndarray
    cube: np.ndarray
    log_table: np.ndarray


class Network(NamedTuple):
    """Detectors at a moment.

    Attributes:
        detectors: in the order of the data.
        gmst: Greenwich mean sidereal time of the reference time, rad.
    """

    detectors: tuple[Detector, ...]
    gmst: float

    def response(
        self, points: Points
    ) -> tuple[Complex128[np.ndarray, "n detector"], Float64[np.ndarray, "n detector"]]:
        """Complex response R_d of a (2, 2) signal of phase zero, and arrival times (s) after the reference time."""
        plus, cross = inclination_factors(points.theta_jn, np.zeros_like(points.theta_jn))
        responses, arrivals = [], []
        for one in self.detectors:
            fp, fc = one.antenna_pattern(points.ra, points.dec, points.psi, self.gmst)
            responses.append(fp * plus + fc * cross)
            arrivals.append(points.time + one.time_delay(points.ra, points.dec, self.gmst))
        return np.stack(responses, axis=1), np.stack(arrivals, axis=1)


@dataclass(frozen=True, eq=False)
class ExtrinsicProposal:
    """Draws points.

    Attributes:
        network: the detectors.
        first: index of the detector of tau_a.
        second: the detector, or deaf place, of tau_b.
        times: probability of cells of (tau_a, tau_b).
        table: probability of cells of (quantile of tau_b, angle, cos(inclination), polarisation).
        start: where the cells of tau_a and tau_b begin, seconds after the reference time.
        extent: how far they reach, seconds, likewise.
        time_prior: between which times at the centre of the earth the prior is flat, seconds, likewise.
    """

    network: Network
    first: int
    second: Detector
    times: Histogram
    table: Histogram
    start: tuple[float, float]
    extent: tuple[float, float]
    time_prior: tuple[float, float]

    def draw(self, uniforms: Float64[np.ndarray, "n five"]) -> Points:
        """Maps uniform numbers to points; those that no sky position explains have no weight.

        Args:
            uniforms: in [0, 1), shape (n, 5).
        """
        cube, log_table = self.table.draw(uniforms[:, 1:])
        place, log_times = self.times.draw(np.stack([uniforms[:, 0], cube[:, 0]], axis=1))
        tau_a, tau_b = (self.start[i] + self.extent[i] * place[:, i] for i in (0, 1))
        first = self.network.detectors[self.first]
        axes, light = _axes(first, self.second), light_travel(first, self.second)
        cosine = (tau_a - tau_b) / light
        inside = np.abs(cosine) < 1
        cosine = cosine.clip(-1, 1)
        around = 2 * np.pi * cube[:, 1]
        across = np.sqrt(1 - cosine**2)
        source = np.stack([across * np.cos(around), across * np.sin(around), cosine], axis=1) @ axes
        dec = np.arcsin(source[:, 2].clip(-1, 1))
        ra = np.mod(np.arctan2(source[:, 1], source[:, 0]) + self.network.gmst, 2 * np.pi)
        time = tau_a - first.time_delay(ra, dec, self.network.gmst)
        earliest, latest = self.time_prior
        inside &= (earliest <= time) & (time <= latest)
        prior = -np.log(2 * light * (latest - earliest))
        proposal = log_times - np.log(self.extent[0] * self.extent[1]) + log_table
        log_weight = np.where(inside, prior - proposal, -np.inf)
        return Points(ra, dec, np.arccos(1 - 2 * cube[:, 2]), np.pi * cube[:, 3], time, log_weight, cube, log_table)


def light_travel(first: Detector, second: Detector) -> float:
    """Light travel time between two places, seconds."""
    return float(np.linalg.norm(first.location - second.location) / lal.C_SI)


def _axes(first: Detector, second: Detector) -> Float64[np.ndarray, "3 3"]:
    """Orthonormal earth-fixed axes (rows), the third from the first place to the second."""
    third = second.location - first.location
    third = third / np.linalg.norm(third)
    helper = np.eye(3)[np.argmin(np.abs(third))]
    one = np.cross(third, helper)
    one /= np.linalg.norm(one)
    return np.stack([one, np.cross(third, one), third])
