"""The prior of a result as data: written to files, read back, and converted to bilby's JSON."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.comoving_volume import UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.distributions import PowerLaw, Uniform
from chirpleaf.physics.extrinsic_prior import ISOTROPIC
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.prior_kinds import PRIORS, PriorDistribution, prior_kind
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior

DistancePrior: TypeAlias = PowerLaw | UniformComovingVolume | UniformSourceFrame
"""Priors of the luminosity distance that can be written to a file."""

Array = NDArray[np.float64]

_T = TypeVar("_T")
_DISTANCES: dict[str, Callable[..., DistancePrior]] = {
    "PowerLaw": PowerLaw,
    "UniformComovingVolume": UniformComovingVolume,
    "UniformSourceFrame": UniformSourceFrame,
}


@dataclass(frozen=True)
class AnalysisPrior:
    """The prior that a result is under. Sky position, inclination, polarisation and phase are isotropic.

    Attributes:
        name: "model" (the network's own prior), a preset, or the name of a prior file of bilby.
        intrinsic: prior of the intrinsic parameters, of a class in `physics.prior_kinds.PRIORS`; None for a prior file,
            whose density only bilby knows.
        distance: prior of the luminosity distance, Mpc; None for a prior file and for a result without distances.
        arrival: first and last GPS time of the arrival at the geocentre, seconds, uniform in between; None for a
            result without arrival times.
    """

    name: str
    intrinsic: PriorDistribution | None = None
    distance: DistancePrior | None = None
    arrival: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether `log_prob` can be computed: the density of a prior file is known to bilby alone."""
        return self.intrinsic is not None

    def log_prob(self, samples: Mapping[str, ArrayLike]) -> Array:
        """ln of the normalised density of samples, with respect to the parameters that were sampled.

        These are the intrinsic parameters, and if there is a prior of the distance also `luminosity_distance`, `ra`,
        `dec`, `theta_jn`, `psi`, `phase` and `geocent_time`; without `theta_jn` where the intrinsic parameters have the
        inclination.

        Args:
            samples: parameter name to values, each of shape (n,), in the units of `physics.parameters`.

        Returns:
            Shape (n,); minus infinity outside the support.

        Raises:
            InputError: the density is not known.
        """
        if self.intrinsic is None:
            raise InputError(
                f"expected a prior whose density the result holds; got {self.name}, a file that bilby alone reads: "
                "evaluate it with bilby, or analyse with a preset of --prior"
            )
        total = self.intrinsic.log_prob(samples)
        if self.distance is None or self.arrival is None:
            return total
        first, last = self.arrival
        angles = {name: one for name, one in ISOTROPIC.items() if name != "theta_jn" or not self._precesses}
        if missing := [name for name in (*angles, "luminosity_distance", "geocent_time") if name not in samples]:
            raise InputError(
                f"expected samples of all extrinsic parameters; got none of {missing[0]}: certify the result"
            )
        extrinsic = (
            *(distribution.log_prob(samples[name]) for name, distribution in angles.items()),
            self.distance.log_prob(samples["luminosity_distance"]),
            Uniform(first, last).log_prob(samples["geocent_time"]),
        )
        return np.asarray(total + sum(extrinsic))

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values; distributions carry their class name as `kind`.

        Raises:
            InputError: the class of the prior is not registered.
        """
        return {
            "name": self.name,
            "intrinsic": self.intrinsic and {"kind": prior_kind(self.intrinsic), **asdict(self.intrinsic)},
            "distance": self.distance and {"kind": type(self.distance).__name__, **asdict(self.distance)},
            "arrival": None if self.arrival is None else list(self.arrival),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "AnalysisPrior":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name.

        Raises:
            KeyError: an attribute is missing or a distribution is of an unknown kind.
        """
        return cls(
            values["name"],
            _from_json(PRIORS, values["intrinsic"]),
            _from_json(_DISTANCES, values["distance"]),
            None if values["arrival"] is None else (values["arrival"][0], values["arrival"][1]),
        )

    def to_bilby_json(self) -> dict[str, Any] | None:
        """The prior as the JSON values of bilby's `BBHPriorDict`; None if bilby has no such masses and spins.

        Returns:
            JSON values, for an `IntrinsicPrior`, or in bilby's angles for a `PrecessingPrior`; None for other priors
            and for a prior file.
        """
        if not isinstance(self.intrinsic, IntrinsicPrior | PrecessingPrior):
            return None
        return {**_intrinsic_entries(self.intrinsic), **self._extrinsic_entries()}

    @property
    def _precesses(self) -> bool:
        return isinstance(self.intrinsic, PrecessingPrior)

    def _extrinsic_entries(self) -> dict[str, Any]:
        if self.distance is None or self.arrival is None:
            return {}
        angle = 2 * math.pi
        return {
            "ra": _entry("core.prior.analytical", "Uniform", "ra", (0.0, angle), boundary="periodic"),
            "dec": _entry("core.prior.analytical", "Cosine", "dec", (-math.pi / 2, math.pi / 2)),
            "theta_jn": _entry("core.prior.analytical", "Sine", "theta_jn", (0.0, math.pi)),
            "psi": _entry("core.prior.analytical", "Uniform", "psi", (0.0, math.pi), boundary="periodic"),
            "phase": _entry("core.prior.analytical", "Uniform", "phase", (0.0, angle), boundary="periodic"),
            "geocent_time": _entry("core.prior.analytical", "Uniform", "geocent_time", self.arrival),
            "luminosity_distance": _distance_entry(self.distance),
        }


def _from_json(kinds: Mapping[str, Callable[..., _T]], values: Mapping[str, Any] | None) -> _T | None:
    if values is None:
        return None
    return kinds[values["kind"]](**{name: value for name, value in values.items() if name != "kind"})


def _intrinsic_entries(prior: IntrinsicPrior | PrecessingPrior) -> dict[str, Any]:
    """Entries of a `BBHPriorDict`: uniform in component masses, which are bounded, and spins."""
    masses, ratios = (prior.mass_min, prior.mass_max), (prior.mass_ratio_min, 1.0)
    return {
        "__prior_dict__": True,
        "__module__": "bilby.gw.prior",
        "__name__": "BBHPriorDict",
        "chirp_mass": _entry("gw.prior", "UniformInComponentsChirpMass", "chirp_mass", prior.chirp_mass_range),
        "mass_ratio": _entry("gw.prior", "UniformInComponentsMassRatio", "mass_ratio", ratios),
        "mass_1": _entry("core.prior.base", "Constraint", "mass_1", masses),
        "mass_2": _entry("core.prior.base", "Constraint", "mass_2", masses),
        **_spin_entries(prior),
    }


def _spin_entries(prior: IntrinsicPrior | PrecessingPrior) -> dict[str, Any]:
    if isinstance(prior, IntrinsicPrior):
        return {name: _spin_entry(name, prior) for name in ("chi_1", "chi_2")}
    uniform, sine = ("core.prior.analytical", "Uniform"), ("core.prior.analytical", "Sine")
    return {
        **{name: _entry(*uniform, name, (0.0, prior.spin_max)) for name in ("a_1", "a_2")},
        **{name: _entry(*sine, name, (0.0, math.pi)) for name in ("tilt_1", "tilt_2")},
        **{name: _entry(*uniform, name, (0.0, 2 * math.pi), boundary="periodic") for name in ("phi_12", "phi_jl")},
    }


def _spin_entry(name: str, prior: IntrinsicPrior) -> dict[str, Any]:
    """Prior of an aligned spin: uniform, or bilby's projection of an isotropic spin."""
    if not isinstance(prior, IsotropicSpinPrior):
        return _entry("core.prior.analytical", "Uniform", name, (-prior.spin_max, prior.spin_max))
    magnitude, cosine = (
        {
            "__prior__": True,
            "__module__": "bilby.core.prior.analytical",
            "__name__": "Uniform",
            "kwargs": {"minimum": low, "maximum": high},
        }
        for low, high in ((0.0, prior.spin_max), (-1.0, 1.0))
    )
    keywords = {"name": name, "latex_label": f"${PARAMETERS[name].latex}$", "a_prior": magnitude, "z_prior": cosine}
    return {"__prior__": True, "__module__": "bilby.gw.prior", "__name__": "AlignedSpin", "kwargs": keywords}


def _distance_entry(distance: DistancePrior) -> dict[str, Any]:
    name, bounds = "luminosity_distance", (distance.minimum, distance.maximum)
    if isinstance(distance, PowerLaw):
        return _entry("core.prior.analytical", "PowerLaw", name, bounds, alpha=distance.exponent)
    return _entry("gw.prior", type(distance).__name__, name, bounds, cosmology="Planck15")


def _entry(module: str, kind: str, name: str, bounds: tuple[float, float], **further: object) -> dict[str, Any]:
    """One prior of bilby's JSON."""
    label = {"latex_label": f"${PARAMETERS[name].latex}$"}
    keywords = {"minimum": bounds[0], "maximum": bounds[1], "name": name, **label, **further}
    return {"__prior__": True, "__module__": f"bilby.{module}", "__name__": kind, "kwargs": keywords}
