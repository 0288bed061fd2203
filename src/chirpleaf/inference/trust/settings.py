"""Settings of the checks: thresholds, and the numbers that trade accuracy for time.

Thresholds are set on one set of simulations and reported on another (`benchmarks/trust_roc.py`). A threshold has two
values: at the first the answer is doubtful, at the second it is refused. Stricter ones refuse more bad data and more
good signals.
"""

from dataclasses import dataclass, field

from chirpleaf.inference.trust.levels import Threshold
from chirpleaf.inference.trust.model_settings import MisfitSettings, PrecessionSettings
from chirpleaf.strain.wavelets import WaveletSettings
from chirpleaf.strain.whiteness import Tiling


@dataclass(frozen=True)
class SignalSettings:
    """Whether there is a signal.

    Attributes:
        least_snr: peak network signal-to-noise ratio below which there is no signal. Training begins at an optimal
            ratio of 7: a higher limit would refuse events that the model knows, a lower one would accept noise.
        least_effective_samples: effective sample size from which on the evidence is compared with that of other
            explanations. Of fewer, it is too low, and a good signal would be called a glitch; the answer is refused
            for its sampling anyway.
        greatest_snr: peak network signal-to-noise ratio above which the model was not trained. Training ends at an
            optimal ratio of 60.
        log_bayes_factor: ln of the Bayes factor of a binary against noise below which noise explains the data too well.
            Higher values refuse faint signals; lower ones accept the loudest noise of some hundred triggers.
    """

    least_snr: float = 6.0
    least_effective_samples: float = 20.0
    greatest_snr: float = 65.0
    log_bayes_factor: Threshold = Threshold(10.0, 5.0)


@dataclass(frozen=True)
class GlitchSettings:
    """Whether glitches explain the data as well as a binary does.

    Attributes:
        wavelets: the family of glitches and its prior.
        probability: prior probability of a glitch in each detector, given the trigger. It shifts the Bayes factor by
            its logit for every detector with a glitch.
        log_bayes_factor: ln of the Bayes factor of a binary in all detectors against glitches in some of them.
        one_detector: the same where one detector has data.
    """

    wavelets: WaveletSettings = field(default_factory=WaveletSettings)
    probability: float = 0.5
    log_bayes_factor: Threshold = Threshold(3.0, -3.0)
    one_detector: Threshold = Threshold(3.0, -3.0)


@dataclass(frozen=True)
class CoherenceSettings:
    """Whether the detectors agree on one binary.

    Attributes:
        draws: draws of the proposal whose likelihood is computed for each detector. More reduce the error of the
            evidence, at a millisecond each.
        band_draws: draws whose waveforms, at all frequencies, decide where the band of the likelihood ends. More of
            them extend the band to higher frequencies, and take longer.
        reach: arrival times about that of the best sample in each detector, seconds. A longer one finds more of the
            incoherent explanations.
        step: spacing of the arrival times, seconds. A finer one costs time in proportion; a coarser one misses peaks of
            loud signals.
        orientations: directions and orientations that the prior of the response is made of. More make it smoother, and
            take longer once per set of detectors.
        probability: prior probability of a binary of its own in each detector, against noise. A larger one doubts
            more answers, right and wrong.
        log_bayes_factor: ln of the Bayes factor of one binary in all detectors against one of its own in each.
        share: probability of signal-to-noise ratios of the detectors as unusual as the data's; the share of good
            signals that are doubted.
    """

    draws: int = 192
    band_draws: int = 8
    reach: float = 0.03
    step: float = 0.00025
    orientations: int = 20_000
    probability: float = 0.5
    log_bayes_factor: Threshold = Threshold(-4.0, -8.0)
    share: Threshold = Threshold(2e-3, 1e-4)


