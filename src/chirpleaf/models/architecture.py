"""Architecture: what must be known, besides the weights, to build an estimator again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.models.estimator import PARAMETERS, Estimator
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.convolutional import Convolution, ConvolutionalRoot
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import HEADS
from chirpleaf.networks.leaves import BayesianLeaf, Leaf, RootLeaves
from chirpleaf.networks.residual import ResidualNetwork
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.representation.anchoring import Along, Anchoring, PhaseAnchoring
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.representation.coordinates import SupportMap
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.representation.series import SeriesInput
from chirpleaf.representation.templates import MASS_RATIO, TemplateBank, build_template_bank
from chirpleaf.strain.ensemble import design_log_psd

_REFERENCE_CURVE = "aLIGO_mid_high"

LEAVES: dict[str, type[Leaf] | type[BayesianLeaf]] = {"leaves": Leaf, "bayesian-leaves": BayesianLeaf}
"""What may follow a root besides a density."""


@dataclass(frozen=True)
class Architecture:
    """Everything but the weights.

    Attributes:
        detectors: names, in the order of the data.
        prior: the prior the posterior is under.
        duration: length of the segment, seconds.
        minimum_frequency: lowest frequency, Hz.
        maximum_frequency: highest frequency, Hz.
        fold: bins of the multiband grid in a band of the canonical input.
        widest: greatest width of a bin, Hz.
        approximant: waveform model of templates and training.
        templates: keywords of `build_template_bank` (spacings and spins).
        along: what the first coordinate of the density is measured along; see `representation.anchoring`.
        series: keywords of `SeriesInput` where the root sees time series, else None.
        root: keywords of `ResidualNetwork`; or `layers` of a `ConvolutionalRoot` for time series.
        n_context: length of the context vector of a residual network.
        head: keywords of what follows the root, and its `kind`: "mixture" or "flow", a density; or "leaves" with their
            `names`, or "bayesian-leaves".
        background: share of a posterior that is spread over the whole support; see `models.estimator`.
    """

    detectors: tuple[str, ...] = ("H1", "L1")
    prior: IntrinsicPrior = field(default_factory=IntrinsicPrior)
    duration: float = 8.0
    minimum_frequency: float = 20.0
    maximum_frequency: float = 1024.0
    fold: int = 4
    widest: float = 8.0
    approximant: str = "IMRPhenomXAS"
    templates: dict[str, Any] = field(default_factory=dict)
    along: Along = "chirp_mass"
    series: dict[str, Any] | None = None
    root: dict[str, Any] = field(default_factory=dict)
    n_context: int = 128
    head: dict[str, Any] = field(default_factory=lambda: {"kind": "mixture"})
    background: float = 0.01

    @cached_property
    def grid(self) -> Multiband:
        """The multiband grid."""
        lowest, highest = self.prior.chirp_mass_range
        return Multiband(
            duration=self.duration,
            chirp_mass_min=lowest,
            chirp_mass_max=highest,
            minimum_frequency=self.minimum_frequency,
            maximum_frequency=self.maximum_frequency,
            fold=self.fold,
            widest=self.widest,
        )

    def reference_weights(self) -> FloatArray:
        """Whitening weights of the reference detector, a LIGO curve between O1 and design; shape (n_bins,), Hz."""
        grid = self.grid
        return grid.weights(np.exp(design_log_psd(_REFERENCE_CURVE, grid.native_frequencies)))

    def build(self, bank: TemplateBank | None = None) -> Estimator | LeafEstimator:
        """An estimator with fresh weights.

        Args:
            bank: templates, as a model file holds them; computed when None.

        Returns:
            The estimator: a posterior of all intrinsic parameters, or leaves of single quantities.

        Raises:
            InputError: the head is of an unknown kind, or input, root and head do not belong together.
        """
        if bank is None:
            bank = build_template_bank(
                self.grid,
                chirp_mass_range=self.prior.chirp_mass_range,
                approximant=self.approximant,
                **self.templates,
            )
        canonical = CanonicalInput(self.grid, bank, self.reference_weights(), n_detectors=len(self.detectors))
        keywords = dict(self.head)
        kind = keywords.pop("kind")
        if kind in LEAVES:
            return self._leaves(canonical, LEAVES[kind], **keywords)
        if kind not in HEADS:
            known = ", ".join([*HEADS, *LEAVES])
            raise InputError(f"expected a head of {known}; got {kind!r}: mend it or update chirpleaf")
        if self.series is not None:
            raise InputError(f"expected leaves ({', '.join(LEAVES)}) on time series; got {kind!r}: leave out series")
        root, n_context = self._root(canonical, None)
        density = ConditionalDensity(root, HEADS[kind](n_context, len(PARAMETERS), **keywords))
        support = SupportMap(self.prior)
        return Estimator(canonical, support, self._anchoring(canonical, support), density, self.background)

    def _leaves(
        self, canonical: CanonicalInput, leaf: type[Leaf] | type[BayesianLeaf], names: Sequence[str], **keywords: Any
    ) -> LeafEstimator:
        targets = LeafTargets(names, self.prior)
        series = None if self.series is None else SeriesInput(self.grid, **self.series)
        root, n_context = self._root(canonical, series)
        network = RootLeaves(root, targets.names, lambda: leaf(n_context, **keywords))
        return LeafEstimator(canonical, targets, network, series)

    def _root(
        self, canonical: CanonicalInput, series: SeriesInput | None
    ) -> tuple[ResidualNetwork | ConvolutionalRoot, int]:
        """The root and the length of what it gives: convolutions of time series, else a residual network."""
        if ("layers" in self.root) != (series is not None):
            raise InputError("expected both series and root.layers, or neither; got one: add the other or leave it out")
        if series is None:
            return ResidualNetwork(canonical.n_features, self.n_context, **self.root), self.n_context
        layers = [Convolution(**layer) for layer in self.root["layers"]]
        try:
            root = ConvolutionalRoot(len(self.detectors), series.n_samples, layers)
        except ValueError as error:
            raise InputError(str(error)) from error
        return root, root.n_outputs

    def _anchoring(self, canonical: CanonicalInput, support: SupportMap) -> Anchoring:
        if self.along == "chirp_mass":
            return Anchoring(canonical, support)
        return PhaseAnchoring(canonical, support, self.templates.get("mass_ratio", MASS_RATIO))

    def to_json(self) -> dict[str, Any]:
        """The architecture as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Architecture":
        """Inverse of `to_json`; files that know of no background have none.

        Raises:
            InputError: a field is not known.
        """
        try:
            prior = IntrinsicPrior(**values["prior"])
            return cls(**{"background": 0.0, **values, "prior": prior, "detectors": tuple(values["detectors"])})
        except (KeyError, TypeError) as error:
            raise InputError(
                f"expected the fields of an architecture; got something else ({error}): the model file is of another "
                "version of chirpleaf, update it"
            ) from error
