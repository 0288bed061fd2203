"""Settings of the reweighting for systematic uncertainties: every number that trades accuracy for time."""

from dataclasses import dataclass, field

from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import Fraction, NonNegativeFloat, PositiveInt


@dataclass(frozen=True)
class CalibrationSettings:
    """Splines of the calibration, and how many are drawn.

    Attributes:
        nodes: nodes of the splines over the band, at least four. More follow a rough envelope better, and let
            neighbouring frequencies vary more independently; ten are used by the published analyses.
        cells: intervals between two nodes, at whose ends the sums over frequencies are taken. Too few misrepresent the
            product of amplitude and phase; the time is proportional to it.
        curves: curves of each detector for a sample. Fewer add noise to the weights, more take longer.
        samples_per_round: samples that share curves. More save the time of drawing, and make the errors of more weights
            agree.
    """

    nodes: PositiveInt = 10
    cells: PositiveInt = 6
    curves: PositiveInt = 1024
    samples_per_round: PositiveInt = 64


@dataclass(frozen=True)
class SpectrumSettings:
    """Draws of noise spectra.

    Attributes:
        draws: spectra of each detector. The error of a mean over them falls with its root; each takes a Welch estimate
            and a sum over frequencies for every sample.
    """

    draws: PositiveInt = 64


@dataclass(frozen=True)
class SystematicsSettings:
    """All settings of the reweighting.

    Attributes:
        certification_share: part of the time budget after which the certification makes no more draws. A smaller one
            leaves more samples to reweight, and fewer draws to choose them from.
        samples: most samples of equal weight that are reweighted. More resolve the posterior better, at about half a
            millisecond each for segments of 8 s.
        band_samples: samples whose waveforms tell where the band ends. More include rarer signals.
        band_floor: amplitude over its maximum, both whitened, below which the band ends. A lower one takes longer, a
            higher one loses some of the signal.
        calibration: splines of the calibration.
        spectra: draws of noise spectra.

    Raises:
        InputError: a number is out of range.
    """

    certification_share: Fraction = 0.8
    samples: PositiveInt = 4000
    band_samples: PositiveInt = 32
    band_floor: NonNegativeFloat = 1e-4
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    spectra: SpectrumSettings = field(default_factory=SpectrumSettings)

    def __post_init__(self) -> None:
        check_settings(self)


DEFAULTS = SystematicsSettings()
"""Default settings."""
