"""A prior file of bilby, as certification needs it.

bilby reads the file; what is asked here is whether it speaks of aligned spins, isotropic angles and one distance, and
what density it gives the four intrinsic parameters. Masses may be written in other coordinates (m, q) or (m_1, m_2),

    p(M_c, q) = p(m, q) m / M_c,    p(M_c, q) = p(m_1, m_2) m_1^2 / M_c,    m_1^2 / M_c = M_c q^(-6/5) (1 + q)^(2/5)

(arXiv:2104.09508), with m any mass, which is M_c times a function of q. Constraints cut the density off and leave
the fraction A of its integral; 1 / A is estimated by sixteen scrambled Sobol sequences, whose scatter gives its error
(usually 1e-4). That error moves the evidence of all samples together, and nothing else.

A prior file is a program: bilby evaluates what is written there. Read those alone that you trust.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.quasirandom import SobolEngine

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses

Array = NDArray[np.float64]

_MASSES = ("chirp_mass", "mass_1", "mass_2", "total_mass", "mass_ratio")
_PAIRS = (
    {"chirp_mass", "mass_ratio"},
    {"mass_1", "mass_2"},
    {"mass_1", "mass_ratio"},
    {"mass_2", "mass_ratio"},
    {"total_mass", "mass_ratio"},
)
_SPINS = ("chi_1", "chi_2")
_ISOTROPIC = {
    "ra": ("Uniform", 0.0, 2 * math.pi),
    "dec": ("Cosine", -math.pi / 2, math.pi / 2),
    "theta_jn": ("Sine", 0.0, math.pi),
    "cos_theta_jn": ("Uniform", -1.0, 1.0),
    "psi": ("Uniform", 0.0, math.pi),
    "phase": ("Uniform", 0.0, 2 * math.pi),
    "delta_phase": ("Uniform", 0.0, 2 * math.pi),
}
_PRECESSING = {"a_1", "a_2", "tilt_1", "tilt_2", "cos_tilt_1", "cos_tilt_2", "phi_12", "phi_jl", "phi_1", "phi_2"}
_OTHER_DISTANCES = ("redshift", "comoving_distance")
_SEQUENCES, _POINTS = 16, 2**14
_NARROWEST = 1.2
"""Least ratio of the distances that 5 % and 95 % of the prior lie below; the table of `distance` is too coarse."""


@dataclass(frozen=True, eq=False)
class BilbyIntrinsic:
    """Density of the intrinsic parameters.

    Attributes:
        prior: bilby's dictionary of the masses and spins, and of the constraints upon them.
    """

    prior: Any

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density per d(chirp_mass) d(mass_ratio) d(chi_1) d(chi_2).

        Args:
            samples: the four parameters, each (n,), chirp mass in solar masses; further keys are ignored.

        Returns:
            Natural logarithm (n,), minus infinity outside the support.
        """
        names = ("chirp_mass", "mass_ratio", *_SPINS)
        chirp_mass, mass_ratio, *spins = np.broadcast_arrays(*(np.atleast_1d(samples[name]) for name in names))
        possible = (chirp_mass > 0) & (mass_ratio > 0) & (mass_ratio <= 1)
        chirp_mass, mass_ratio = np.where(possible, chirp_mass, 1.0), np.where(possible, mass_ratio, 1.0)
        known = {**_masses(chirp_mass, mass_ratio), **dict(zip(_SPINS, spins, strict=True))}
        with np.errstate(all="ignore"):
            density = self.prior.ln_prob({name: known[name] for name in self.names}, axis=0, normalized=False)
        jacobian = np.log(self._jacobian(known))
        return np.where(possible, density + jacobian - self.log_acceptance, -np.inf)

    @property
    def names(self) -> list[str]:
        """Parameters that the file gives a density of."""
        return list(self.prior.non_fixed_keys)

    @property
    def log_acceptance(self) -> float:
        """ln of the fraction that the constraints leave."""
        return self._acceptance[0]

    @property
    def log_acceptance_error(self) -> float:
        """Its standard error."""
        return self._acceptance[1]

    def check(self) -> None:
        """Refuses a prior that is no prior of binaries.

        Raises:
            InputError: the constraints leave too little, or the heavier mass is not the first.
        """
        _ = self._acceptance

    def _jacobian(self, known: Mapping[str, Array]) -> Array:
        """From the masses of the file to chirp mass and mass ratio."""
        masses = [name for name in self.names if name in _MASSES and name != "mass_ratio"]
        if len(masses) == 1:
            return known[masses[0]] / known["chirp_mass"]
        return known["mass_1"] ** 2 / known["chirp_mass"]

    @cached_property
    def _acceptance(self) -> tuple[float, float]:
        fractions = np.array([self._fraction(seed) for seed in range(_SEQUENCES)])
        mean = fractions.mean()
        if mean == 0:
            raise InputError("expected binaries that the constraints leave; got none: widen the constraints")
        error = float(fractions.std(ddof=1) / np.sqrt(_SEQUENCES) / mean)
        if error > 0.02:
            raise InputError(
                f"expected constraints that leave a good part of the prior; got {mean:.1g} of it: "
                "narrow the bounds of the masses to where the constraints allow them"
            )
        return float(np.log(mean)), error

    def _rescaled(self, levels: Mapping[str, Array]) -> dict[str, Array]:
        """Values at quantile levels; bilby's own `rescale` of a dictionary takes one binary at a time."""
        samples = {}
        for name in (name for name in self.prior.sorted_keys if name in levels):
            given = self.prior.get_required_variables(name)
            samples[name] = self.prior[name].rescale(levels[name], **given)
            self.prior[name].least_recently_sampled = samples[name]
        return samples

    def _fraction(self, seed: int) -> float:
        """What the constraints leave of one sequence."""
        engine = SobolEngine(len(self.names), scramble=True, seed=seed)
        cube = engine.draw(_POINTS, dtype=torch.float64).clamp(1e-12, 1 - 1e-12).numpy()
        with np.errstate(all="ignore"):
            samples = self._rescaled(dict(zip(self.names, cube.T, strict=True)))
            allowed = np.asarray(self.prior.evaluate_constraints(samples), dtype=bool)
            ratio = self.prior.conversion_function(samples)["mass_ratio"][allowed]
        if np.any(ratio > 1 + 1e-9):
            raise InputError(
                "expected mass_1 >= mass_2; got a prior that allows the contrary: "
                "add mass_ratio = Constraint(minimum=0.125, maximum=1)"
            )
        return float(allowed.mean())


