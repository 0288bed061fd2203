"""Settings of the likelihood: fast and on every frequency, extrinsic points, and the integral over phase and distance.

`settings.CertifySettings` holds one of each; see there.
"""

from dataclasses import dataclass, field

from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.system.constraints import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    OpenFraction,
    PositiveFloat,
    PositiveInt,
)

Cells = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
"""Numbers of cells in four dimensions."""


@dataclass(frozen=True)
class HeterodyneSettings:
    """Frequencies of the heterodyned likelihood, and the arrival times that it is made for.

    Attributes:
        dephasing: phase between neighbouring nodes, rad. The error of ln L falls with its fourth power; the cost of a
            waveform falls with it too.
        tolerated_error: root mean square error of ln L, nats, above which the likelihood is made again about draws
            from the posterior, with `dephasing` halved as often as these need, and all draws are weighed again.
        halvings: greatest number of halvings. More reach the tolerated error for more events; each doubles the cost of
            a waveform. With none, the likelihood is never made again.
        band_draws: draws whose signals the nodes must represent. More of them extend the band to higher frequencies.
        band_share: quantile of these draws' amplitudes that defines the band. A higher one includes rarer signals.
        band_floor: amplitude over its maximum, both whitened, below which a band ends. A lower one needs more nodes.
        amplitude_floor: least amplitude of the reference over that of its inspiral. A lower one loses signals that
            reach beyond the reference; a higher one makes the ratios less smooth.
        reference_trials: likely draws of which the first whose waveform can be computed is the reference.
        search: half width of the arrival times that are searched for the reference, seconds. A wider one finds signals
            farther from the reference time, and louder noise.
        loud_snr: signal-to-noise above which a detector's own arrival time is used. A smaller one trusts the times of
            noise; a larger one leaves arrivals of faint detectors to the light travel time, and needs more nodes.
        timing_error: uncertainty of the arrival times of loud detectors, seconds. A larger one needs more nodes.
        light_margin: margin on the light travel time between detectors, seconds. A larger one keeps arrivals that are
            poorly timed, and needs more nodes.
        align_reach: greatest delay by which a waveform is moved to fit the data best, seconds. A longer one aligns
            worse-timed draws, at a cost in proportion.
        align_step: spacing of the delays that are tried before the best one is refined, seconds. A finer one costs time
            in proportion; a coarser one may refine the wrong peak.
    """

    dephasing: PositiveFloat = 0.6
    tolerated_error: NonNegativeFloat = 0.03
    halvings: NonNegativeInt = 4
    band_draws: PositiveInt = 24
    band_share: OpenFraction = 0.95
    band_floor: NonNegativeFloat = 1e-4
    amplitude_floor: NonNegativeFloat = 0.1
    reference_trials: PositiveInt = 8
    search: NonNegativeFloat = 0.04
    loud_snr: NonNegativeFloat = 6.0
    timing_error: NonNegativeFloat = 0.002
    light_margin: NonNegativeFloat = 0.001
    align_reach: NonNegativeFloat = 0.02
    align_step: PositiveFloat = 0.00025


@dataclass(frozen=True)
class RoundSettings:
    """Rounds of draws that share a set of extrinsic points.

    Attributes:
        draws: draws of a round. More cost memory, and make the errors of more draws agree; fewer share fewer points, so
            that as many points in all cost less, and take longer for the overheads of more rounds.
        error: standard error of ln L, median over draws, at which the number of points aims. Half of it needs four
            times as many points.
        fewest_points: least number of points in a round. More make the error of a round better known, at a cost in
            proportion for events that need few.
    """

    draws: PositiveInt
    error: PositiveFloat
    fewest_points: PositiveInt


@dataclass(frozen=True)
class ExtrinsicSettings:
    """Extrinsic points that the likelihood is averaged over.

    Attributes:
        one_harmonic: rounds for signals of one harmonic.
        harmonics: rounds for signals of several harmonics, whose points cost several times more. The weights of their
            draws scatter more, so that a larger error hardly changes their efficiency (docs/decisions.md, 79).
        trial_points: points by which the error of a draw is estimated. More estimate it better.
        most_points: greatest number of points in a round; bounds memory and time of events that points fit badly.
        threads: threads that weigh rounds at the same time. More wait for Python's lock, which waveforms hold, and each
            needs memory.
        typical_draws: draws that stand for the posterior while the tables of points are made.
    """

    one_harmonic: RoundSettings = RoundSettings(draws=256, error=0.08, fewest_points=1024)
    harmonics: RoundSettings = RoundSettings(draws=64, error=0.16, fewest_points=256)
    trial_points: PositiveInt = 1024
    most_points: PositiveInt = 16_384
    threads: PositiveInt = 2
    typical_draws: PositiveInt = 32


