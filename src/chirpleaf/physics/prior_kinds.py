"""Priors that a parameter space may have: their interface, and the classes by the names in files.

A network is trained under a `PriorDistribution` of all parameters of its space. Chirp masses stand out among these:
they set the multiband grid and the template bank, and training binaries are drawn in equal numbers from intervals of
them. A prior of another space is another class here, registered in `PRIORS`; it is a frozen dataclass whose fields are
JSON values, so that presets, model files and results can state it.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, asdict
from typing import Any, ClassVar, Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior

Array: TypeAlias = NDArray[np.float64]


@runtime_checkable
class PriorDistribution(Protocol):
    """Prior of the parameters of a space; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def chirp_mass_range(self) -> tuple[float, float]:
        """Smallest and largest chirp mass, solar masses."""
        ...

    @property
    def chirp_mass_cuts(self) -> tuple[bool, bool]:
        """Whether the prior ends at the smallest and at the largest chirp mass only because it was restricted to them.

        Heavier or lighter binaries are then the matter of another model.
        """
        ...

    @property
    def component_mass_range(self) -> tuple[float, float]:
        """Smallest and largest component mass, solar masses."""
        ...

    @property
    def normalisation(self) -> float:
        """Integral of the density before it is normalised; restricted priors share it in proportion to probability."""
        ...

    def restrict(self, low: float, high: float) -> "PriorDistribution":
        """The prior given that the chirp mass lies in a range.

        Args:
            low: smallest chirp mass, solar masses.
            high: largest chirp mass, solar masses.
        """
        ...

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draws binaries.

        Args:
            n: how many.
            rng: source of randomness.

        Returns:
            Parameter name to values (n,), for each parameter of the space.
        """
        ...

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density (n,) with respect to the parameters of the space, minus infinity outside."""
        ...

    def edges(self) -> tuple[Edge, ...]:
        """The ends of the support beyond which another prior may go on."""
        ...

    def describe(self) -> str:
        """The ranges of the parameters in words, for messages."""
        ...


PRIORS: dict[str, Callable[..., PriorDistribution]] = {
    "IntrinsicPrior": IntrinsicPrior,
    "IsotropicSpinPrior": IsotropicSpinPrior,
    "PrecessingPrior": PrecessingPrior,
}
"""Classes of priors, by the `kind` that presets, model files and results state."""

DEFAULT_KIND = "IntrinsicPrior"
"""Kind of a prior that states none, as in the model files before there was a choice."""


def is_registered(prior: object) -> TypeGuard[PriorDistribution]:
    """Whether files can state a prior: its class is in `PRIORS`."""
    return type(prior) in PRIORS.values()


def encode_prior(prior: PriorDistribution) -> dict[str, Any]:
    """A prior as JSON values: its fields, and its `kind` unless that is `DEFAULT_KIND`.

    Args:
        prior: the prior.

    Raises:
        InputError: its class is not registered.

    Example:
        >>> encode_prior(IntrinsicPrior(mass_max=80.0))["mass_max"]
        80.0
    """
    kind = prior_kind(prior)
    return asdict(prior) if kind == DEFAULT_KIND else {"kind": kind, **asdict(prior)}


def decode_prior(values: Mapping[str, Any]) -> PriorDistribution:
    """Inverse of `encode_prior`.

    Args:
        values: JSON values; without `kind`, they are those of the default.

    Raises:
        InputError: the kind is unknown.
        TypeError: the fields are those of another class.
    """
    kind = find_kind(values)
    return kind(**{name: value for name, value in values.items() if name != "kind"})


def prior_kind(prior: PriorDistribution) -> str:
    """The name of a prior's class in `PRIORS`.

    Raises:
        InputError: it is not registered.
    """
    for name, kind in PRIORS.items():
        if type(prior) is kind:
            return name
    raise InputError(f"expected a prior of {', '.join(PRIORS)}; got {type(prior).__name__}: register it in PRIORS")


def find_kind(values: Mapping[str, Any]) -> Callable[..., PriorDistribution]:
    """The class that JSON values are of.

    Raises:
        InputError: it is unknown.
    """
    name = values.get("kind", DEFAULT_KIND)
    if not isinstance(name, str) or name not in PRIORS:
        raise InputError(f"expected a prior of {', '.join(PRIORS)}; got {name!r}: mend it or update chirpleaf")
    return PRIORS[name]
