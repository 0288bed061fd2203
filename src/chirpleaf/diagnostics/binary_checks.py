"""Checks of the parameters of a signal to inject: each must have a use, a possible value, and agree with the others.

A file may give more parameters than define a binary, as those of bilby do. The signal is that of the component masses,
of the spin angles where all are given, and of the luminosity distance; whatever else is given must follow from these.
"""

import math
from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from chirpleaf.diagnostics.binary_files import make_waveform_parameters
from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import chi_eff, chirp_mass, symmetric_mass_ratio
from chirpleaf.physics.derived import source_frame, viewing_angle
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.spin_angles import SPIN_ANGLES, chi_p, to_spin_angles

_ABSENT = ("eccentricity", "mean_per_ano", "lambda_1", "lambda_2", "lambda_tilde", "delta_lambda_tilde")
"""Effects that no signal here has: a file may say that they are zero."""

_FURTHER = ("cos_tilt_1", "cos_tilt_2", "phi_1", "phi_2", "comoving_distance")
"""Parameters that bilby derives and that this project has no use for."""

_SETTINGS = ("reference_frequency", "minimum_frequency")
"""Settings of an analysis that bilby writes beside the parameters."""

_PERIODIC = ("phase", "psi", "ra", "phi_1", "phi_2", "phi_12", "phi_jl", "azimuth_1", "azimuth_2")
"""Angles that may have any value of one turn in either direction."""

_AZIMUTHS = ("phi_1", "phi_2", "phi_12", "phi_jl", "azimuth_1", "azimuth_2")
"""Angles that mean something only for spins in the orbital plane."""

_TOLERANCE = 1e-3
"""Relative difference, or difference of spins and of angles in rad, from which on parameters contradict each other.
Files round their numbers; a larger one would let a contradiction pass."""

_OF_COSMOLOGY = ("redshift", "comoving_distance")
_COSMOLOGY_TOLERANCE = 0.02
"""The same for redshift and masses of the source, which depend on the cosmology of the program."""


def check_signal(binary: Mapping[str, float], reference_frequency: float) -> None:
    """Refuses parameters that the signal of a binary would not have.

    Args:
        binary: parameters by bilby's names (`binary_files.read_binary`).
        reference_frequency: frequency at which spins and angles are defined, Hz.

    Raises:
        InputError: a name is unknown, a value is impossible, or two parameters contradict each other.
    """
    for name, value in binary.items():
        if name in PARAMETERS:
            _check_range(name, value)
        elif name not in (*_FURTHER, *_SETTINGS) and (name not in _ABSENT or value):
            near = get_close_matches(name, PARAMETERS, n=1)
            raise InputError(
                f"expected parameters of a binary black hole by bilby's names; got {name} = {value:g}, which no signal "
                f"here has: {f'did you mean {near[0]}?' if near else 'leave it out'}"
            )
    stated = binary.get("reference_frequency", reference_frequency)
    if stated != reference_frequency:
        raise InputError(
            f"expected the reference frequency of the file, {stated:g} Hz; got {reference_frequency:g} Hz: add --f-ref "
            f"{stated:g}"
        )
    _check_spin_angles(binary)
    for name, expected in _derive(binary, reference_frequency).items():
        if name not in binary:
            continue
        difference = abs(binary[name] - expected)
        if name in _PERIODIC:
            difference = abs(math.remainder(difference, 2 * math.pi))
        allowed = _COSMOLOGY_TOLERANCE if name in _OF_COSMOLOGY or name.endswith("_source") else _TOLERANCE
        if difference > allowed * max(1.0, abs(expected)):
            raise InputError(
                f"expected {name} = {expected:.6g}, which follows from the other parameters; got {binary[name]:.6g}: "
                "leave one of them out"
            )


