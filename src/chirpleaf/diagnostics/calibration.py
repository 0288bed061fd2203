"""Calibration of posteriors: percentile ranks, P-P tests and coverage.

For an injection, true parameters are drawn from the prior, data are simulated, and the posterior is computed. The
percentile rank is the posterior probability below the true value,

    r = P(theta < theta_true | d).

If posteriors are exact, the ranks of many injections are uniform on [0, 1] (Cook, Gelman and Rubin 2006,
doi:10.1198/106186006X136976; simulation-based calibration, arXiv:1804.06788). The P-P test is a Kolmogorov-Smirnov test
of uniformity. The coverage of the central credible interval is the fraction of ranks within (1 +- level) / 2: it is too
low for posteriors that are too narrow and too high for posteriors that are too wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from chirpleaf.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PPTest:
    """Kolmogorov-Smirnov test that percentile ranks are uniform.

    Attributes:
        ks_statistic: Largest distance between the empirical cumulative distribution of the ranks and the diagonal.
        p_value: Probability of a distance at least as large if the posteriors are calibrated.
        n_injections: Number of ranks.
    """

    ks_statistic: float
    p_value: float
    n_injections: int


@dataclass(frozen=True)
class Coverage:
    """Fraction of truths inside the central credible interval, with its binomial uncertainty.

    Attributes:
        level: Nominal probability of the interval.
        fraction: Fraction of injections whose truth lies in the interval.
        lower: Lower end of the Clopper-Pearson confidence interval of `fraction`.
        upper: Upper end of the Clopper-Pearson confidence interval of `fraction`.
        n_injections: Number of injections.
    """

    level: float
    fraction: float
    lower: float
    upper: float
    n_injections: int

    @property
    def consistent(self) -> bool:
        """Whether the nominal level lies within the confidence interval of the measured fraction."""
        return self.lower <= self.level <= self.upper


@dataclass(frozen=True)
class ParameterCalibration:
    """Calibration of one parameter.

    Attributes:
        pp_test: P-P test.
        coverage_50: Coverage of the central 50 % interval.
        coverage_90: Coverage of the central 90 % interval.
    """

    pp_test: PPTest
    coverage_50: Coverage
    coverage_90: Coverage


@dataclass(frozen=True)
class Calibration:
    """Calibration of all parameters over one set of injections.

    Attributes:
        parameters: P-P test and coverage by parameter name.
        combined_p_value: Fisher's combination of the parameters' p-values, as in bilby's P-P plots.

    Example:
        >>> ranks = {"chirp_mass": (np.arange(1000) + 0.5) / 1000}
        >>> calibration = calibrate(ranks)
        >>> calibration.parameters["chirp_mass"].coverage_90.fraction
        0.9
    """

    parameters: Mapping[str, ParameterCalibration]
    combined_p_value: float

    @property
    def p_values(self) -> dict[str, float]:
        """P-value of the P-P test by parameter name."""
        return {name: row.pp_test.p_value for name, row in self.parameters.items()}

    def to_dict(self) -> dict[str, Any]:
        """Convert the table to plain dictionaries and numbers for JSON."""
        rows = {name: asdict(row) for name, row in self.parameters.items()}
        return {"parameters": rows, "combined_p_value": self.combined_p_value}


def percentile_ranks(samples: ArrayLike, truths: ArrayLike, log_weights: ArrayLike | None = None) -> Array:
    """Compute the posterior probability below the true value for each injection.

    With n unweighted samples the ranks are multiples of 1/n. Use n well above the square root of the number of
    injections (some hundreds for a thousand injections); otherwise this discreteness affects the P-P test.

    Args:
        samples: Posterior samples of one parameter, shape (n_injections, n_samples), in its unit.
        truths: Injected values, shape (n_injections,), in the same unit.
        log_weights: Natural logarithms of the importance weights up to a constant per injection, shape
            (n_injections, n_samples); -inf means weight zero. None means equal weights.

    Returns:
        Ranks in [0, 1], shape (n_injections,).

    Raises:
        InputError: If shapes disagree, a value is not finite, or all weights of an injection are zero.
    """
    samples, truths = np.asarray(samples, np.float64), np.asarray(truths, np.float64)
    if samples.ndim != 2 or truths.shape != samples.shape[:1]:
        raise InputError(
            f"expected samples (n_injections, n_samples) and truths (n_injections,); got {samples.shape} and "
            f"{truths.shape}: pass one row of samples per injection"
        )
    if not (np.isfinite(samples).all() and np.isfinite(truths).all()):
        raise InputError("expected finite samples and truths; got NaN or infinity: drop the failed injections first")
    below = samples < truths[:, None]
    if log_weights is None:
        return np.asarray(below.mean(axis=1), np.float64)
    weights = _normalise_weights(np.asarray(log_weights, np.float64), samples.shape)
    return np.asarray(np.clip((weights * below).sum(axis=1), 0.0, 1.0), np.float64)


def _normalise_weights(log_weights: Array, shape: tuple[int, ...]) -> Array:
    """Exponentiate and normalise the weights of each row."""
    if log_weights.shape != shape:
        raise InputError(f"expected log_weights of shape {shape}; got {log_weights.shape}: pass one weight per sample")
    largest = log_weights.max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        raise InputError(
            "expected a finite largest log weight per injection; got NaN or all -inf: drop those injections"
        )
    weights = np.exp(log_weights - largest)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def pp_test(ranks: ArrayLike) -> PPTest:
    """Test that percentile ranks are uniform on [0, 1].

    Args:
        ranks: Percentile ranks, shape (n_injections,).

    Returns:
        The Kolmogorov-Smirnov statistic and its p-value.

    Raises:
        InputError: If there are no ranks, or one is outside [0, 1].
    """
    ranks = _check_ranks(ranks)
    test = stats.kstest(ranks, "uniform")
    return PPTest(float(test.statistic), float(test.pvalue), len(ranks))


def coverage(ranks: ArrayLike, level: float = 0.9, *, confidence: float = 0.95) -> Coverage:
    """Compute the fraction of truths inside the central credible interval of the given level.

    Args:
        ranks: Percentile ranks, shape (n_injections,).
        level: Nominal probability of the interval, in (0, 1).
        confidence: Confidence level of the Clopper-Pearson interval (doi:10.1093/biomet/26.4.404) of the fraction.

    Returns:
        The fraction and its confidence interval.

    Raises:
        InputError: If level is not in (0, 1), there are no ranks, or one is outside [0, 1].
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"expected level in (0, 1); got {level}: 90 % is 0.9")
    ranks = _check_ranks(ranks)
    inside = int(np.count_nonzero(np.abs(ranks - 0.5) <= level / 2))
    interval = stats.binomtest(inside, len(ranks)).proportion_ci(confidence, method="exact")
    return Coverage(level, inside / len(ranks), float(interval.low), float(interval.high), len(ranks))


