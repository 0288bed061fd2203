"""Evaluation of a model on injections: calibration of its posteriors, and errors of their medians.

Deterministic leaves give point estimates alone, which have errors but no calibration.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.diagnostics.binning import bin_labels, bin_names
from chirpleaf.diagnostics.calibration import Calibration, calibrate, calibrate_groups, percentile_ranks
from chirpleaf.diagnostics.errors import ErrorTable, tabulate_errors
from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.kinds import sample_quantities
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models.model import Model
from chirpleaf.physics.derived import Samples, derived
from chirpleaf.strain.noise import NoiseSource
from chirpleaf.system.defaults import EVALUATION_SAMPLES

CALIBRATED = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin", "mass_1", "mass_2", "final_mass")
"""Parameters whose ranks are tested; a shipped model must pass the tests of the first six."""

SNR_EDGES = (7.0, 10.0, 15.0, 25.0, 40.0, 60.0)
"""Edges of the groups in optimal signal-to-noise ratio of the detectors together."""
MASS_EDGES = (4.0, 8.0, 12.0, 20.0, 30.0, 45.0, 90.0, 200.0)
"""Edges of the groups in chirp mass, solar masses."""


@dataclass(frozen=True)
class Evaluation:
    """Ranks and errors of a set of injections.

    Attributes:
        ranks: parameter name to the percentile rank of the truth, shape (n,); empty for deterministic leaves.
        medians: parameter name to posterior medians, or point estimates, shape (n,).
        truths: parameter name to true values, shape (n,); the chirp mass is always included.
        snr: optimal signal-to-noise ratio of the detectors together, shape (n,).
        family: family, event or recording of the power spectral densities, shape (n,).
    """

    ranks: dict[str, NDArray[np.float64]]
    medians: dict[str, NDArray[np.float64]]
    truths: dict[str, NDArray[np.float64]]
    snr: NDArray[np.float64]
    family: NDArray[np.str_]

    @property
    def calibration(self) -> Calibration | None:
        """P-P test and coverage over all injections."""
        return calibrate(self.ranks) if self.ranks else None

    @property
    def groups(self) -> dict[str, dict[str, Calibration]]:
        """Calibration by signal-to-noise ratio, by chirp mass and by family of the power spectral densities."""
        if not self.ranks:
            return {}
        mass = self.truths["chirp_mass"]
        return {
            "snr": calibrate_groups(self.ranks, bin_labels(self.snr, SNR_EDGES), order=bin_names(SNR_EDGES)),
            "chirp_mass": calibrate_groups(self.ranks, bin_labels(mass, MASS_EDGES), order=bin_names(MASS_EDGES)),
            "psd_family": calibrate_groups(self.ranks, self.family),
        }

    @property
    def errors(self) -> ErrorTable:
        """Errors of the medians against the signal-to-noise ratio."""
        return tabulate_errors(self.medians, self.truths, self.snr, SNR_EDGES)

    def to_json(self) -> dict[str, Any]:
        """The evaluation as JSON values."""
        groups = {
            kind: {label: table.to_dict() for label, table in tables.items()} for kind, tables in self.groups.items()
        }
        return {
            "injections": len(self.snr),
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "groups": groups,
            "errors": self.errors.to_dict(),
        }


def evaluate(
    model: Model,
    injections: int,
    *,
    seed: int = 0,
    samples: int = EVALUATION_SAMPLES,
    noise: NoiseSource | None = None,
    detectors: tuple[str, ...] | None = None,
    track: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Evaluation:
    """Evaluates a model on injections drawn from its prior.

    Args:
        model: the model.
        injections: number of injections.
        seed: seed of injections and samples.
        samples: posterior draws for each injection.
        noise: source of the noise, such as `RecordedNoise`; that of the model's training when None.
        detectors: detectors of the injections, some of the model's; all of them when None.
        track: yields the numbers of the injections, and may show the progress, such as `rich.progress.track`.

    Returns:
        Ranks, medians and truths.

    Raises:
        InputError: the source has no noise for the model's detectors and segment.
    """
    source = noise or training_noise(model)
    rows = [_evaluate_injection(model, index, seed, samples, source, detectors) for index in track(range(injections))]
    ranks, medians, truths, snr, family = zip(*rows, strict=True)
    return Evaluation(_columns(ranks), _columns(medians), _columns(truths), np.array(snr), np.array(family))


Row = dict[str, float]


def _evaluate_injection(
    model: Model, index: int, seed: int, samples: int, noise: NoiseSource, detectors: tuple[str, ...] | None
) -> tuple[Row, Row, Row, float, str]:
    """Ranks, medians, truths, signal-to-noise ratio and family of one injection."""
    injection = inject(model, noise, np.random.default_rng([seed, index]), detectors=detectors)
    values = _sample_parameters(refine_reference_time(model, injection.segment), samples, seed + index)
    intrinsic = _columns([injection.truth], model.architecture.space.names)
    truth = {name: float(value[0]) for name, value in derived(intrinsic).items()}
    draws = {name: own for name, own in values.items() if len(own) > 1}
    ranks = {name: float(percentile_ranks(own[None], [truth[name]])[0]) for name, own in draws.items()}
    medians = {name: float(np.median(own)) for name, own in values.items()}
    truths = {name: truth[name] for name in {"chirp_mass": None, **values}}
    return ranks, medians, truths, injection.snr, injection.family


def _sample_parameters(observation: Observation, samples: int, seed: int) -> Samples:
    """Draws of the evaluated parameters; deterministic leaves give one point estimate of each."""
    values = sample_quantities(observation, samples, seed)
    names = dict.fromkeys((*CALIBRATED, *observation.model.estimator.quantities))
    return {name: values[name] for name in names if name in values}


def _columns(rows: Sequence[Row], names: Iterable[str] | None = None) -> Samples:
    """Rows of numbers as columns."""
    return {name: np.array([row[name] for row in rows]) for name in names or rows[0]}
