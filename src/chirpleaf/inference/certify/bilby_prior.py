"""A prior file of bilby, as certification needs it.

bilby reads the file. It must give masses, spins, isotropic or fixed angles, and one distance or redshift. Spins are
aligned (chi_1, chi_2), or precess: magnitudes and tilts (a_1, a_2, tilt_1, tilt_2), with isotropic phi_12 and phi_jl;
`bilby_densities` has the densities of the intrinsic parameters and `bilby_distance` that of the distance.

A prior file is a program: bilby evaluates its expressions. Read only files that you trust.
"""

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.bilby_densities import (
    MASSES,
    SPINS,
    TILTS,
    BilbyIntrinsic,
    BilbyMarginal,
    BilbyPrecessing,
)
from chirpleaf.inference.certify.bilby_distance import DISTANCES, BilbyDistance, RedshiftDistance, read_distance
from chirpleaf.inference.certify.settings import DEFAULTS, PriorSettings
from chirpleaf.system.limits import LIMITS, find_fault

_PAIRS = (
    {"chirp_mass", "mass_ratio"},
    {"mass_1", "mass_2"},
    {"mass_1", "mass_ratio"},
    {"mass_2", "mass_ratio"},
    {"total_mass", "mass_ratio"},
)
"""Pairs of mass parameters that determine both masses."""
_ISOTROPIC = {
    "ra": ("Uniform", 0.0, 2 * math.pi),
    "dec": ("Cosine", -math.pi / 2, math.pi / 2),
    "theta_jn": ("Sine", 0.0, math.pi),
    "cos_theta_jn": ("Uniform", -1.0, 1.0),
    "psi": ("Uniform", 0.0, math.pi),
    "phase": ("Uniform", 0.0, 2 * math.pi),
    "delta_phase": ("Uniform", 0.0, 2 * math.pi),
    "phi_12": ("Uniform", 0.0, 2 * math.pi),
    "phi_jl": ("Uniform", 0.0, 2 * math.pi),
}
_MAGNITUDES_AND_TILTS = ("a_1", "a_2", *(name for pair in TILTS for name in pair))
_PRECESSING = {*_MAGNITUDES_AND_TILTS, "phi_12", "phi_jl", "phi_1", "phi_2"}
_FIXABLE_ANGLES = ("ra", "dec", "theta_jn", "psi")
_FIXABLE_MASSES = ("chirp_mass", "mass_ratio")


class BilbyPrior(NamedTuple):
    """The parts of a prior file that certification uses.

    Attributes:
        intrinsic: density of masses and spins.
        distance: density of the luminosity distance.
        arrival: first and last GPS time of the arrival at the centre of the earth, seconds; None if
            the file has none.
        spins: densities of the spins that depend on no other parameter, by name.
        fixed: values of the intrinsic parameters and angles that the file fixes, by name.
        precesses: whether the spins precess.
    """

    intrinsic: BilbyIntrinsic
    distance: BilbyDistance | RedshiftDistance
    arrival: tuple[float, float] | None
    spins: Mapping[str, BilbyMarginal]
    fixed: Mapping[str, float]
    precesses: bool


def read_bilby_prior(path: Path, settings: PriorSettings = DEFAULTS.prior) -> BilbyPrior:
    """Reads a prior file.

    Args:
        path: a file in bilby's own format.
        settings: how constraints are normalised.

    Returns:
        The priors of the intrinsic parameters, the distance and the arrival time.

    Raises:
        InputError: bilby is missing or cannot read the file, or the file has a prior that certification does not
            support.
    """
    entries = _align_zero_spins(dict(_read_entries(path)))
    try:
        precesses = not _PRECESSING.isdisjoint(entries)
        _check_known(entries, precesses=precesses)
        intrinsic, fixed = _read_intrinsic(entries, settings, precesses=precesses), _read_fixed(entries)
        spins = {
            name: BilbyMarginal(intrinsic.prior[name])
            for name in (_name_spins(entries) if precesses else SPINS)
            if name not in fixed and not hasattr(intrinsic.prior[name], "condition_func")
        }
        distance = read_distance(entries, settings)
        found = BilbyPrior(intrinsic, distance, _read_arrival(entries), spins, fixed, precesses)
        found.intrinsic.check()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return found


