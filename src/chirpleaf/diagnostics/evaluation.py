"""Evaluation of a model on injections: is it calibrated, and how wide are its answers?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.diagnostics.binning import bin_labels, bin_names
from chirpleaf.diagnostics.calibration import Calibration, by_group, calibrate, percentile_ranks
from chirpleaf.diagnostics.errors import ErrorTable, error_table
from chirpleaf.diagnostics.injections import Spectra, inject
from chirpleaf.inference.amortised import sample
from chirpleaf.inference.observe import refine
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.models.model import Model
from chirpleaf.physics.derived import derived
from chirpleaf.strain.measured import DrawnSpectra

CALIBRATED = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin", "mass_1", "mass_2", "final_mass")
"""Parameters whose ranks are tested; the first six are those that a shipped model must pass."""

SNR_EDGES = (7.0, 10.0, 15.0, 25.0, 40.0, 60.0)
MASS_EDGES = (4.0, 8.0, 12.0, 20.0, 30.0, 45.0, 90.0)


@dataclass(frozen=True)
class Evaluation:
    """Ranks and errors of a set of injections.

    Attributes:
        ranks: parameter name to the percentile rank of the truth, shape (n,).
        medians: parameter name to posterior medians, shape (n,).
        truths: parameter name to true values, shape (n,).
        snr: optimal signal-to-noise of the network, shape (n,).
        family: family of the power spectral densities, shape (n,).
    """

    ranks: dict[str, NDArray[np.float64]]
    medians: dict[str, NDArray[np.float64]]
    truths: dict[str, NDArray[np.float64]]
    snr: NDArray[np.float64]
    family: NDArray[np.str_]

    @property
    def calibration(self) -> Calibration:
        """P-P test and coverage over all injections."""
        return calibrate(self.ranks)

    @property
    def groups(self) -> dict[str, dict[str, Calibration]]:
        """Calibration by signal-to-noise, by chirp mass and by family of power spectral density."""
        mass = self.truths["chirp_mass"]
        return {
            "snr": by_group(self.ranks, bin_labels(self.snr, SNR_EDGES), order=bin_names(SNR_EDGES)),
            "chirp_mass": by_group(self.ranks, bin_labels(mass, MASS_EDGES), order=bin_names(MASS_EDGES)),
            "psd_family": by_group(self.ranks, self.family),
        }

    @property
    def errors(self) -> ErrorTable:
        """Errors of the medians against signal-to-noise."""
        return error_table(self.medians, self.truths, self.snr, SNR_EDGES)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        groups = {
            kind: {label: table.to_dict() for label, table in tables.items()} for kind, tables in self.groups.items()
        }
        return {
            "injections": len(self.snr),
            "calibration": self.calibration.to_dict(),
            "groups": groups,
            "errors": self.errors.to_dict(),
        }


def evaluate(
    model: Model,
    injections: int,
    *,
    seed: int = 0,
    samples: int = 2000,
    spectra: Spectra | None = None,
    track: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Evaluation:
    """Evaluates a model on injections drawn from its prior.

    Args:
        model: the model.
        injections: how many.
        seed: of injections and samples.
        samples: posterior draws for each.
        spectra: power spectral densities; the ensemble's when None.
        track: passes the injections' numbers on, and may show how far they are, such as `rich.progress.track`.

    Returns:
        Ranks, medians and truths.
    """
    rows = [_result(model, index, seed, samples, spectra or DrawnSpectra()) for index in track(range(injections))]
    ranks, medians, truths, snr, family = zip(*rows, strict=True)

    def columns(dicts: tuple[dict[str, float], ...]) -> dict[str, NDArray[np.float64]]:
        return {name: np.array([row[name] for row in dicts]) for name in CALIBRATED}

    return Evaluation(columns(ranks), columns(medians), columns(truths), np.array(snr), np.array(family))


def _result(
    model: Model, index: int, seed: int, samples: int, spectra: Spectra
) -> tuple[dict[str, float], dict[str, float], dict[str, float], float, str]:
    """Ranks, medians, truths, signal-to-noise and family of one injection."""
    injection = inject(model, spectra, np.random.default_rng([seed, index]))
    values, _ = sample(refine(model, injection.segment), samples, seed=seed + index)
    truth = {name: float(value[0]) for name, value in derived(**_columns(injection.truth)).items()}
    ranks = {name: float(percentile_ranks(values[name][None], [truth[name]])[0]) for name in CALIBRATED}
    medians = {name: float(np.median(values[name])) for name in CALIBRATED}
    return ranks, medians, truth, injection.snr, injection.family


def _columns(truth: dict[str, float]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array([truth[name]]) for name in PARAMETERS}
