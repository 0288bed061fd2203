"""Adaptation of the extrinsic points to an event.

The table of arrival times comes from the likelihood of each detector alone. The table of angles is adapted by
population Monte Carlo (arXiv:0708.0711) with increasing powers of the likelihood: the points of a round, weighted by a
power of the likelihood that leaves enough effective points, fill the table of the next round. Where that does not
settle, as for loud binaries seen from the side, whose arrival times and angles are narrow and depend on each other, a
Gaussian mixture over all five coordinates is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64

from chirpleaf.inference.certify.extrinsic_correction import Correction
from chirpleaf.inference.certify.extrinsics import DetectorNetwork, ExtrinsicProposal
from chirpleaf.inference.certify.heterodyne import Heterodyne, Ratios
from chirpleaf.inference.certify.histogram import Histogram
from chirpleaf.inference.certify.likelihood_settings import TableSettings
from chirpleaf.inference.certify.marginal import MarginalLikelihood, draw_sobol_points
from chirpleaf.inference.certify.phase import PhaseDistanceIntegral
from chirpleaf.physics.detectors import DETECTORS, Detector, detector, light_travel_time
from chirpleaf.result.weights import effective_sample_size, relative_weights

LogWeights = Float64[np.ndarray, " m"]

_BISECTIONS = 20
_DEPTH = 25.0
"""Weights of points below the greatest one by this, nats, are not kept."""


def adapt_marginal_likelihood(
    heterodyne: Heterodyne,
    integral: PhaseDistanceIntegral,
    network: DetectorNetwork,
    ratios: Ratios,
    time_prior: tuple[float, float],
    settings: TableSettings,
    *,
    fixed: Mapping[str, float] | None = None,
    seed: int = 0,
) -> MarginalLikelihood:
    """Makes the proposal of the extrinsic points and adapts it to the event.

    Args:
        heterodyne: sums over the data.
        integral: integral over phase and distance.
        network: the detectors.
        ratios: ratios of a few dozen aligned binaries that fit the data, shape (n, S, E).
        time_prior: see `ExtrinsicProposal`.
        settings: settings of the tables.
        fixed: values of ra, dec, theta_jn and psi that the prior fixes, by name, rad.
        seed: seed of the points.

    Returns:
        The marginal likelihood with that proposal.
    """
    tables = _ArrivalTables(heterodyne, network, ratios, settings, fixed or {})
    marginal = MarginalLikelihood(heterodyne, integral, tables.make_proposal(time_prior))
    power, accumulated = 0.0, np.zeros(marginal.proposal.table.mass.shape)
    some, size = ratios[: settings.binaries], settings.points
    single = len(set(heterodyne.signal.harmonics)) == 1
    for turn in range(settings.correction_after if single else settings.rounds):
        pairs = marginal.pair(some, draw_sobol_points(size, seed, turn))
        if not torch.isfinite(pairs.log_weight).any():
            break
        mean = (pairs.log_weight.double().logsumexp(0) - np.log(len(some))).numpy()
        # The target density of the table does not depend on the table that the points were drawn from.
        target, proposal = mean + pairs.points.log_table, pairs.points.log_table
        power = _raise_power(target, proposal, power, settings.effective_points / size, settings.least_step)
        log_weight = power * target - proposal
        mass = marginal.proposal.table.bin_weights(pairs.points.cube, relative_weights(log_weight))
        mass /= mass.sum()
        if power == 1.0:
            mass = accumulated = accumulated + mass * _efficiency(log_weight) * size
        table = _broaden(mass, settings.angle_background)
        marginal = replace(marginal, proposal=replace(marginal.proposal, table=table))
        if accumulated.sum() > settings.settled_points:
            break
        if size * _efficiency(log_weight) < 2 * settings.effective_points:
            size = settings.enlargement * settings.points
    else:
        return _correct(marginal, some, size, settings, seed) if single else marginal
    return marginal


def _correct(
    marginal: MarginalLikelihood, ratios: Ratios, size: int, settings: TableSettings, seed: int
) -> MarginalLikelihood:
    """Adds a Gaussian mixture to tables that do not follow the posterior.

    It is fitted anew in each round, to the points of all rounds with weights by the mean density of all rounds
    (adaptive multiple importance sampling, arXiv:0907.1254).

    Args:
        marginal: the marginal likelihood with its tables.
        ratios: ratios of the binaries whose likelihood is followed.
        size: points of a round.
        settings: settings of the rounds.
        seed: seed of the points.
    """
    proposals: list[ExtrinsicProposal] = []
    place, cube, log_target, log_densities = np.empty((0, 2)), np.empty((0, 4)), np.empty(0), np.empty((0, 0))
    for turn in range(settings.rounds, settings.rounds + settings.correction_rounds):
        pairs = marginal.pair(ratios, draw_sobol_points(size, seed, turn))
        points, log_weight = pairs.points, pairs.log_weight.double().logsumexp(0).numpy()
        near = log_weight > log_weight.max() - _DEPTH
        if not near.any() or _efficiency(log_weight) > settings.correction_enough:
            break
        new_place, new_cube = points.place[near], points.cube[near]
        proposals.append(marginal.proposal)
        of_former = marginal.proposal.log_density(place, cube)
        of_new = np.stack([one.log_density(new_place, new_cube) for one in proposals])
        log_densities = np.hstack([np.vstack([log_densities, of_former]), of_new])
        place, cube = np.concatenate([place, new_place]), np.concatenate([cube, new_cube])
        log_target = np.concatenate([log_target, log_weight[near] + of_new[-1]])
        log_weights = log_target - np.logaddexp.reduce(log_densities, axis=0)
        correction = Correction.fit(place, cube, log_weights, settings.correction, settings.correction_share, seed)
        marginal = replace(marginal, proposal=replace(marginal.proposal, correction=correction))
    return marginal


@dataclass(frozen=True, eq=False)
class _ArrivalTables:
    """Arrival times from the likelihood of each detector alone.

    Attributes:
        heterodyne: sums over the data.
        network: the detectors.
        ratios: ratios of binaries that fit the data, shape (n, S, E).
        settings: settings of the tables.
        fixed: values of angles that the prior fixes, by name, rad.
    """

    heterodyne: Heterodyne
    network: DetectorNetwork
    ratios: Ratios
    settings: TableSettings
    fixed: Mapping[str, float]

    def make_proposal(self, time_prior: tuple[float, float]) -> ExtrinsicProposal:
        """The proposal with a table of arrival times, and all angles equally likely."""
        settings, detectors = self.settings, self.network.detectors
        reference_snr = self._reference_snr()
        first, *others = np.argsort(reference_snr)[::-1].tolist()
        partner = detectors[others[0]] if others else _other_place(detectors[first])
        light = light_travel_time(detectors[first], partner)
        start_a, likelihood_a = self._arrival_likelihood(first, first, settings.time_window)
        if "ra" in self.fixed:
            return self._propose_times(first, partner, start_a, likelihood_a, time_prior)
        if others:
            start_b, likelihood_b = self._arrival_likelihood(others[0], first, light + settings.time_window)
        else:
            start_b = start_a - light
            likelihood_b = np.ones(len(likelihood_a) + int(2 * light / settings.time_cell) + 1)
        loud = bool(others) and bool(reference_snr[others[0]] > settings.loud_snr)
        extent = (len(likelihood_a) * settings.time_cell, len(likelihood_b) * settings.time_cell)
        return ExtrinsicProposal(
            self.network,
            first,
            partner,
            Histogram.normalize(self._combine(likelihood_a, likelihood_b, start_b - start_a, light)),
            Histogram.normalize(np.ones(self._cells(loud))),
            (float(start_a), float(start_b)),
            extent,
            time_prior,
            self.fixed,
        )

    def _propose_times(
        self,
        first: int,
        partner: Detector,
        start: float,
        likelihood: Float64[np.ndarray, " cell"],
        time_prior: tuple[float, float],
    ) -> ExtrinsicProposal:
        """The proposal for a fixed direction: a table of the arrival times at one detector."""
        settings = self.settings
        mass = likelihood**settings.time_power
        mass = (1 - settings.time_background) * mass / mass.sum() + settings.time_background / len(mass)
        return ExtrinsicProposal(
            self.network,
            first,
            partner,
            Histogram.normalize(mass[:, None]),
            Histogram.normalize(np.ones(self._cells(loud=True))),
            (start, start),
            (len(mass) * settings.time_cell, 1.0),
            time_prior,
            self.fixed,
        )

    def _reference_snr(self) -> list[float]:
        """Signal-to-noise in each detector at the arrival time of the reference."""
        fits = (self.heterodyne.fit_arrivals(self.ratios, np.array([arrival])) for arrival in self.heterodyne.arrivals)
        return [float(np.sqrt(one[:, index, 0]).mean()) for index, one in enumerate(fits)]

    def _arrival_likelihood(self, index: int, first: int, reach: float) -> tuple[float, Float64[np.ndarray, " cell"]]:
        """Likelihood of a detector's arrival times, in cells within `reach` of the arrival in the loudest detector.

        Returns:
            Lower end of the cells, seconds, and their likelihood over the greatest, shape (cell,).
        """
        cell = self.settings.time_cell
        n = round(reach / cell)
        start = self.heterodyne.arrivals[first] - n * cell
        times = start + (np.arange(2 * n) + 0.5) * cell
        log_likelihood = self.heterodyne.fit_arrivals(self.ratios, times)[:, index] / 2
        likelihood = np.exp(log_likelihood - log_likelihood.max()).mean(axis=0)
        live = np.flatnonzero(likelihood > self.settings.negligible * likelihood.max())
        return float(start + live[0] * cell), likelihood[live[0] : live[-1] + 1]

    def _combine(
        self,
        likelihood_a: Float64[np.ndarray, " a"],
        likelihood_b: Float64[np.ndarray, " b"],
        offset: float,
        light: float,
    ) -> Float64[np.ndarray, "a b"]:
        """Masses of the cells of both arrival times that light travel allows; of the closest where it allows none.

        It allows none where a disturbance in one detector is taken for the signal.
        """
        settings = self.settings
        apart = offset + settings.time_cell * (np.arange(len(likelihood_b)) - np.arange(len(likelihood_a))[:, None])
        possible = np.abs(apart) < max(light + settings.time_cell, 1.001 * float(np.abs(apart).min()))
        mass = np.outer(likelihood_a, likelihood_b) ** settings.time_power * possible
        share = settings.time_background
        return (1 - share) * mass / mass.sum() + share * possible / possible.sum()

    def _cells(self, loud: bool) -> tuple[int, int, int, int]:
        """Shape of the table of angles."""
        settings = self.settings
        if len(self.network.detectors) < 3:
            cells = settings.cells_loud if loud else settings.cells_quiet
        else:
            cells = settings.three_cells_loud if loud else settings.three_cells_quiet
        quantile, angle, inclination, polarisation = cells
        if "ra" in self.fixed:
            quantile = angle = 1
        if "theta_jn" in self.fixed:
            inclination = 1
        return quantile, angle, inclination, 1 if "psi" in self.fixed else polarisation


def _other_place(first: Detector) -> Detector:
    """A place on the earth other than that of a detector."""
    return detector(next(name for name in DETECTORS if name != first.name))


def _raise_power(target: LogWeights, proposal: LogWeights, power: float, enough: float, least_step: float) -> float:
    """The greatest power of the target, above the last one, at which the efficiency is high enough.

    Args:
        target: ln of the target density of the points.
        proposal: ln of the density that they were drawn from.
        power: the last power.
        enough: least efficiency.
        least_step: least increase of the power.
    """
    low, high = power, 1.0
    if _efficiency(high * target - proposal) > enough:
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _efficiency(middle * target - proposal) > enough else (low, middle)
    return min(1.0, max(low, power + least_step))


def _efficiency(log_weight: LogWeights) -> float:
    """Efficiency of importance sampling."""
    return effective_sample_size(relative_weights(log_weight)) / len(log_weight)


def _broaden(mass: Float64[np.ndarray, "a b c d"], background: float) -> Histogram:
    """Smooths a table and adds a uniform background; angle and polarisation are periodic."""
    for axis, periodic in enumerate((False, True, False, True)):
        mass = _smooth(mass, axis, periodic=periodic)
    return Histogram.normalize((1 - background) * mass / mass.sum() + background / mass.size)


def _smooth(mass: Float64[np.ndarray, "a b c d"], axis: int, *, periodic: bool) -> Float64[np.ndarray, "a b c d"]:
    """Convolution with (1, 4, 6, 4, 1) / 16 along an axis that is periodic, or continued by its last values."""
    margins = [(2, 2) if index == axis else (0, 0) for index in range(mass.ndim)]
    padded = np.pad(mass, margins, mode="wrap" if periodic else "edge")
    shifted = (np.take(padded, np.arange(shift, shift + mass.shape[axis]), axis) for shift in range(5))
    far, near, middle, right, rightmost = shifted
    return (6 * middle + (far + rightmost) + 4 * (near + right)) / 16