@dataclass(frozen=True)
class ResidualSettings:
    """What is left of the data without the best signal.

    Attributes:
        wavelets: the family of bursts that are searched for.
        burst: ln of the evidence of a burst over that of noise in a detector. Simulated signals leave at most -0.8, the
            faintest of the overlapping glitches 2.4.
        bands: ends of the frequency bands of tiles, Hz.
        times: ends of the time intervals of tiles, seconds after the merger.
        tile: excess of a tile's power over that of the same band in the rest of the segment, standard deviations of a
            normal variable of the same probability. There are some thirty tiles.
        lags: lags of the autocorrelation, in samples of the analysed band.
        correlation: excess of the squared autocorrelation, standard deviations as above.
        around: half length of the data whose autocorrelation is computed, seconds.
    """

    wavelets: WaveletSettings = field(default_factory=lambda: WaveletSettings(most=2))
    burst: Threshold = Threshold(2.3, 20.0)
    bands: tuple[float, ...] = (20.0, 32.0, 48.0, 72.0, 108.0, 162.0, 243.0, 365.0, 550.0, 1024.0)
    times: tuple[float, ...] = (-0.6, -0.3, -0.12, 0.03, 0.15)
    tile: Threshold = Threshold(5.0, 7.0)
    lags: int = 24
    correlation: Threshold = Threshold(8.0, 12.0)
    around: float = 0.5


@dataclass(frozen=True)
class WallSettings:
    """Whether the posterior ends where a prior ends.

    Attributes:
        strip: width of the strip along an end in which samples are counted, over the posterior's standard deviation.
            A narrower one holds fewer samples.
        mass_strip: the same for the chirp mass.
        density: density of the posterior at the end of a prior, times its standard deviation: 0.3 for a flat posterior,
            0.5 for half a normal one, 1 for an exponential one. Signals of the prior reach 0.67, others 0.71 and more.
        given: the same at the ends of a prior file. Above 0.5 the likelihood is greatest at the end or beyond it.
        component: the same at the ends of the component masses. Signals of the prior reach 0.46.
        reached: the same from which a note says that the posterior reaches the end. A smaller value says so of answers
            that hardly touch it.
        time: share of the posterior within `time_strip` of an end of the prior of the arrival time.
        time_strip: seconds.
    """

    strip: float = 0.1
    mass_strip: float = 0.3
    density: Threshold = Threshold(0.7, 0.8)
    given: Threshold = Threshold(0.5, 0.8)
    component: Threshold = Threshold(0.5, 0.8)
    reached: float = 0.25
    time: Threshold = Threshold(0.01, 0.1)
    time_strip: float = 0.005


@dataclass(frozen=True)
class NeighbourSettings:
    """When the shipped models of other chirp masses are tried.

    Attributes:
        quantiles: those of the chirp mass that are compared with the ends of the model.
        near: factor between such a quantile and the end, below which the posterior is near it. A larger one tries other
            models for more signals, at 0.4 s each, and finds more of those that lie beyond.
    """

    quantiles: tuple[float, float] = (0.05, 0.95)
    near: float = 1.03


