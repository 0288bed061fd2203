"""Names and definitions of parameters in the files of others, converted to bilby's.

| source | differs by |
|---|---|
| GWTC-1 release | names with units, such as `m1_detector_frame_Msun` |
| PyCBC | `mchirp`, `tc`, `inclination`; q is above one, and `mass1` may be the lighter body |
| LALInference, PESummary | `chirp_mass`, `iota`, `geocent_time`; polarisations from 0 to 2 pi |

Parameters that follow from others are added: the masses of both frames, the mass ratio, the effective spin.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from chirpleaf.physics.conversions import chi_eff, chirp_mass, component_masses
from chirpleaf.physics.cosmology import redshift
from chirpleaf.physics.derived import Samples

NAMES = {
    # GWTC-1 (https://dcc.ligo.org/LIGO-P1800370)
    "luminosity_distance_Mpc": "luminosity_distance",
    "m1_detector_frame_Msun": "mass_1",
    "m2_detector_frame_Msun": "mass_2",
    "costheta_jn": "cos_theta_jn",
    "right_ascension": "ra",
    "declination": "dec",
    "spin1": "a_1",
    "spin2": "a_2",
    "costilt1": "cos_tilt_1",
    "costilt2": "cos_tilt_2",
    # PyCBC (pycbc.waveform.parameters)
    "mchirp": "chirp_mass",
    "q": "mass_ratio",
    "mass1": "mass_1",
    "mass2": "mass_2",
    "mtotal": "total_mass",
    "srcmass1": "mass_1_source",
    "srcmass2": "mass_2_source",
    "srcmchirp": "chirp_mass_source",
    "spin1z": "spin_1z",
    "spin2z": "spin_2z",
    "spin1_a": "a_1",
    "spin2_a": "a_2",
    "distance": "luminosity_distance",
    "inclination": "iota",
    "polarization": "psi",
    "coa_phase": "phase",
    "tc": "geocent_time",
    "loglikelihood": "log_likelihood",
    # LALInference
    "mc": "chirp_mass",
    "m1": "mass_1",
    "m2": "mass_2",
    "dist": "luminosity_distance",
    "a1": "a_1",
    "a2": "a_2",
    "a1z": "spin_1z",
    "a2z": "spin_2z",
    "logl": "log_likelihood",
}
"""Names of others, and bilby's."""

_MASSES = ("chirp_mass", "mass_1", "mass_2", "total_mass", "final_mass")


def standardise(given: Mapping[str, ArrayLike]) -> Samples:
    """Samples by bilby's names, in its definitions, with what follows from them.

    Args:
        given: name in the file to numbers, each of shape (n,).

    Returns:
        Name to float64, each of shape (n,). Columns of unknown name are kept as they are, those without numbers not.
    """
    samples: Samples = {}
    for name, values in given.items():
        array = np.asarray(values)
        if array.ndim == 1 and array.dtype.kind in "fiu":
            samples.setdefault(NAMES.get(name, name), array.astype(np.float64))
    _order_masses(samples)
    _complete_angles(samples)
    _complete_masses(samples)
    _complete_spins(samples)
    return samples


def is_precessing(samples: Mapping[str, ArrayLike]) -> bool:
    """Whether samples have spins in the orbital plane that are not zero."""
    tilted = [name for name in ("tilt_1", "tilt_2", "cos_tilt_1", "cos_tilt_2") if name in samples]
    if any(np.any(np.sin(samples[name]) if name.startswith("tilt") else np.abs(samples[name]) < 1) for name in tilted):
        return True
    return any(np.any(samples[name]) for name in ("spin_1x", "spin_1y", "spin_2x", "spin_2y") if name in samples)


def _order_masses(samples: Samples) -> None:
    """The heavier body first, q at most one, with the spins of the bodies exchanged where these are."""
    if "mass_ratio" in samples:
        samples["mass_ratio"] = np.minimum(samples["mass_ratio"], 1 / samples["mass_ratio"])
    for heavy, light in (("mass_1", "mass_2"), ("mass_1_source", "mass_2_source")):
        if heavy in samples and light in samples:
            swapped = samples[heavy] < samples[light]
            pairs = [(heavy, light)]
            if heavy == "mass_1" or "mass_1" not in samples:
                pairs += [
                    (name, name.replace("1", "2")) for name in ("chi_1", "spin_1z", "a_1", "tilt_1", "cos_tilt_1")
                ]
            for one, two in pairs:
                if one in samples and two in samples:
                    first, second = samples[one], samples[two]
                    samples[one], samples[two] = np.where(swapped, second, first), np.where(swapped, first, second)


def _complete_angles(samples: Samples) -> None:
    for cosine, angle in (("cos_theta_jn", "theta_jn"), ("cos_tilt_1", "tilt_1"), ("cos_tilt_2", "tilt_2")):
        if cosine in samples and angle not in samples:
            samples[angle] = np.arccos(np.clip(samples[cosine], -1, 1))
    if "psi" in samples:
        samples["psi"] = np.mod(samples["psi"], np.pi)
    if "ra" in samples:
        samples["ra"] = np.mod(samples["ra"], 2 * np.pi)


def _complete_masses(samples: Samples) -> None:
    """Masses from masses, and those of one frame from the other's by the distance."""
    if "luminosity_distance" in samples:
        samples.setdefault("redshift", redshift(samples["luminosity_distance"]))
    for end in ("", "_source"):
        heavy, light, chirp = (f"{name}{end}" for name in ("mass_1", "mass_2", "chirp_mass"))
        if chirp in samples and "mass_ratio" in samples and heavy not in samples:
            samples[heavy], samples[light] = component_masses(samples[chirp], samples["mass_ratio"])
        if heavy in samples and light in samples:
            samples.setdefault(chirp, chirp_mass(samples[heavy], samples[light]))
            samples.setdefault("mass_ratio", samples[light] / samples[heavy])
            samples.setdefault(f"total_mass{end}", samples[heavy] + samples[light])
    if "redshift" in samples:
        for name in _MASSES:
            if name in samples:
                samples.setdefault(f"{name}_source", samples[name] / (1 + samples["redshift"]))
            elif f"{name}_source" in samples:
                samples[name] = samples[f"{name}_source"] * (1 + samples["redshift"])


def _complete_spins(samples: Samples) -> None:
    for body in "12":
        magnitude, tilt, aligned = f"a_{body}", f"tilt_{body}", f"chi_{body}"
        if aligned not in samples and f"spin_{body}z" in samples:
            samples[aligned] = samples[f"spin_{body}z"]
        if aligned not in samples and magnitude in samples and tilt in samples:
            samples[f"spin_{body}z"] = samples[magnitude] * np.cos(samples[tilt])
            if not is_precessing(samples):
                samples[aligned] = samples[f"spin_{body}z"]
    projections = [samples.get(f"chi_{body}", samples.get(f"spin_{body}z")) for body in "12"]
    if "mass_ratio" in samples and projections[0] is not None and projections[1] is not None:
        samples.setdefault("chi_eff", chi_eff(samples["mass_ratio"], *projections))