@dataclass(frozen=True, eq=False)
class BilbyDistance:
    """Density of the luminosity distance.

    Attributes:
        prior: bilby's, bounded, Mpc.
    """

    prior: Any

    @property
    def minimum(self) -> float:
        """Nearest, Mpc."""
        return float(self.prior.minimum)

    @property
    def maximum(self) -> float:
        """Farthest, Mpc."""
        return float(self.prior.maximum)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values, Mpc."""
        return np.asarray(self.prior.rescale(rng.random(n)), dtype=np.float64)

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x` (Mpc), same shape, minus infinity outside the support."""
        with np.errstate(all="ignore"):
            return np.asarray(self.prior.ln_prob(np.asarray(x, dtype=np.float64)), dtype=np.float64)


class BilbyPrior(NamedTuple):
    """What certification takes from a file.

    Attributes:
        intrinsic: density of masses and spins.
        distance: density of the luminosity distance.
        arrival: first and last GPS time of the arrival at the centre of the earth, seconds; None where there is none.
    """

    intrinsic: BilbyIntrinsic
    distance: BilbyDistance
    arrival: tuple[float, float] | None


def read_bilby_prior(path: Path) -> BilbyPrior:
    """Reads a prior file.

    Args:
        path: a file in bilby's own format.

    Returns:
        Its intrinsic part, its distance and its time.

    Raises:
        InputError: bilby is missing or cannot read the file, or the file asks for what certification does not do.
    """
    entries = dict(_read(path))
    try:
        _check_known(entries)
        found = BilbyPrior(_intrinsic(entries), _distance(entries), _arrival(entries))
        found.intrinsic.check()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return found


def _bilby() -> Any:
    """The module `bilby.gw.prior`, which is optional, and takes seconds."""
    try:
        return import_module("bilby.gw.prior")
    except ImportError as error:
        raise InputError("expected bilby, which reads prior files; got none: pip install bilby") from error


def _read(path: Path) -> Any:
    """bilby's dictionary of a file."""
    if not path.is_file():
        raise InputError(f"expected a prior file; got {path}, which is none: check its name")
    bilby = _bilby()
    try:
        return bilby.BBHPriorDict(filename=str(path.resolve()))
    except Exception as error:  # whatever the file's own expressions raise
        line = " ".join(str(error).split())
        raise InputError(f"expected a prior file of bilby; got {path} ({line}): mend that line") from error