def _import_bilby() -> Any:
    """The module `bilby.gw.prior`, which is optional and takes seconds to import."""
    try:
        return import_module("bilby.gw.prior")
    except ImportError as error:
        raise InputError("expected bilby, which reads prior files; got none: pip install bilby") from error


def _read_entries(path: Path) -> Any:
    """Reads bilby's dictionary of priors from a file."""
    if fault := find_fault(path, LIMITS.document_bytes):
        raise InputError(f"expected a prior file; got {path}, which {fault}: check its name")
    bilby = _import_bilby()
    try:
        return bilby.BBHPriorDict(filename=str(path.resolve()))
    except Exception as error:  # any that the file's own expressions raise
        line = " ".join(str(error).split())
        raise InputError(f"expected a prior file of bilby; got {path} ({line}): mend that line") from error


def _align_zero_spins(entries: dict[str, Any]) -> dict[str, Any]:
    """Writes spins of magnitude zero, which bilby gives as a_1 = 0 and a_2 = 0, as aligned ones."""
    if not all(name in entries and _is_fixed(entries[name]) and entries[name].peak == 0 for name in ("a_1", "a_2")):
        return entries
    zero = _import_bilby().DeltaFunction
    others = {name: prior for name, prior in entries.items() if name not in _PRECESSING}
    return {**{name: zero(0.0, name=name) for name in SPINS}, **others}


def _read_fixed(entries: Mapping[str, Any]) -> dict[str, float]:
    """Values of the parameters that the file fixes."""
    names = (*_FIXABLE_MASSES, *SPINS, *_FIXABLE_ANGLES, "cos_theta_jn")
    fixed = {name: float(entries[name].peak) for name in names if name in entries and _is_fixed(entries[name])}
    if ("ra" in fixed) != ("dec" in fixed):
        raise InputError("expected both ra and dec fixed, or neither; got one: fix the other, or leave both out")
    if all(name in fixed for name in (*_FIXABLE_MASSES, *SPINS)):
        raise InputError("expected at least one mass or spin with a density; got fixed ones alone: free one")
    if "cos_theta_jn" in fixed:
        fixed["theta_jn"] = math.acos(fixed.pop("cos_theta_jn"))
    return fixed


def _check_known(entries: Mapping[str, Any], *, precesses: bool) -> None:
    """Refuses priors that the likelihood does not support."""
    bilby = _import_bilby()
    for name, prior in entries.items():
        if name in ("phi_1", "phi_2") or (precesses and name in SPINS):
            raise InputError(
                f"expected spins as a_1, a_2, tilt_1, tilt_2, phi_12 and phi_jl, or aligned as chi_1 and chi_2; got "
                f"{name}{' and precessing ones' if name in SPINS else ''}: write one of both"
            )
        if not isinstance(prior, bilby.Prior):
            raise InputError(f"expected a prior of {name}; got {prior!r}: write {name} = Uniform(minimum=, maximum=)")
        if isinstance(prior, bilby.JointPrior):
            raise InputError(f"expected a prior of {name} alone; got a joint one: write one for each parameter")
        if isinstance(prior, bilby.Constraint):
            continue
        if precesses and _is_fixed(prior) and name in (*_MAGNITUDES_AND_TILTS, "theta_jn", "cos_theta_jn"):
            raise InputError(f"expected a density of {name} with precessing spins; got a fixed one: free it")
        if name in _ISOTROPIC:
            _check_isotropic(name, prior)
        elif name not in (*MASSES, *SPINS, *_MAGNITUDES_AND_TILTS, *DISTANCES, "geocent_time"):
            raise InputError(f"expected masses, spins, angles, distance and time; got {name}: leave it out")


def _check_isotropic(name: str, prior: Any) -> None:
    kind, low, high = _ISOTROPIC[name]
    if _is_fixed(prior) and name in (*_FIXABLE_ANGLES, "cos_theta_jn") and low <= prior.peak <= high:
        return
    bounds = np.allclose([prior.minimum, prior.maximum], [low, high], rtol=0, atol=1e-3)
    if type(prior).__name__ != kind or not bounds:
        raise InputError(
            f"expected {name} = {kind}(minimum={low:.6g}, maximum={high:.6g}), isotropic; got {_describe(prior)}: "
            "write it so, or leave it out"
        )


