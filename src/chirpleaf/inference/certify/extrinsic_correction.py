"""A Gaussian mixture over extrinsic points, where tables do not follow the posterior (`extrinsics`)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture, flatten_weights
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings

_CUT_CELLS = 32
"""Cells among which the emptiest part of a periodic coordinate is looked for."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A Gaussian mixture over the arrival times and the angles.

    The angle about the line between the detectors and the polarisation are periodic: they are cut open where the
    posterior has least of its probability, and points beyond the cut are not drawn.

    Attributes:
        gaussians: density of (place of tau_a, of tau_b, angle, cos(inclination), polarisation), each but for the cuts
            in [0, 1) as in `extrinsics.Points`.
        cuts: places of the cuts of the two periodic angles, in [0, 1).
        share: share of the points that are drawn from it.
    """

    gaussians: GaussianMixture
    cuts: tuple[float, float]
    share: float

    @classmethod
    def fit(
        cls,
        place: Float64[np.ndarray, "n 2"],
        cube: Float64[np.ndarray, "n 4"],
        log_weight: Float64[np.ndarray, " n"],
        settings: MixtureFitSettings,
        share: float,
        seed: int,
    ) -> "Correction":
        """Fits the mixture to weighted points.

        Args:
            place: places of the arrival times, shape (n, 2).
            cube: coordinates in the table of angles, shape (n, 4).
            log_weight: ln of their importance weights, shape (n,).
            settings: settings of the fit.
            share: share of the points that are drawn from it.
            seed: seed of the fit.
        """
        weight = flatten_weights(log_weight, settings)
        cuts = _find_cut(cube[:, 1], weight), _find_cut(cube[:, 3], weight)
        opened = cls._open(place, cube[:, 1:], cuts)
        return cls(GaussianMixture.fit(opened, log_weight, settings, seed), cuts, share)

    def draw(
        self, uniforms: Float64[np.ndarray, "n 5"]
    ) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n 3"]]:
        """Places of the arrival times, and angles, cosines and polarisations; those beyond a cut are negative.

        Args:
            uniforms: in (0, 1), shape (n, 5).
        """
        drawn = self.gaussians.transform(uniforms)
        angles = drawn[:, 2:]
        for column, cut in zip((0, 2), self.cuts, strict=True):
            inside = (angles[:, column] >= 0) & (angles[:, column] < 1)
            angles[:, column] = np.where(inside, np.mod(angles[:, column] + cut, 1.0), -1.0)
        return drawn[:, :2], angles

    def log_prob(
        self, place: Float64[np.ndarray, "n 2"], angles: Float64[np.ndarray, "n 3"]
    ) -> Float64[np.ndarray, " n"]:
        """ln of the density.

        Args:
            place: places of the arrival times, shape (n, 2).
            angles: angle, cosine and polarisation, shape (n, 3).
        """
        return self.gaussians.log_prob(self._open(place, angles, self.cuts))

    @staticmethod
    def _open(
        place: Float64[np.ndarray, "n 2"], angles: Float64[np.ndarray, "n 3"], cuts: tuple[float, float]
    ) -> Float64[np.ndarray, "n 5"]:
        """Coordinates in which the cuts are at zero and one."""
        angle, cosine, polarisation = angles.T
        return np.column_stack([place, np.mod(angle - cuts[0], 1.0), cosine, np.mod(polarisation - cuts[1], 1.0)])


def _find_cut(places: Float64[np.ndarray, " n"], weight: Float64[np.ndarray, " n"]) -> float:
    """The middle of the emptiest of the cells of a periodic coordinate."""
    mass, edges = np.histogram(places, bins=_CUT_CELLS, range=(0, 1), weights=weight)
    near = mass + 0.5 * (np.roll(mass, 1) + np.roll(mass, -1))
    return float(edges[near.argmin()] + 0.5 / _CUT_CELLS)