def _check_range(name: str, value: float) -> None:
    """Refuses a value outside the range of a parameter."""
    known = PARAMETERS[name]
    low, high = (-2 * np.pi, 2 * np.pi) if name in _PERIODIC else (known.minimum, known.maximum)
    possible = low - _TOLERANCE <= value <= high + _TOLERANCE
    if not possible or (name == "luminosity_distance" and value <= 0):
        unit = f" {known.unit}" if known.unit else ""
        raise InputError(f"expected {name} from {low:.5g} to {high:.5g}{unit}; got {value:g}: correct it")


def _check_spin_angles(binary: Mapping[str, float]) -> None:
    """Refuses some of the spin angles without the others, unless components or aligned spins define the spins."""
    angles = [name for name in SPIN_ANGLES if name in binary and name != "theta_jn"]
    missing = [name for name in SPIN_ANGLES if name not in binary]
    if angles and missing and not any(name in binary for name in ("chi_1", "spin_1z")):
        raise InputError(f"expected {missing[0]} beside {', '.join(angles)}; got none: add it, or give chi_1 and chi_2")


def _derive(binary: Mapping[str, float], reference_frequency: float) -> dict[str, float]:
    """What follows from the parameters that the waveforms take."""
    mass_1, mass_2, distance = (binary[name] for name in ("mass_1", "mass_2", "luminosity_distance"))
    ratio = mass_2 / mass_1
    masses = {
        "chirp_mass": float(chirp_mass(mass_1, mass_2)),
        "mass_ratio": ratio,
        "total_mass": mass_1 + mass_2,
        "symmetric_mass_ratio": float(symmetric_mass_ratio(ratio)),
    }
    given = {**masses, "mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": distance, "final_mass": np.nan}
    source = {
        name: float(value)
        for name, value in source_frame({name: np.asarray(value) for name, value in given.items()}).items()
        if np.isfinite(value)
    }
    source["comoving_distance"] = distance / (1.0 + source["redshift"])
    return {**masses, **source, **_derive_spins({**binary, **masses}, reference_frequency)}


def _derive_spins(binary: Mapping[str, float], reference_frequency: float) -> dict[str, float]:
    """Spins and inclination in all forms; none where they are not defined, which the waveforms will say."""
    used = {name: float(value[0]) for name, value in make_waveform_parameters(binary, reference_frequency).items()}
    found: dict[str, float] = {}
    for body in (1, 2):
        along = used.get(f"spin_{body}z", used.get(f"chi_{body}"))
        if along is None:
            return {}
        across = [used.get(f"spin_{body}{axis}", 0.0) for axis in "xy"]
        found |= {f"chi_{body}": along, f"spin_{body}z": along, f"chi_{body}_in_plane": math.hypot(*across)}
        found |= {f"spin_{body}{axis}": value for axis, value in zip("xy", across, strict=True)}
        azimuth = math.atan2(across[1], across[0])
        found |= {f"phi_{body}": azimuth, f"azimuth_{body}": azimuth - math.pi / 2 + used["phase"]}
    in_plane = found["chi_1_in_plane"], found["chi_2_in_plane"]
    iota = used.get("iota") if any(in_plane) or "theta_jn" not in used else used["theta_jn"]
    if iota is None:
        return {}
    found |= {"iota": iota, "cos_iota": float(np.cos(iota))}
    angles = to_spin_angles(
        {**found, **{name: binary[name] for name in ("chirp_mass", "mass_ratio")}}, reference_frequency
    )
    found |= {name: float(value[0]) for name, value in angles.items()}
    found |= {f"cos_tilt_{body}": math.cos(found[f"tilt_{body}"]) for body in (1, 2)}
    found["viewing_angle"] = float(viewing_angle(np.asarray(found["theta_jn"])))
    found["chi_eff"] = float(chi_eff(binary["mass_ratio"], found["chi_1"], found["chi_2"]))
    found["chi_p"] = float(chi_p(binary["mass_ratio"], *in_plane))
    unused = [] if min(in_plane) > _TOLERANCE else list(_AZIMUTHS)
    unused += [f"{name}_{body}" for name in ("tilt", "cos_tilt") for body in (1, 2) if found[f"a_{body}"] < _TOLERANCE]
    return {name: value for name, value in found.items() if name not in unused}
