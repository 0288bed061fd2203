"""Posteriors under a common prior: importance weights p'(theta) / p(theta), where both densities are known.

Densities are those of chirp mass, mass ratio, luminosity distance and aligned spins; angles and times have the same
priors everywhere. With m1 = `mass_1`, a density of the component masses becomes one of chirp mass M and mass ratio by
|d(m1, m2) / d(M, q)| = m1^2 / M.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.result.external import ExternalPosterior
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.weights import effective_sample_size, relative_weights, resample_systematically

Array = NDArray[np.float64]
LogDensity = Callable[[Mapping[str, Array]], Array]

COORDINATES = ("chirp_mass", "mass_ratio", "luminosity_distance", "chi_1", "chi_2")
"""Parameters of the densities."""

LEAST_EFFECTIVE = 100
"""Effective samples below which a reweighted posterior is not shown: its quantiles would be noise."""

_MASSES = ({"chirp_mass", "mass_ratio"}, {"mass_1", "mass_2"})
_OTHERS = {"ra", "dec", "theta_jn", "psi", "phase", "geocent_time", "H1_time", "L1_time", "time_jitter", "delta_phase"}


def reweight(posterior: ExternalPosterior, target: ExternalPosterior, seed: int = 0) -> ExternalPosterior:
    """Resamples a posterior under the prior of another.

    Args:
        posterior: samples of equal weight.
        target: its prior is taken.
        seed: seed of the resampling.

    Returns:
        As many samples as are effective.

    Raises:
        InputError: one of the priors is not known, its spins are others, or too few samples are effective.
    """
    if missing := [name for name in COORDINATES if name not in posterior.samples]:
        raise InputError(f"expected samples of {', '.join(COORDINATES)} in {posterior.name}; got none of {missing[0]}")
    old, new = find_density(posterior), find_density(target)
    before = old(posterior.samples)
    with np.errstate(invalid="ignore"):
        log_weight = np.where(np.isfinite(before), new(posterior.samples) - before, -np.inf)
    weights = relative_weights(log_weight)
    effective = int(effective_sample_size(weights))
    if effective < LEAST_EFFECTIVE:
        raise InputError(
            f"expected at least {LEAST_EFFECTIVE} effective samples of {posterior.name} under the prior of "
            f"{target.name}; got {effective}: compare without --reweight"
        )
    chosen = resample_systematically(weights, effective, seed)
    samples = {name: values[chosen] for name, values in posterior.samples.items()}
    definitions = replace(posterior.definitions, prior=target.definitions.prior)
    return ExternalPosterior(posterior.name, samples, definitions, target.prior, target.bilby_priors, posterior.trust)


def find_density(posterior: ExternalPosterior) -> LogDensity:
    """ln of the prior density of `COORDINATES` of a posterior, up to a constant.

    Raises:
        InputError: it is not known, or has other parameters.
    """
    if posterior.prior is not None and posterior.prior.known and posterior.prior.distance is not None:
        return _find_own(posterior.prior)
    if posterior.bilby_priors:
        return _find_bilby(posterior)
    raise InputError(
        f"expected a file that states its prior for --reweight, of chirpleaf or bilby; got {posterior.name}: compare "
        "without --reweight"
    )


def _find_own(prior: AnalysisPrior) -> LogDensity:
    def density(samples: Mapping[str, Array]) -> Array:
        assert prior.intrinsic is not None
        assert prior.distance is not None
        return np.asarray(prior.intrinsic.log_prob(samples) + prior.distance.log_prob(samples["luminosity_distance"]))

    return density


def _find_bilby(posterior: ExternalPosterior) -> LogDensity:
    """Density of the priors of a bilby file, evaluated by bilby."""
    priors = _load_bilby(posterior)
    own = {name for name, prior in priors.items() if type(prior).__name__ not in ("Constraint", "DeltaFunction")}
    masses = next((pair for pair in _MASSES if pair <= own), None)
    wanted = own - _OTHERS - (masses or set())
    if masses is None or wanted != {"luminosity_distance", "chi_1", "chi_2"}:
        raise InputError(
            f"expected priors of two masses, luminosity_distance, chi_1 and chi_2 in {posterior.name}; got "
            f"{', '.join(sorted(own - _OTHERS))}: compare without --reweight"
        )

    def density(samples: Mapping[str, Array]) -> Array:
        table = {name: np.asarray(samples[name]) for name in (*COORDINATES, "mass_1", "mass_2")}
        with np.errstate(all="ignore"):
            total = sum(np.asarray(priors[name].ln_prob(table[name])) for name in sorted(masses | wanted))
            allowed = np.asarray(priors.evaluate_constraints(table), bool)
        jacobian = 2 * np.log(table["mass_1"]) - np.log(table["chirp_mass"]) if "mass_1" in masses else 0.0
        return np.where(allowed, total + jacobian, -np.inf)

    return density


def _load_bilby(posterior: ExternalPosterior) -> Any:
    """bilby's dictionary of priors; the modules that its JSON names are bilby's alone."""
    if stray := [name for name in _list_modules(posterior.bilby_priors) if not name.startswith("bilby.")]:
        raise InputError(f"expected priors of bilby in {posterior.name}; got one of {stray[0]}: leave out --reweight")
    try:
        utils = import_module("bilby.core.utils")
    except ImportError as error:
        raise InputError("expected bilby, which evaluates its priors; got none: pip install bilby") from error
    return json.loads(json.dumps(dict(posterior.bilby_priors)), object_hook=utils.decode_bilby_json)


def _list_modules(value: Any) -> list[str]:
    """All modules that a JSON value names."""
    if isinstance(value, Mapping):
        own = [str(value["__module__"])] if "__module__" in value else []
        return own + [name for entry in value.values() for name in _list_modules(entry)]
    return [name for entry in value for name in _list_modules(entry)] if isinstance(value, list) else []
