"""Settings of the test of general relativity: every number that trades accuracy for time."""

from dataclasses import dataclass, field, replace

from chirpleaf.inference.certify import CertifySettings
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import Fraction, NonNegativeFloat, OpenFraction, PositiveFloat, PositiveInt


def _certification() -> CertifySettings:
    """Certification of a part of the band, whose posterior is broad and of few nats.

    The waveforms of its broad posterior differ more, so the nodes are denser and a waveform is moved further.
    """
    standard = CertifySettings()
    return replace(
        standard,
        sampling=replace(standard.sampling, refits=8, growth=1, fewest_draws=1024, most_draws=40_000),
        heterodyne=replace(standard.heterodyne, dephasing=0.4, align_reach=0.06),
        extrinsic=replace(standard.extrinsic, one_harmonic=replace(standard.extrinsic.one_harmonic, error=0.08)),
        reference_time=replace(standard.reference_time, attempts=0),
    )


@dataclass(frozen=True)
class RelativitySettings:
    """All settings of `compare_parts`.

    Attributes:
        whole_share: part of the time budget after which no more draws of the whole signal are made; each part has half
            of the rest. A larger one places the cut-off frequency better, and leaves fewer draws of the parts.
        draws: draws of the whole signal. They give the cut-off frequency and the first proposal of each part.
        least_snr: optimal signal-to-noise ratio of the whole posterior in a part of the band below which the test is
            refused; that of the published tests (arXiv:2010.14529). A lower one tests more events, and the prior more.
        broadening: factor on the standard deviations of the whole posterior in the first proposal of a part. A larger
            one finds posteriors that lie farther off, with fewer effective draws of the first round.
        first_draws: draws of the first proposal. More make the first fit better.
        prior_draws: draws of the prior of the network, which find what that proposal misses, and bound the weights.
        round_draws: draws of each further round. More take longer where few rounds suffice.
        rounds: most rounds with a new fit. More reach posteriors that lie farther off.
        first_points: most extrinsic points of the draws that find the posterior. More reduce the scatter of their
            weights; these draws are discarded after the fit.
        fitted_samples: effective sample size from which on no further round is needed. More make the fit better.
        effective_samples: effective sample size of each part. The time is proportional to it, and the error of the
            quantile of general relativity to the inverse of its root.
        certify: settings of the likelihood and of the weights. Its extrinsic points aim at an error of ln L of 0.08
            nats, which costs 0.6 % of the effective samples.
        prior_samples: draws of the prior whose density is divided out. More determine it better.
        prior_bins: cells of mass and of spin in which this density is estimated. More follow it better, and scatter.
        floor: least density of the prior, over the greatest, that is divided out in full. A lower one is nearer to a
            flat prior, and gives single draws at the edge of the prior more weight.
        pairs: pairs of samples of both parts. More make the joint density smoother, at some milliseconds.
        bins: cells of each deviation. More resolve the density at zero better.
        reach: greatest deviation of the density; two is the end of its range.
        leaf_samples: samples of the leaves of the remnant.

    Raises:
        InputError: a number is out of range.
    """

    whole_share: Fraction = 0.4
    draws: PositiveInt = 3000
    least_snr: NonNegativeFloat = 6.0
    broadening: PositiveFloat = 2.5
    first_draws: PositiveInt = 1536
    prior_draws: PositiveInt = 512
    round_draws: PositiveInt = 1024
    rounds: PositiveInt = 4
    first_points: PositiveInt = 16_384
    fitted_samples: PositiveInt = 300
    effective_samples: PositiveInt = 1000
    certify: CertifySettings = field(default_factory=_certification)
    prior_samples: PositiveInt = 100_000
    prior_bins: PositiveInt = 80
    floor: OpenFraction = 0.02
    pairs: PositiveInt = 200_000
    bins: PositiveInt = 121
    reach: PositiveFloat = 2.0
    leaf_samples: PositiveInt = 5000

    def __post_init__(self) -> None:
        check_settings(self)


DEFAULT_RELATIVITY = RelativitySettings()
"""Default settings."""
