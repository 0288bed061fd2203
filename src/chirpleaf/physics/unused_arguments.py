"""Arguments of LALSimulation that change nothing: each approximant reads its own, and ignores the others in silence."""

from dataclasses import replace

import lal
import lalsimulation
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import can_precess
from chirpleaf.physics.waveform_settings import MODE_ARRAY, Value, WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.system.lal_messages import silence_lal

_ALIGNED = {
    **{"mass_1": 40.0, "mass_2": 20.0, "spin_1z": 0.2, "spin_2z": -0.1},
    **{"luminosity_distance": 400.0, "iota": 1.1, "phase": 0.4},
}
_IN_PLANE = {"spin_1x": 0.5, "spin_1y": 0.1, "spin_2x": 0.1, "spin_2y": 0.3}
"""Binaries without a symmetry that would hide modes or precession."""

_FREQUENCIES = (20.0, 40.0, 90.0, 150.0)
_MODES = ("2,2 2,-2", "3,3 3,-3")
"""Other lists of modes that are tried: a list of all modes of an approximant changes nothing, but has a use."""

_LOOKUP = "SimInspiralWaveformParamsLookup"


def find_unused_argument(waveform: WaveformSettings) -> str:
    """The first argument without which the waveforms are the same.

    Args:
        waveform: approximant, reference frequency and arguments.

    Returns:
        Its name; empty if each has a use or is the default value of LALSimulation, or the approximant cannot be
        computed, which its caller will hear of.

    Example:
        >>> find_unused_argument(WaveformSettings("IMRPhenomXAS", arguments=(("PhenomXPrecVersion", 104),)))
        'PhenomXPrecVersion'
        >>> find_unused_argument(WaveformSettings("IMRPhenomXPHM", arguments=(("PhenomXPrecVersion", 104),)))
        ''
    """
    for place, (name, value) in enumerate(waveform.arguments):
        if _find_default(name) == value:
            continue
        before, after = waveform.arguments[:place], waveform.arguments[place + 1 :]
        without = _compute(replace(waveform, arguments=before + after))
        if without is None:
            return ""
        tried = [value, *(_MODES if name == MODE_ARRAY else ())]
        computed = (_compute(replace(waveform, arguments=(*before, (name, one), *after))) for one in tried)
        if all(found is not None and np.array_equal(found, without) for found in computed):
            return name
    return ""


def _find_default(name: str) -> Value | None:
    """The value that LALSimulation takes where none is given; None if it has none."""
    look_up = getattr(lalsimulation, _LOOKUP + name, None)
    if look_up is None:
        return None
    try:
        with silence_lal():
            found: Value = look_up(lal.CreateDict())
    except RuntimeError:  # masses and spins have no default
        return None
    return found


def _compute(waveform: WaveformSettings) -> np.ndarray | None:
    """Polarisations of a binary; None where the approximant does not take these arguments."""
    binary = {**_ALIGNED, **(_IN_PLANE if can_precess(waveform.approximant) else {})}
    try:
        return np.stack(polarizations(binary, _FREQUENCIES, waveform))
    except InputError:
        return None