def combined_p_value(p_values: Sequence[float]) -> float:
    """Combine p-values by Fisher's method: -2 sum ln p is chi-squared distributed with 2k degrees of freedom.

    The method assumes k independent tests. The parameters of one posterior are correlated, so their combined p-value is
    a summary and not a calibrated probability.

    Args:
        p_values: One p-value per test, each in [0, 1].

    Returns:
        The combined p-value.
    """
    positive = np.maximum(np.asarray(p_values, np.float64), np.finfo(np.float64).tiny)
    return float(stats.combine_pvalues(positive, method="fisher").pvalue)


def calibrate(ranks: Mapping[str, ArrayLike]) -> Calibration:
    """Compute the P-P test and the coverage at 50 % and 90 % of every parameter.

    Args:
        ranks: Percentile ranks by parameter name, each of shape (n_injections,).

    Returns:
        The table, with the combined p-value.

    Raises:
        InputError: If no parameter is given, or ranks are empty or outside [0, 1].
    """
    if not ranks:
        raise InputError("expected ranks of at least one parameter; got none: pass {name: ranks}")
    rows = {
        name: ParameterCalibration(pp_test(values), coverage(values, 0.5), coverage(values, 0.9))
        for name, values in ranks.items()
    }
    return Calibration(rows, combined_p_value([row.pp_test.p_value for row in rows.values()]))


def calibrate_groups(
    ranks: Mapping[str, ArrayLike], groups: ArrayLike, *, order: Sequence[str] | None = None
) -> dict[str, Calibration]:
    """Compute the calibration within groups of injections, such as SNR bins, mass bins or PSD families.

    A network can be calibrated on average but overconfident for loud signals; calibration by group detects this.

    Args:
        ranks: Percentile ranks by parameter name, each of shape (n_injections,).
        groups: Label of each injection's group, shape (n_injections,).
        order: Labels of the groups to include, in order; groups without injections are omitted. None includes all
            groups in order of first appearance.

    Returns:
        One table per group.

    Raises:
        InputError: If a parameter does not have one rank per label.
    """
    labels = np.asarray(groups).astype(str)
    arrays = {name: np.asarray(values, np.float64) for name, values in ranks.items()}
    for name, values in arrays.items():
        if values.shape != labels.shape:
            raise InputError(f"expected one group label per rank of {name}; got {labels.shape} and {values.shape}")
    present = dict.fromkeys(labels.tolist())
    return {
        label: calibrate({name: values[labels == label] for name, values in arrays.items()})
        for label in (present if order is None else order)
        if label in present
    }


def coverage_by_group(groups: Mapping[str, Calibration], level: float = 0.9) -> dict[str, Array]:
    """Arrange the coverage of every parameter in an array for `chirpleaf.plots.calibration.plot_coverage`.

    Args:
        groups: Tables by group, from `calibrate_groups`.
        level: 0.5 or 0.9.

    Returns:
        By parameter name, the coverage and its lower and upper confidence limits, shape (n_groups, 3).

    Raises:
        InputError: If the level is neither 0.5 nor 0.9.
    """
    if level not in (0.5, 0.9):
        raise InputError(f"expected level 0.5 or 0.9; got {level}: use coverage for others")
    attribute = "coverage_50" if level == 0.5 else "coverage_90"
    names = dict.fromkeys(name for table in groups.values() for name in table.parameters)
    rows = {name: [getattr(table.parameters[name], attribute) for table in groups.values()] for name in names}
    return {name: np.array([[row.fraction, row.lower, row.upper] for row in found]) for name, found in rows.items()}


def _check_ranks(ranks: ArrayLike) -> Array:
    """Convert ranks to a one-dimensional float array and check that they lie in [0, 1]."""
    ranks = np.asarray(ranks, np.float64)
    if ranks.ndim != 1 or not len(ranks):
        raise InputError(f"expected ranks of shape (n_injections,); got {ranks.shape}: pass one rank per injection")
    if not ((ranks >= 0.0) & (ranks <= 1.0)).all():
        raise InputError(f"expected ranks in [0, 1]; got {ranks.min()} to {ranks.max()}: use percentile_ranks")
    return ranks
