"""Leaf estimates: samples of single quantities, each with the components of its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chirpleaf.result.base import Result, Row
from chirpleaf.result.frozen import FrozenMapping, freeze_array, freeze_samples
from chirpleaf.result.hdf5 import LEAF_ESTIMATES, Record
from chirpleaf.result.validation import check_samples
from chirpleaf.result.weights import weighted_quantiles

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LeafEstimates(Result):
    """Estimates of single quantities of one event, by the leaves of a network.

    Attributes:
        samples: quantity to samples of equal weight, each of shape (n,). Samples of different quantities are
            independent of each other, because a leaf does not know the other leaves.
        log_prob: ln of the density of the samples, the sum over the quantities, per unit of them, shape (n,); NaN for
            deterministic leaves.
        uncertainty_components: quantity to components of its uncertainty, in its unit. Bayesian leaves have the
            standard deviations "aleatoric" (noise in the data) and "epistemic" (network weights). Deterministic leaves
            have the "estimate" for the best noise spectrum, and the standard deviation "noise_spectrum" of the
            estimates under other spectra that the strain allows.
    """

    log_prob: Array
    uncertainty_components: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        samples, log_prob = freeze_samples(self.samples), freeze_array(self.log_prob)
        check_samples(samples, log_prob.size)
        components = FrozenMapping(self.uncertainty_components)
        for name, value in (("samples", samples), ("log_prob", log_prob), ("uncertainty_components", components)):
            object.__setattr__(self, name, value)

    @property
    def headline(self) -> tuple[str, ...]:
        """Names of the quantities."""
        return tuple(self.samples)

    @property
    def tabulated(self) -> tuple[str, ...]:
        """Names of the quantities."""
        return tuple(self.samples)

    @property
    def search_parameters(self) -> tuple[str, ...]:
        """Names of the quantities."""
        return tuple(self.samples)

    @property
    def n_draws(self) -> int:
        """Number of samples."""
        return len(self)

    def summary(self, parameters: str | Sequence[str] | None = None) -> dict[str, Row]:
        """Median, 90 % interval and uncertainty components of quantities.

        Args:
            parameters: one name or several; all if None.

        Returns:
            Name to {"median", "lower", "upper", "unit"} and the uncertainty components; lower and upper are the 5 % and
            95 % quantiles.

        Raises:
            InputError: the result has no quantity of this name.
        """
        rows = super().summary(parameters)
        return {name: {**row, **self.uncertainty_components.get(name, {})} for name, row in rows.items()}

    def to_record(self) -> Record:
        """The estimates as the content of a `posterior.hdf5`."""
        return Record(
            kind=LEAF_ESTIMATES,
            samples=self.samples,
            log_prob=self.log_prob,
            log_weight=np.zeros(len(self)),
            provenance=self.provenance,
            trust=self.trust,
            timing=self.timing,
            prior=self.prior,
            uncertainty_components=self.uncertainty_components,
        )

    @classmethod
    def from_record(cls, record: Record) -> "LeafEstimates":
        """Inverse of `to_record`."""
        return cls(
            samples=record.samples,
            log_prob=record.log_prob,
            provenance=record.provenance,
            trust=record.trust,
            timing=record.timing,
            prior=record.prior,
            uncertainty_components=record.uncertainty_components,
        )

    def _quantiles(self, name: str, probabilities: Sequence[float]) -> Array:
        return weighted_quantiles(self[name], probabilities)