def _check_known(entries: Mapping[str, Any]) -> None:
    """Refuses what the likelihood has no place for."""
    bilby = _bilby()
    for name, prior in entries.items():
        if name in _PRECESSING:
            raise InputError(f"expected aligned spins; got {name}: write chi_1 and chi_2 instead of precessing spins")
        if not isinstance(prior, bilby.Prior):
            raise InputError(f"expected a prior of {name}; got {prior!r}: write {name} = Uniform(minimum=, maximum=)")
        if isinstance(prior, bilby.JointPrior):
            raise InputError(f"expected a prior of {name} alone; got a joint one: write one for each parameter")
        if isinstance(prior, bilby.Constraint):
            continue
        if name in _ISOTROPIC:
            _check_isotropic(name, prior)
        elif name in _OTHER_DISTANCES:
            raise InputError(
                f"expected a prior of luminosity_distance; got one of {name}: write luminosity_distance = "
                "bilby.gw.prior.UniformSourceFrame(minimum=100, maximum=3000, name='luminosity_distance')"
            )
        elif name not in (*_MASSES, *_SPINS, "luminosity_distance", "geocent_time"):
            raise InputError(f"expected masses, aligned spins, angles, distance and time; got {name}: leave it out")


def _check_isotropic(name: str, prior: Any) -> None:
    kind, low, high = _ISOTROPIC[name]
    bounds = np.allclose([prior.minimum, prior.maximum], [low, high], rtol=0, atol=1e-3)
    if type(prior).__name__ != kind or not bounds:
        raise InputError(
            f"expected {name} = {kind}(minimum={low:.6g}, maximum={high:.6g}), isotropic; got {_short(prior)}: "
            "write it so, or leave it out"
        )


def _intrinsic(entries: Mapping[str, Any]) -> BilbyIntrinsic:
    """Density of masses and spins, with the constraints upon them."""
    bilby = _bilby()
    constraints = {name: prior for name, prior in entries.items() if isinstance(prior, bilby.Constraint)}
    own = {name: entries[name] for name in (*_MASSES, *_SPINS) if name in entries and name not in constraints}
    if {name for name in own if name in _MASSES} not in _PAIRS:
        raise InputError(
            f"expected priors of two masses; got {', '.join(name for name in own if name in _MASSES) or 'none'}: "
            "give chirp_mass and mass_ratio, or mass_1 and mass_2, and Constraint of others"
        )
    for name in _SPINS:
        if name not in own:
            raise InputError(
                f"expected a prior of {name}; got none: add {name} = bilby.gw.prior.AlignedSpin("
                f"name='{name}', a_prior=Uniform(minimum=0, maximum=0.99))"
            )
    for name, prior in own.items():
        if prior.is_fixed:
            raise InputError(f"expected a density of {name}; got a fixed value: give it a narrow Uniform")
        if stray := [needed for needed in getattr(prior, "required_variables", []) if needed not in own]:
            raise InputError(f"expected {name} to depend on masses and spins alone; got {stray[0]}: leave that out")
    prior = bilby.BBHPriorDict(dictionary={**own, **constraints})
    some = {name: np.full(1, 0.5) for name in own}
    for name in constraints:
        if name not in prior.conversion_function(some):
            raise InputError(f"expected constraints on masses and spins; got one on {name}: leave it out")
    return BilbyIntrinsic(prior)


def _distance(entries: Mapping[str, Any]) -> BilbyDistance:
    name = "luminosity_distance"
    if name not in entries:
        raise InputError(f"expected a prior of {name}; got none: add {name} = PowerLaw(2, 100, 3000)")
    prior = entries[name]
    distance = BilbyDistance(prior)
    if hasattr(prior, "condition_func"):
        raise InputError(f"expected a prior of {name} alone; got a conditional one: write it without")
    if not 0 <= distance.minimum < distance.maximum < np.inf:
        raise InputError(
            f"expected {name} within bounds, Mpc; got [{distance.minimum:g}, {distance.maximum:g}]: give minimum and "
            "maximum, for example by PowerLaw or TruncatedGaussian"
        )
    near, far = (float(prior.rescale(level)) for level in (0.05, 0.95))
    if far < _NARROWEST * near:
        raise InputError(
            f"expected a wider prior of {name}; got nine tenths of it in [{near:.4g}, {far:.4g}] Mpc: let the larger "
            f"be at least {_NARROWEST:g} times the smaller"
        )
    return distance


def _arrival(entries: Mapping[str, Any]) -> tuple[float, float] | None:
    prior = entries.get("geocent_time")
    if prior is None:
        return None
    if type(prior).__name__ != "Uniform":
        raise InputError(f"expected geocent_time = Uniform(...); got {_short(prior)}: write it so, or leave it out")
    return float(prior.minimum), float(prior.maximum)


def _masses(chirp_mass: Array, mass_ratio: Array) -> dict[str, Array]:
    """Every mass a file may speak of."""
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    values = (chirp_mass, mass_1, mass_2, mass_1 + mass_2, mass_ratio)
    return dict(zip(_MASSES, (np.asarray(value) for value in values), strict=True))


def _short(prior: Any) -> str:
    return f"{type(prior).__name__}({prior.minimum:.6g}, {prior.maximum:.6g})"
