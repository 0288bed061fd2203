"""A trained model: architecture, estimator and provenance."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.posterior import PosteriorEstimator


@dataclass(frozen=True)
class Model:
    """A trained model, as a model file stores it.

    Attributes:
        name: e.g. `bbh`.
        architecture: everything but the weights.
        estimator: the amortised posterior, or leaves.
        provenance: origin of the model: preset, seed, package version, hash of the training data, metrics. JSON values.
    """

    name: str
    architecture: Architecture
    estimator: Estimator
    provenance: dict[str, Any] = field(default_factory=dict)

    def load(self) -> "Model":
        """The model itself, as it is in memory already (`models.shipped.Candidate`)."""
        return self

    @property
    def detectors(self) -> tuple[str, ...]:
        """Detectors of the model's input, in order."""
        return self.architecture.detectors

    @property
    def takes_subsets(self) -> bool:
        """Whether some of the detectors may be absent."""
        return self.architecture.takes_subsets

    def select_detectors(self, available: Iterable[str], option: str = "--strain {}=FILE") -> tuple[str, ...]:
        """The detectors whose data the model takes from those that are available.

        Args:
            available: names of detectors.
            option: option that gives a detector, with {} for its name.

        Returns:
            All of the model's, or those of them that are available if it takes subsets; in the order of the model.

        Raises:
            InputError: one that the model needs is missing, or none is available.
        """
        names = tuple(available)
        found = tuple(name for name in self.detectors if name in names)
        if found == self.detectors or (found and self.takes_subsets):
            return found
        missing = next(name for name in self.detectors if name not in names)
        some = "some of " if self.takes_subsets else ""
        raise InputError(
            f"expected strain of {some}{', '.join(self.detectors)} for model {self.name}; got "
            f"{', '.join(names) or 'none'}: add {option.format(missing)} or choose another model"
        )

    @property
    def duration(self) -> float:
        """Length of the model's segment, seconds."""
        return self.architecture.duration

    @property
    def posterior(self) -> PosteriorEstimator:
        """The estimator, where it is a posterior of all parameters of the space.

        Raises:
            InputError: it has leaves of single quantities.
        """
        if not self.estimator.can_propose:
            names = ", ".join(self.estimator.quantities)
            raise InputError(f"expected a model of all parameters; got {self.name}, of {names} alone: choose another")
        return cast(PosteriorEstimator, self.estimator)

    @property
    def leaves(self) -> LeafEstimator:
        """The estimator, where it has leaves of single quantities.

        Raises:
            InputError: it is a posterior of all parameters of the space.
        """
        if self.estimator.can_propose:
            raise InputError(f"expected a model with leaves; got {self.name}, of all parameters: choose another")
        return cast(LeafEstimator, self.estimator)

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(weight.numel() for weight in self.estimator.network.parameters())