@dataclass(frozen=True)
class DataSettings:
    """Whether the data are what they claim to be; false alarms are counted by `benchmarks/data_quality.py`.

    Attributes:
        rounding_band: frequencies in Hz between which the noise of rounding is compared with that of the detector.
        rounding: noise of rounding over all noise. Above the second value the signal is lost in the steps.
        rate_refuse: ln of the power by which known lines stand out better at another sampling rate, above which the
            header's is wrong. Recorded strain with subtracted lines reaches 3.4, wrong rates 9.9 to 32.
        loud: amplitude of the noise over the loudest curve of the detector. Recorded noise reaches 1.25 (V1, 2017).
        quiet: the same over the quietest curve. Detectors of the next generation are below 0.33.
        clipped: samples at the extreme values from which on the strain counts as clipped. Continuous noise has none; a
            higher number accepts strain that lost its largest samples.
        tilings: tiles in which whitened power is searched: the first, of a second, also for slow changes.
        chirp_mass_margin: factor on the chirp mass of the best template, for the time that the signal spends in a band.
            A smaller one spares more of the data from the search, a larger one takes early inspirals for disturbances.
        track_margin: time before and after the inspiral that is not searched, s; as for `chirp_mass_margin`.
        power_significance: normal deviate of a mean power below which it may be a fluctuation.
        power: factor between the power of all data and that of the spectrum. Spectra from half a minute of recorded
            strain are off by up to 1.05.
        band: the same within a band. Recorded strain of GW170814 in V1 has 1.4.
        excess: normal deviate of a tile. Gaussian noise reaches 5, recorded noise without glitches 6.2; a lower
            threshold finds weaker glitches and raises more false alarms.
        deficit_warn: normal deviate below the noise, by which a quiet second makes the result doubtful.
    """

    rounding_band: tuple[float, float] = (50.0, 300.0)
    rounding: Threshold = Threshold(0.03, 0.3)
    rate_refuse: float = 8.0
    loud: Threshold = Threshold(2.0, 10.0)
    quiet: Threshold = Threshold(0.33, 0.1)
    clipped: int = 4
    tilings: tuple[Tiling, ...] = (
        Tiling(),
        Tiling(length=0.25),
        Tiling((20.0, 60.0, 130.0, 280.0, 600.0, 1024.0), 0.0625),
    )
    chirp_mass_margin: float = 0.85
    track_margin: float = 0.25
    power_significance: float = 5.0
    power: Threshold = Threshold(1.12, 1.5)
    band: Threshold = Threshold(1.5, 3.0)
    excess: Threshold = Threshold(6.5, 25.0)
    deficit_warn: float = 7.0


@dataclass(frozen=True)
class PlacementSettings:
    """Whether the signal that a detector lacks is elsewhere in its strain.

    Attributes:
        reach: half length of a piece of the strain that is searched, seconds; at most the 2 s after a trigger. Longer
            pieces are fewer, and cut the ends of waveforms.
        apart: least distance from the signal itself, seconds.
        snr: least signal-to-noise ratio of the signal elsewhere. The noise of a minute reaches 5.5; glitches more.
        share: least ratio to that of the loudest detector, and greatest one of what the detector has in the right
            place to what it has elsewhere.
    """

    reach: float = 1.0
    apart: float = 0.2
    snr: float = 8.0
    share: float = 0.5


@dataclass(frozen=True)
class EarlySettings:
    """When an answer is refused before all draws are made.

    Attributes:
        share: part of the squared signal-to-noise ratio that the best template, or the best of the first draws, may
            miss. A larger one makes draws for more data that are refused in the end.
        nats: what the best of the first draws may miss besides, nats.
    """

    share: float = 0.1
    nats: float = 3.0


@dataclass(frozen=True)
class TrustSettings:
    """All settings of the checks.

    Attributes:
        data: whether the data are what they claim to be.
        signal: whether there is a signal.
        glitches: whether glitches explain the data.
        coherence: whether the detectors agree on one binary.
        residuals: what is left without the best signal.
        walls: whether the posterior ends where a prior ends.
        neighbours: whether a model of other chirp masses finds a louder signal.
        misfit: whether precession or higher modes are left over.
        precession: whether a binary whose spins precess is more likely.
        early: when an answer is refused before all draws are made.
        placement: whether the signal that a detector lacks is elsewhere in its strain.
    """

    data: DataSettings = field(default_factory=DataSettings)
    signal: SignalSettings = field(default_factory=SignalSettings)
    glitches: GlitchSettings = field(default_factory=GlitchSettings)
    coherence: CoherenceSettings = field(default_factory=CoherenceSettings)
    residuals: ResidualSettings = field(default_factory=ResidualSettings)
    walls: WallSettings = field(default_factory=WallSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)
    misfit: MisfitSettings = field(default_factory=MisfitSettings)
    precession: PrecessionSettings = field(default_factory=PrecessionSettings)
    early: EarlySettings = field(default_factory=EarlySettings)
    placement: PlacementSettings = field(default_factory=PlacementSettings)


DEFAULT_TRUST = TrustSettings()
"""Default settings."""