@dataclass(frozen=True)
class TableSettings:
    """Tables that extrinsic points are drawn from, and how they are adapted to an event.

    Attributes:
        time_cell: width of a cell of arrival times, seconds. Must resolve the timing accuracy of loud events.
        time_window: half width of the arrival times about the reference's, beyond what light travel allows, seconds.
        time_power: power of the likelihood in the table of arrival times. Below one, the table is broader than the
            posterior: it wastes some points and covers the whole posterior.
        time_background: share of a uniform background in that table, against missed arrival times.
        negligible: likelihood of a cell over the greatest one, below which the table ends.
        angle_background: share of a uniform background in the table of angles, against large weights.
        loud_snr: signal-to-noise of the second detector from which its arrival time is well known.
        cells_quiet: cells of (quantile of tau_b, angle, cos(inclination), polarisation) below it.
        cells_loud: the same above it, where the quantile no longer depends on the angles.
        three_cells_quiet: `cells_quiet` of three or more detectors, which fix the angle better.
        three_cells_loud: `cells_loud` of three or more detectors.
        binaries: draws whose likelihood the angles are adapted to.
        points: points of a round of the adaptation. More adapt the table in fewer, longer rounds.
        enlargement: factor on `points` after a round with too few effective points.
        effective_points: effective points that a step to a higher power of the likelihood must leave. More take smaller
            and safer steps.
        least_step: least step of that power. A larger one ends the adaptation sooner, with fewer effective points.
        rounds: most rounds.
        settled_points: effective points of all rounds at the full likelihood, above which the adaptation ends. More
            determine the cells better.
        correction: fit of the Gaussian mixture that follows where the rounds have not settled. For signals of one
            harmonic only: of others, every binary has points of its own, and a mixture holds those of few.
        correction_after: most rounds before it.
        correction_rounds: rounds of it. More follow narrow and bent posteriors better, in as much time each.
        correction_share: share of the points that are drawn from it. The others keep weights small where it misses the
            posterior.
        correction_enough: efficiency at which its rounds end; tables that have it are not corrected. A larger one needs
            fewer points a draw, and takes more rounds, of about two seconds each.
    """

    time_cell: PositiveFloat = 1 / 16384
    time_window: NonNegativeFloat = 0.01
    time_power: PositiveFloat = 0.8
    time_background: Fraction = 0.05
    negligible: NonNegativeFloat = 1e-6
    angle_background: Fraction = 0.2
    loud_snr: NonNegativeFloat = 7.0
    cells_quiet: Cells = (8, 32, 12, 12)
    cells_loud: Cells = (1, 64, 24, 24)
    three_cells_quiet: Cells = (8, 128, 8, 8)
    three_cells_loud: Cells = (1, 192, 16, 16)
    binaries: PositiveInt = 8
    points: PositiveInt = 8192
    enlargement: PositiveInt = 4
    effective_points: PositiveInt = 150
    least_step: PositiveFloat = 0.02
    rounds: NonNegativeInt = 12
    settled_points: PositiveInt = 4096
    correction: MixtureFitSettings = field(default_factory=MixtureFitSettings)
    correction_after: NonNegativeInt = 6
    correction_rounds: NonNegativeInt = 8
    correction_share: OpenFraction = 0.8
    correction_enough: Fraction = 0.04


@dataclass(frozen=True)
class DistanceSettings:
    """The table of the likelihood integrated over distance.

    Attributes:
        nodes: distances of the quadrature: 40 determine the table to 2e-5 nats, 32 to 7e-4 nats. More are needed only
            for priors with structure of their own.
        snr_step: step of the root of the signal-to-noise s. A smaller one makes a larger table.
        finest_step: least step of ln(distance); half of 1 / s is taken where that lies between the two.
        coarsest_step: greatest step of ln(distance).
        nearest: where a prior goes down to distance zero, the integral begins at this part of its maximum.
        margin_near: the table begins at the smallest distance of the prior divided by this.
        margin_far: the table ends at the largest distance of the prior times this.
        depth: nats below its maximum at which the integrand is cut off.
        snr_factor: greatest s of the table over the signal-to-noise of the reference. Louder draws are rare.
        snr_margin: added to it.
        draw_refinement: cells of the density that distances are drawn from, over `nodes`.
        binaries_at_once: binaries whose pairs are integrated together. Fewer keep intermediate results in the
            processor's cache; more call torch less often.
        threads: threads that fill the table. More than cores gain nothing.
    """

    nodes: PositiveInt = 40
    snr_step: PositiveFloat = 0.05
    finest_step: PositiveFloat = 0.008
    coarsest_step: PositiveFloat = 0.04
    nearest: PositiveFloat = 1e-4
    margin_near: PositiveFloat = 10.0
    margin_far: PositiveFloat = 100.0
    depth: PositiveFloat = 30.0
    snr_factor: PositiveFloat = 1.15
    snr_margin: NonNegativeFloat = 4.0
    draw_refinement: PositiveInt = 4
    binaries_at_once: PositiveInt = 16
    threads: PositiveInt = 2


@dataclass(frozen=True)
class PhaseSettings:
    """The phase of signals with several harmonics, which no Bessel function integrates out.

    Attributes:
        phases: phases at which each extrinsic point is evaluated. More reduce the scatter of ln L at loud events, at a
            cost in proportion.
        depth: phases whose likelihood is this many nats below the best one of a pair are left out. A larger value
            evaluates phases that contribute nothing.
        draw_resolution: phases per radian of the fastest harmonic's phase error, 1 / signal-to-noise, in the density
            that phases are drawn from. It costs little.
        pairs_at_once: pairs of (binary, point), times phases, that are integrated together. Fewer keep intermediate
            results in the processor's cache; more call torch less often.
    """

    phases: PositiveInt = 32
    depth: PositiveFloat = 20.0
    draw_resolution: PositiveFloat = 16.0
    pairs_at_once: PositiveInt = 524_288


@dataclass(frozen=True)
class LikelihoodSettings:
    """The likelihood on every frequency.

    Attributes:
        waveforms: waveforms in memory at a time.
        worth_a_process: number of waveform values above which a second process pays, as it takes two seconds to start.
    """

    waveforms: PositiveInt = 64
    worth_a_process: NonNegativeInt = 10_000_000
