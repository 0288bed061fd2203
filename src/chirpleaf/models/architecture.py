"""Architecture: all settings of a model, from which an estimator without trained weights is built."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from torch import nn

from chirpleaf.errors import InputError
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.convolutional import ConvolutionalSettings
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.encoders import Channels, ConcatenationSettings, EncoderSettings
from chirpleaf.networks.flow import FlowSettings
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.networks.series import SeriesRoot
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.detectors import light_travel_times
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.signals import SignalModel, make_signal_model
from chirpleaf.physics.spaces import ParameterSpace, make_space
from chirpleaf.representation.anchoring import ANCHORINGS, Along
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.representation.compressed import CompressedSeries
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.representation.series import SeriesInput, SeriesSettings, layout_tokens
from chirpleaf.representation.templates import TemplateBank, TemplateSettings, build_template_bank
from chirpleaf.strain.ensemble import design_log_psd
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import Fraction, PositiveFloat, Width

_REFERENCE_CURVE = "aLIGO_mid_high"

Frequency = Annotated[float, Ge(1), Le(16384)]
"""Hz."""
Delay = Annotated[float, Gt(0), Le(1)]
"""Seconds."""

Head = MixtureSettings | FlowSettings | LeafSettings | BayesianLeafSettings
Root = ResidualSettings | ConvolutionalSettings

DENSITY_HEADS: dict[str, Callable[..., Head]] = {"mixture": MixtureSettings, "flow": FlowSettings}
"""Joint densities that may follow a root, by the names that presets and model files give them."""
LEAF_HEADS: dict[str, Callable[..., Head]] = {"leaves": LeafSettings, "bayesian-leaves": BayesianLeafSettings}
"""Leaves that may follow a root, by the same names."""
HEADS = DENSITY_HEADS | LEAF_HEADS


@dataclass(frozen=True)
class Architecture:
    """All settings of a model except its weights.

    Attributes:
        detectors: names, in the order of the data.
        parameter_space: parameters of the posterior; a name in `physics.spaces.SPACES`.
        prior: prior of the parameters; of a class in `physics.prior_kinds.PRIORS`.
        signal: signal model; a name in `physics.signals.SIGNALS`.
        approximant: waveform approximant of templates and training.
        duration: length of the segment, seconds.
        minimum_frequency: lowest frequency, Hz.
        maximum_frequency: highest frequency, Hz.
        fold: bins of the multiband grid in a band of the canonical input.
        widest: greatest width of a bin, Hz.
        arrival_margin: time beyond the light travel time to the other detectors that are present within which arrivals
            in a detector are searched, seconds. It covers the jitter of training and templates that peak earlier or
            later than the signal; a longer one gives noise more chances. None searches 0.014 s, which suits H1 and L1.
        delay: offset of arrival times that the bins of the grid suit, seconds. A longer one makes narrower and more
            bins, and loses less of a signal that arrives late or early.
        templates: spacing of the template bank.
        along: direction in which the anchored coordinate is measured; see `representation.anchoring`.
        series: time series that the root takes in place of the canonical input; None for the latter.
        encoder: maps tokens to the root's input; one of `networks.encoders.ENCODERS`.
        root: a residual network or, for time series, convolutions.
        n_context: length of the context vector of a residual network.
        head: a density or leaves, which follow the root.
        background: share of the defensive mixture's standard normal component (`networks.defensive`).
    """

    detectors: tuple[str, ...] = ("H1", "L1")
    parameter_space: str = "aligned"
    prior: PriorDistribution = field(default_factory=IntrinsicPrior)
    signal: str = "quadrupole"
    approximant: str = DEFAULT_APPROXIMANT
    duration: Annotated[float, Ge(0.25), Le(4096)] = 8.0
    minimum_frequency: Frequency = Multiband.minimum_frequency
    maximum_frequency: Frequency = Multiband.maximum_frequency
    fold: Annotated[int, Gt(0), Le(1024)] = Multiband.fold
    widest: PositiveFloat = Multiband.widest
    arrival_margin: Delay | None = None
    delay: Delay = Multiband.jitter
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    along: Along = "chirp_mass"
    series: SeriesSettings | None = None
    encoder: EncoderSettings = field(default_factory=ConcatenationSettings)
    root: Root = field(default_factory=ResidualSettings)
    n_context: Width = 128
    head: Head = field(default_factory=MixtureSettings)
    background: Fraction = 0.01

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
            jitter=self.delay,
        )

    @cached_property
    def space(self) -> ParameterSpace:
        """The parameters, their prior and their coordinates.

        Raises:
            InputError: the parameter space is unknown.
        """
        return make_space(self.prior, self.parameter_space)

    @cached_property
    def signal_model(self) -> SignalModel:
        """The signal model of training and templates.

        Raises:
            InputError: the signal model is unknown.
        """
        return make_signal_model(self.approximant, self.signal)

    @property
    def takes_subsets(self) -> bool:
        """Whether detectors may be absent from the data."""
        if isinstance(self.root, ConvolutionalSettings):
            return self.root.takes_subsets
        return self.encoder.takes_subsets

    def reference_weights(self) -> FloatArray:
        """Whitening weights of the reference detector, a LIGO curve between O1 and design; shape (n_bins,), Hz."""
        grid = self.grid
        return grid.weights(np.exp(design_log_psd(_REFERENCE_CURVE, grid.native_frequencies)))

    def build(self, bank: TemplateBank | None = None) -> PosteriorEstimator | LeafEstimator:
        """Builds an estimator with initial weights.

        Args:
            bank: templates, as a model file holds them; computed when None.

        Returns:
            The estimator: a posterior of all parameters of the space, or leaves of single quantities.

        Raises:
            InputError: a setting is out of range, a name is unknown, or input, root and head do not fit together.
        """
        check_settings(self)
        if bank is None:
            bank = build_template_bank(self.grid, self.signal_model, self.prior.chirp_mass_range, self.templates)
        margin = self.arrival_margin
        canonical = CanonicalInput(
            self.grid,
            bank,
            self.reference_weights(),
            n_detectors=len(self.detectors),
            reach=None if margin is None else light_travel_times(self.detectors) + margin,
        )
        if isinstance(self.head, LeafSettings | BayesianLeafSettings):
            return self._build_leaves(canonical, self.head)
        if self.series is not None:
            raise InputError(
                f"expected leaves (leaves, bayesian-leaves) on time series; got {self.head.kind!r}: leave out series"
            )
        encoder, root, n_context = self._build_root(canonical)
        density = ConditionalDensity(root, self.head.build(n_context, len(self.space)), encoder)
        anchoring = ANCHORINGS[self.along](canonical, self.space, self.templates.mass_ratio)
        return PosteriorEstimator(canonical, self.space, anchoring, density, self.background)

    def _build_leaves(self, canonical: CanonicalInput, head: LeafSettings | BayesianLeafSettings) -> LeafEstimator:
        targets = LeafTargets(head.names, self.space)
        series: SeriesInput | CompressedSeries | None = None
        if self.series is not None:
            kind = CompressedSeries if self.series.align == "template" else SeriesInput
            series = kind(self.grid, self.series)
        encoder, root, n_context = self._build_root(canonical)
        network = RootLeaves(root, targets.names, lambda: head.build(n_context), encoder)
        return LeafEstimator(canonical, targets, network, series)

    def _build_root(self, canonical: CanonicalInput) -> tuple[nn.Module | None, nn.Module, int]:
        """Encoder, root, and the length of the root's output: convolutions of time series, else a residual network."""
        if isinstance(self.root, ConvolutionalSettings) != (self.series is not None):
            raise InputError("expected both series and root.layers, or neither; got one: add the other or leave it out")
        if isinstance(self.root, ConvolutionalSettings):
            assert self.series is not None
            layout = layout_tokens(self.series, canonical.layout)
            try:
                one_channel = self.series.n_channels == len(layout.sections) == 1
                if one_channel and self.root.detectors == "channels" and not self.root.bfloat16:
                    plain = self.root.build(len(self.detectors), self.series.n_samples)
                    return Channels(layout), plain, plain.n_outputs
                root = SeriesRoot(layout, self.root, self.series.n_channels)
            except ValueError as error:
                raise InputError(str(error)) from error
            return None, root, root.n_outputs
        encoder = self.encoder.build(canonical.layout)
        return encoder, self.root.build(encoder.n_outputs, self.n_context), self.n_context
