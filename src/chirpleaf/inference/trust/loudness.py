"""Loudness: can the detector's noise be as loud as this?

Whitened data do not depend on a factor of the strain, which the noise spectrum takes up, but distances do. Strain in
other units, or of a wrong calibration, is told by its noise.
"""

from collections.abc import Mapping, Sequence

from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, DataSettings
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.usual_noise import compare_loudness


def examine_loudness(
    spectra: Mapping[str, PowerSpectralDensity],
    detectors: Sequence[str],
    settings: DataSettings = DEFAULT_TRUST.data,
) -> tuple[Finding, ...]:
    """Compares noise spectra with those that the detectors have had and are designed for.

    Args:
        spectra: detector name to the spectrum of its noise.
        detectors: those whose data are analysed.
        settings: thresholds.

    Returns:
        A finding for each detector whose noise is too loud or too quiet.
    """
    found = []
    for name in detectors:
        factor = compare_loudness(spectra[name], name)
        level = max(grade_value(factor, settings.loud), grade_value(factor, settings.quiet))
        if level is not Level.NOTE:
            usual = "loudest that it has had" if factor > 1 else "quietest that it is designed for"
            message = (
                f"{name}: the noise has {factor:.2g} times the amplitude of the {usual}: check units and calibration"
            )
            found.append(Finding("data.loudness", level, message, name, factor))
    return tuple(found)
