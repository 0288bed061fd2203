"""Uncertainty of the calibration: the likelihood marginalised over curves that are drawn from the envelopes.

With the factor alpha_d of detector d (`strain.calibration`) and its normal priors, the likelihood of a sample is

    L' = prod_d mean over curves of L_d(alpha_d h),

a product because the curves of the detectors are independent. Curves vary slowly with the frequency, so that the sums
over frequencies are taken once for each sample, as those of an interpolation from the frequencies of a finer spline
(`terms`). Samples in a round share curves, and each round has others: the errors of the means over curves then average
out over the posterior, and the mean weight is an unbiased estimate of the ratio of the evidences.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.systematics.reweighting import Column, Draws, record_weights
from chirpleaf.inference.systematics.settings import DEFAULTS, CalibrationSettings, SystematicsSettings
from chirpleaf.inference.systematics.terms import Terms, sum_terms
from chirpleaf.result.posterior import Posterior
from chirpleaf.strain.calibration import (
    LEAST_NODES,
    CalibrationEnvelope,
    CorrectionType,
    Curves,
    SplineModel,
    make_spline_basis,
)
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

_STREAM = 62
"""Number of the stream of random numbers."""


def marginalise_calibration(
    posterior: Posterior,
    data: PreparedData,
    envelopes: Mapping[str, CalibrationEnvelope],
    settings: SystematicsSettings = DEFAULTS,
    *,
    seed: int = 0,
    correction: CorrectionType = "data",
    deadline: Deadline = NEVER,
) -> Posterior:
    """Marginalises the likelihood of a certified posterior over the calibration.

    Args:
        posterior: a certified posterior.
        data: the data that it was made of.
        envelopes: detector name to envelope; the calibration of the others is taken as exact.
        settings: numbers of samples, nodes and curves.
        seed: seed of the curves.
        correction: what the envelopes' files correct, for the record.
        deadline: end of the time budget; fewer samples are reweighted if it is short.

    Returns:
        The posterior under the marginalised likelihood.

    Raises:
        InputError: the posterior cannot be reweighted, a detector has no data, or an envelope does not cover the band.
    """
    draws = Draws.select(posterior, data, settings, deadline)
    models = place_splines(draws.segment, envelopes, settings.calibration)
    names = tuple(models)
    segment = select_detectors(draws.segment, names)
    places = {name: _refine(model, settings.calibration.cells) for name, model in models.items()}
    weights = [_interpolate(segment, index, places[name]) for index, name in enumerate(names)]
    terms = sum_terms(segment, draws.samples, draws.waveform, weights, settings, deadline=deadline)
    draws = draws.select_first(len(terms[0].power))
    log_ratio, effective = np.zeros(len(draws.chosen)), 0.0
    step, number = settings.calibration.samples_per_round, settings.calibration.curves
    for index, (name, one) in enumerate(zip(names, terms, strict=True)):
        frequencies = np.exp(places[name])
        for start in range(0, len(log_ratio), step):
            rng = np.random.default_rng([seed, _STREAM, index, start])
            curves = models[name].draw(number, rng, frequencies)
            rows = Terms(one.matched[start : start + step], one.power[start : start + step])
            found, sizes = average_over_curves(rows, curves)
            log_ratio[start : start + step] += found
            effective += float(sizes.sum()) / len(log_ratio) / len(names)
    log_ratio = np.nan_to_num(log_ratio, nan=-np.inf)
    record = replace(
        record_weights("calibration", names, log_ratio), draws=number, effective_draws=effective, correction=correction
    )
    level = {"log_likelihood": draws.samples["log_likelihood"] + np.nan_to_num(log_ratio, neginf=0.0)}
    return draws.reweight(log_ratio, record, level)


def place_splines(
    segment: Segment, envelopes: Mapping[str, CalibrationEnvelope], settings: CalibrationSettings = DEFAULTS.calibration
) -> dict[str, SplineModel]:
    """The splines of each detector over its band, in the order of the segment.

    Args:
        segment: the data of the likelihood.
        envelopes: detector name to envelope.
        settings: number of nodes.

    Raises:
        InputError: a detector has no data, an envelope does not cover the band, or there are too few nodes.
    """
    stray = [name for name in envelopes if name not in segment.detectors]
    if stray:
        raise InputError(
            f"expected calibration envelopes of {', '.join(segment.detectors)}; got one of {stray[0]}, whose data are "
            "not used: leave it out"
        )
    if settings.nodes < LEAST_NODES:
        raise InputError(f"expected at least {LEAST_NODES} nodes of a cubic spline; got {settings.nodes}: take ten")
    models = {}
    for index, name in enumerate(segment.detectors):
        if name in envelopes:
            band = segment.frequencies[np.isfinite(segment.psd[index])]
            try:
                models[name] = envelopes[name].place_nodes(float(band[0]), float(band[-1]), settings.nodes)
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
    return models


def average_over_curves(terms: Terms, curves: Curves) -> tuple[Column, Float64[np.ndarray, " n"]]:
    """ln of the likelihood averaged over curves, over that without a factor; and the effective number of curves.

    Args:
        terms: sums of n samples at the frequencies of the curves.
        curves: alpha at these frequencies, shape (curve, frequency).

    Returns:
        Nats, shape (n,), and numbers, shape (n,); NaN where the waveform cannot be computed.
    """
    linear, square = curves - 1, np.abs(curves) ** 2 - 1
    value = terms.matched.real @ linear.real.T + terms.matched.imag @ linear.imag.T - terms.power @ square.T / 2
    top = value.max(axis=1, keepdims=True)
    weight = np.exp(value - top)
    total = weight.sum(axis=1)
    return top[:, 0] + np.log(total / len(curves)), total**2 / np.sum(weight**2, axis=1)


def select_detectors(segment: Segment, names: tuple[str, ...]) -> Segment:
    """The data of some detectors.

    Args:
        segment: the data.
        names: the detectors, in the order that is wanted.
    """
    rows = [segment.detectors.index(name) for name in names]
    return replace(segment, detectors=names, strain=segment.strain[rows], psd=segment.psd[rows])


def _refine(model: SplineModel, cells: int) -> Float64[np.ndarray, " place"]:
    """ln of the frequencies of a finer spline: its nodes include those of the model."""
    nodes = len(model.log_nodes)
    return np.linspace(model.log_nodes[0], model.log_nodes[-1], (nodes - 1) * cells + 1)


def _interpolate(
    segment: Segment, index: int, places: Float64[np.ndarray, " place"]
) -> Float64[np.ndarray, "frequency place"]:
    """Weights of the values at some frequencies in the spline at all frequencies; zero where these are not used."""
    used = np.isfinite(segment.psd[index])
    table = np.zeros((len(used), len(places)))
    table[used] = make_spline_basis(places, np.log(segment.frequencies[used]))
    return table
