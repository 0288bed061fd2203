"""How loud a detector's noise usually is, by the design curves of its runs (`ensemble`)."""

import numpy as np

from chirpleaf.strain.ensemble import design_log_psd
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.spectral_lines import detector_table

_BAND = (60.0, 400.0)
"""Frequencies at which levels are compared, Hz: above the walls of noise, below where curves depend on the laser."""


def compare_loudness(psd: PowerSpectralDensity, detector: str) -> float:
    """The amplitude of noise beyond what a detector of this name has had or will have.

    Args:
        psd: power spectral density of the noise.
        detector: name of the detector.

    Returns:
        Over that of the loudest curve, if it is louder; over that of the quietest one, if it is quieter; one between
        the two, for a detector without curves, and for a spectrum without these frequencies.
    """
    instrument = detector_table()["instruments"].get(detector)
    used = (psd.frequencies >= _BAND[0]) & (psd.frequencies <= _BAND[1]) & np.isfinite(psd.values) & (psd.values > 0)
    if instrument is None or not used.any():
        return 1.0
    frequencies, log_density = psd.frequencies[used], np.log(psd.values[used])
    curves = {name for names in detector_table()["families"][instrument].values() for name in names}
    levels = [np.median(log_density - design_log_psd(name, frequencies)) / 2 for name in sorted(curves)]
    return float(np.exp(min(levels) if min(levels) > 0 else min(max(levels), 0.0)))