def _read_intrinsic(entries: Mapping[str, Any], settings: PriorSettings, *, precesses: bool) -> BilbyIntrinsic:
    """Density of masses and spins, with the constraints upon them."""
    bilby, spins = _import_bilby(), _name_spins(entries) if precesses else SPINS
    constraints = {name: prior for name, prior in entries.items() if isinstance(prior, bilby.Constraint)}
    own = {name: entries[name] for name in (*MASSES, *spins) if name in entries and name not in constraints}
    if {name for name in own if name in MASSES} not in _PAIRS:
        raise InputError(
            f"expected priors of two masses; got {', '.join(name for name in own if name in MASSES) or 'none'}: "
            "give chirp_mass and mass_ratio, or mass_1 and mass_2, and Constraint of others"
        )
    for name in spins:
        if name not in own:
            raise InputError(f"expected a prior of {name}; got none: add {name} = {_EXAMPLES[name].format(name)}")
    for name, prior in own.items():
        if _is_fixed(prior) and name not in (*_FIXABLE_MASSES, *SPINS):
            raise InputError(
                f"expected chirp_mass or mass_ratio as a fixed mass; got {name}: fix one of those, or give {name} a "
                "narrow Uniform"
            )
        if stray := [needed for needed in getattr(prior, "required_variables", []) if needed not in own]:
            raise InputError(f"expected {name} to depend on masses and spins alone; got {stray[0]}: leave that out")
        low, high = _RANGES[name]
        if -np.inf < prior.minimum < low - _ROUNDING or high + _ROUNDING < prior.maximum < np.inf:
            raise InputError(
                f"expected {name} from {low:g} to {high:.6g}; got {_describe(prior)}: correct its minimum or maximum"
            )
    prior = bilby.BBHPriorDict(dictionary={**own, **constraints})
    some = {name: np.full(1, 0.5) for name in own}
    for name in constraints:
        if name not in prior.conversion_function(some):
            raise InputError(f"expected constraints on masses and spins; got one on {name}: leave it out")
    return BilbyPrecessing(prior, settings) if precesses else BilbyIntrinsic(prior, settings)


_RANGES = {
    **dict.fromkeys(MASSES, (0.0, np.inf)),
    "mass_ratio": (0.0, 1.0),
    **dict.fromkeys(SPINS, (-1.0, 1.0)),
    **dict.fromkeys(("a_1", "a_2"), (0.0, 1.0)),
    **dict.fromkeys(("tilt_1", "tilt_2"), (0.0, np.pi)),
    **dict.fromkeys(("cos_tilt_1", "cos_tilt_2"), (-1.0, 1.0)),
}
"""What masses and spins can be, by name. A prior without limits, as a normal density, has none that are wrong."""

_ROUNDING = 1e-6
"""By how much limits in a file may exceed that."""

_EXAMPLES = {
    **dict.fromkeys(SPINS, "bilby.gw.prior.AlignedSpin(name='{}', a_prior=Uniform(minimum=0, maximum=0.99))"),
    **dict.fromkeys(("a_1", "a_2"), "Uniform(name='{}', minimum=0, maximum=0.99)"),
    **dict.fromkeys(("tilt_1", "tilt_2"), "Sine(name='{}')"),
}
"""Priors of spins as files write them, by name."""


def _name_spins(entries: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of magnitudes and tilts; a tilt is given as such or by its cosine."""
    for pair in TILTS:
        if all(name in entries for name in pair):
            raise InputError(f"expected {' or '.join(pair)}; got both: leave one out")
    return ("a_1", "a_2", *(cosine if cosine in entries else tilt for tilt, cosine in TILTS))


def _read_arrival(entries: Mapping[str, Any]) -> tuple[float, float] | None:
    prior = entries.get("geocent_time")
    if prior is None:
        return None
    if type(prior).__name__ != "Uniform":
        raise InputError(f"expected geocent_time = Uniform(...); got {_describe(prior)}: write it so, or leave it out")
    return float(prior.minimum), float(prior.maximum)


def _is_fixed(prior: Any) -> bool:
    """Whether a prior allows one value; bilby's own `is_fixed` counts constraints, too."""
    return isinstance(prior, _import_bilby().DeltaFunction)


def _describe(prior: Any) -> str:
    return f"{type(prior).__name__}({prior.minimum:.6g}, {prior.maximum:.6g})"
