"""Architecture: what must be known, besides the weights, to build an estimator again."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.models.estimator import PARAMETERS, Estimator
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import HEADS
from chirpleaf.networks.residual import ResidualNetwork
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.representation.anchoring import Along, Anchoring, PhaseAnchoring
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.representation.coordinates import SupportMap
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.representation.templates import MASS_RATIO, TemplateBank, build_template_bank
from chirpleaf.strain.ensemble import design_log_psd

_REFERENCE_CURVE = "aLIGO_mid_high"


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
        root: keywords of `ResidualNetwork`.
        n_context: length of the context vector.
        head: keywords of the head, and its `kind`: "mixture" or "flow".
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
    root: dict[str, Any] = field(default_factory=dict)
    n_context: int = 128
    head: dict[str, Any] = field(default_factory=lambda: {"kind": "mixture"})

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

    def build(self, bank: TemplateBank | None = None, *, bfloat16: bool = False) -> Estimator:
        """An estimator with fresh weights.

        Args:
            bank: templates, as a model file holds them; computed when None.
            bfloat16: see `ConditionalDensity` and `CanonicalInput`.

        Returns:
            The estimator.

        Raises:
            InputError: the head is of an unknown kind.
        """
        if bank is None:
            bank = build_template_bank(
                self.grid,
                chirp_mass_range=self.prior.chirp_mass_range,
                approximant=self.approximant,
                **self.templates,
            )
        canonical = CanonicalInput(
            self.grid, bank, self.reference_weights(), n_detectors=len(self.detectors), bfloat16=bfloat16
        )
        keywords = dict(self.head)
        kind = keywords.pop("kind")
        if kind not in HEADS:
            raise InputError(f"expected a head of {', '.join(HEADS)}; got {kind!r}: mend it or update chirpleaf")
        root = ResidualNetwork(canonical.n_features, self.n_context, **self.root)
        head = HEADS[kind](self.n_context, len(PARAMETERS), **keywords)
        support = SupportMap(self.prior)
        anchoring = self._anchoring(canonical, support)
        return Estimator(canonical, support, anchoring, ConditionalDensity(root, head, bfloat16=bfloat16))

    def _anchoring(self, canonical: CanonicalInput, support: SupportMap) -> Anchoring:
        if self.along == "chirp_mass":
            return Anchoring(canonical, support)
        return PhaseAnchoring(canonical, support, self.templates.get("mass_ratio", MASS_RATIO))

    def to_json(self) -> dict[str, Any]:
        """The architecture as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Architecture":
        """Inverse of `to_json`.

        Raises:
            InputError: a field is not known.
        """
        try:
            prior = IntrinsicPrior(**values["prior"])
            return cls(**{**values, "prior": prior, "detectors": tuple(values["detectors"])})
        except (KeyError, TypeError) as error:
            raise InputError(
                f"expected the fields of an architecture; got something else ({error}): the model file is of another "
                "version of chirpleaf, update it"
            ) from error
