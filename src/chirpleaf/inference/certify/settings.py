"""Settings of certification: every number that trades accuracy for time, with its unit, its default and that trade.

`CertifySettings` groups them by the step that reads them. The defaults stand here and nowhere else. Numbers that belong
to an algorithm itself (the degree of a polynomial, the coefficients of a paper) stay with the algorithm.

    >>> CertifySettings(budget=10.0).effective_samples
    5000
    >>> CertifySettings(heterodyne=HeterodyneSettings(dephasing=0.3)).heterodyne.halvings
    4
"""

from dataclasses import dataclass, field, replace

from chirpleaf.inference.certify.likelihood_settings import (
    DistanceSettings,
    ExtrinsicSettings,
    HeterodyneSettings,
    LikelihoodSettings,
    PhaseSettings,
    TableSettings,
)
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)


@dataclass(frozen=True)
class SamplingSettings:
    """How many draws are made, by which proposals, and when to stop.

    Attributes:
        first_draws: draws weighed before the efficiency is known. A mixture cannot be fitted to fewer; more are wasted
            if few effective samples are wanted.
        refused_draws: draws of an answer that the data refuse, whatever the draws are. More show its shape better, and
            take longer.
        fewest_draws: least size of a further batch. Smaller ones spend their time on overheads.
        growth: greatest size of a further batch over all draws so far.
        growth_between_fits: the same while mixtures are fitted. A larger one makes fewer fits, from fewer draws, and
            more draws before it is known how efficient the last fit is.
        reserve: factor on the draws that the present efficiency requires. A smaller one more often needs another batch.
        least_efficiency: lower bound of the efficiency by which the size of a batch is estimated; it bounds that size.
        most_draws: most draws of one event, unless more are asked for. More save events that the network nearly misses;
            fewer bound the time, some 20 s on one core.
        most_draws_per_sample: the same for each effective sample that is wanted; the larger of the two holds. It is the
            inverse of the least efficiency that is accepted.
        trial_draws: draws after which an event may be abandoned. More waste time on noise; fewer abandon events that a
            refit would have saved.
        efficiency_growth: factor by which further draws may be more efficient than those so far; an event that needs
            more before `most_draws` is abandoned. A larger one spends more time on hopeless events.
        tail_rounds: times that the number of draws is doubled where enough are effective, but the tail of their weights
            has not converged. More refuse fewer good posteriors, and spend more time on bad ones.
        refit_efficiency: efficiency below which a mixture is fitted. A higher one fits where little can be gained.
        refits: most mixtures fitted to one event. More help posteriors that the first ones miss, at some 0.1 s each.
        refit_draws: draws of finite weight that a fit needs.
        coverage_share: share of the draws from a broadened proposal. A larger one finds smaller parts of the posterior
            that the proposals miss, at the cost of efficiency.
        coverage_scale: factor on the standard deviations of the broadened proposal. A larger one reaches further and
            puts fewer draws into each place.
        checked_samples: samples whose likelihood is computed on every frequency. More cost time and determine the
            error of the fast likelihood better.
        checked_first: the same number for the choice of the nodes, before the certificate.
    """

    first_draws: PositiveInt = 2048
    refused_draws: PositiveInt = 512
    fewest_draws: PositiveInt = 512
    growth: PositiveInt = 2
    growth_between_fits: PositiveInt = 1
    reserve: PositiveFloat = 1.05
    least_efficiency: PositiveFloat = 1e-3
    most_draws: PositiveInt = 100_000
    most_draws_per_sample: PositiveInt = 20
    trial_draws: PositiveInt = 16_384
    efficiency_growth: NonNegativeFloat = 3.0
    tail_rounds: NonNegativeInt = 2
    refit_efficiency: NonNegativeFloat = 0.6
    refits: NonNegativeInt = 4
    refit_draws: PositiveInt = 32
    coverage_share: Fraction = 0.04
    coverage_scale: PositiveFloat = 2.0
    checked_samples: PositiveInt = 64
    checked_first: PositiveInt = 24


@dataclass(frozen=True)
class ReferenceTimeSettings:
    """When the network is run again about another reference time.

    Attributes:
        efficiency: efficiency of the first draws below which other reference times are tried, and above which one is
            taken. A higher value tries more often, at the cost of another set of first draws each time.
        draws: draws of largest weight whose arrival times are candidates. More find more of them.
        attempts: most reference times that are tried.
        share: part of the time budget after which the first draws are not repeated. A smaller one leaves more time for
            further draws.
    """

    efficiency: NonNegativeFloat = 0.1
    draws: PositiveInt = 16
    attempts: NonNegativeInt = 3
    share: NonNegativeFloat = 0.5


@dataclass(frozen=True)
class FirstFitSettings:
    """The mixture of the first draws, where the target's prior differs from the network's.

    Attributes:
        efficiency: efficiency of the network's draws, by the ratio of the priors alone, below which a mixture is made.
            A higher value fits where reweighting the network's draws is as good.
        covered: the same efficiency, below which the mixture is made in coordinates of the target. Above it, the
            network's own coordinates follow the posterior better.
        draws: draws of each round of fits. They cost no waveform.
        rounds: most rounds. Priors that hold little of the network's draws need more.
        enough: efficiency of a round after which the mixture is fitted no further.
        background: share of the first draws that the broader proposal makes. A larger one bounds the weights better.
    """

    efficiency: NonNegativeFloat = 0.5
    covered: NonNegativeFloat = 0.05
    draws: PositiveInt = 4096
    rounds: NonNegativeInt = 6
    enough: NonNegativeFloat = 0.5
    background: Fraction = 0.1


