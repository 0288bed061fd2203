"""Signal models by their names in presets and model files."""

from collections.abc import Callable

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.signals.model import SignalModel
from chirpleaf.physics.signals.multimode import Multimode
from chirpleaf.physics.signals.quadrupole import Quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings

SIGNALS: dict[str, Callable[[WaveformSettings], SignalModel]] = {"quadrupole": Quadrupole, "multimode": Multimode}
"""Functions that make a signal model from waveform settings."""


def make_signal_model(waveform: str | WaveformSettings = DEFAULT_APPROXIMANT, kind: str = "quadrupole") -> SignalModel:
    """The signal model of an approximant.

    Args:
        waveform: name of the waveform approximant, or settings with its reference frequency and arguments.
        kind: one of `SIGNALS`.

    Raises:
        InputError: the kind is unknown.

    Example:
        >>> make_signal_model("IMRPhenomD").harmonics
        (2,)
    """
    if kind not in SIGNALS:
        known = ", ".join(SIGNALS)
        raise InputError(f"expected a signal model among {known}; got {kind!r}: change it or update chirpleaf")
    return SIGNALS[kind](WaveformSettings.of(waveform))