@dataclass(frozen=True)
class SpinCoordinateSettings:
    """Coordinates of a target that differs from the network in the priors of the spins.

    Attributes:
        cells: cells of chi_2 in which the target's prior is taken as constant. More follow it better, and take longer
            in proportion.
        background: share of the network's prior in these cells. It reaches binaries that the target hardly allows, and
            wastes as many draws.
        scale_draws: draws of the network that determine the scale of each coordinate. More determine it better.
    """

    cells: PositiveInt = 32
    background: Fraction = 0.02
    scale_draws: PositiveInt = 1024


@dataclass(frozen=True)
class PriorSettings:
    """How priors are compared and normalised.

    Attributes:
        overlap_draws: draws of the network's prior, of which at least one must be possible under the target.
        strip: width of the strip along an edge in which samples are counted, over the width of the network's prior. A
            narrower one holds fewer samples; half a standard deviation is taken where that is less.
        probes: points beyond an edge at which the target is evaluated.
        largest_loss: share of the posterior beyond an edge that needs no warning.
        constraint_sequences: Sobol sequences that estimate the share of a prior file's density within its constraints.
            More determine the error of that share better.
        constraint_points: points of each sequence. More determine the share better.
        constraint_error: relative error of that share above which the file is refused.
        narrowest_distances: least ratio of the distances that 95 % and 5 % of a file's prior lie below. The table of
            the integral over distance is too coarse for narrower ones.
    """

    overlap_draws: PositiveInt = 20_000
    strip: PositiveFloat = 0.01
    probes: NonNegativeInt = 16
    largest_loss: NonNegativeFloat = 0.01
    constraint_sequences: PositiveInt = 16
    constraint_points: PositiveInt = 16_384
    constraint_error: PositiveFloat = 0.02
    narrowest_distances: PositiveFloat = 1.2


@dataclass(frozen=True)
class ReweightingSettings:
    """Reweighting of samples of one waveform model towards another.

    Attributes:
        stride: every n-th frequency is used to align two models. Their phases differ smoothly.
        search: greatest difference of the models' time zero, seconds.
        step: spacing of the delays that are tried, seconds.
        reserve: factor on the number of samples that the efficiency of reweighting requires.
        draws_share: part of the time left in which draws are made before they are reweighted. A larger one makes more
            draws, of which the waveforms with further modes, which cost far more, use up fewer.
    """

    stride: PositiveInt = 16
    search: NonNegativeFloat = 0.03
    step: PositiveFloat = 5e-5
    reserve: PositiveFloat = 1.1
    draws_share: Fraction = 0.3


@dataclass(frozen=True)
class CertifySettings:
    """All settings of `certify`.

    Attributes:
        minimum_draws: least number of draws.
        effective_samples: effective sample size that is wanted. The time is proportional to it.
        budget: seconds after which no further batch of draws starts; with 0, the first batch is the only one. None
            leaves the end to the number of draws, so that the result does not depend on the clock. An analysis counts
            it from its own beginning.
        sampling: number of draws and proposals.
        reference_time: other reference times.
        heterodyne: frequencies of the fast likelihood.
        extrinsic: extrinsic points.
        table: tables that extrinsic points are drawn from.
        distance: integral over distance.
        phase: integral over the phase of signals with several harmonics.
        mixture: fit of a further proposal.
        first_fit: mixture of the first draws.
        spin_coordinates: coordinates of that mixture where the spins' priors differ.
        prior: comparison of priors.
        likelihood: likelihood on every frequency.
        reweighting: approximants with further modes.

    Raises:
        InputError: a number is out of range, also one of the settings of a step.
    """

    minimum_draws: NonNegativeInt = 0
    effective_samples: NonNegativeInt = 5000
    budget: NonNegativeFloat | None = None
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    reference_time: ReferenceTimeSettings = field(default_factory=ReferenceTimeSettings)
    heterodyne: HeterodyneSettings = field(default_factory=HeterodyneSettings)
    extrinsic: ExtrinsicSettings = field(default_factory=ExtrinsicSettings)
    table: TableSettings = field(default_factory=TableSettings)
    distance: DistanceSettings = field(default_factory=DistanceSettings)
    phase: PhaseSettings = field(default_factory=PhaseSettings)
    mixture: MixtureFitSettings = field(default_factory=MixtureFitSettings)
    first_fit: FirstFitSettings = field(default_factory=FirstFitSettings)
    spin_coordinates: SpinCoordinateSettings = field(default_factory=SpinCoordinateSettings)
    prior: PriorSettings = field(default_factory=PriorSettings)
    likelihood: LikelihoodSettings = field(default_factory=LikelihoodSettings)
    reweighting: ReweightingSettings = field(default_factory=ReweightingSettings)

    def __post_init__(self) -> None:
        check_settings(self)

    def for_first_draws(self) -> "CertifySettings":
        """The same settings with the first draws alone, for data whose result is refused anyway."""
        few = min(self.minimum_draws, self.sampling.refused_draws)
        return replace(
            self,
            minimum_draws=few,
            sampling=replace(self.sampling, tail_rounds=0, coverage_share=0.0),
            reference_time=replace(self.reference_time, attempts=0),
            heterodyne=replace(self.heterodyne, halvings=0),
            extrinsic=replace(self.extrinsic, most_points=self.extrinsic.trial_points),
        )


DEFAULTS = CertifySettings()
"""Default settings."""
