"""Signal models by their names in presets and model files."""

from collections.abc import Callable
from dataclasses import replace

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.signals.aligned_modes import AlignedModes
from chirpleaf.physics.signals.harmonics import is_separable
from chirpleaf.physics.signals.model import SignalModel
from chirpleaf.physics.signals.multimode import DEFAULT_PRECESSING, Multimode
from chirpleaf.physics.signals.quadrupole import Quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings

SIGNALS: dict[str, Callable[[WaveformSettings], SignalModel]] = {
    "quadrupole": Quadrupole,
    "aligned-modes": AlignedModes,
    "multimode": Multimode,
}
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


def make_likelihood_model(waveform: WaveformSettings, kind: str = "quadrupole") -> SignalModel:
    """The signal model of a likelihood: all modes of its approximant, also where the network knows the (2, 2) alone.

    Args:
        waveform: approximant, reference frequency and arguments.
        kind: signal model of the network, one of `SIGNALS`.

    Returns:
        The network's own model, or the modes of aligned spins. It lacks modes (`has_all_modes`) if the approximant's
        cannot be separated, as those of the time domain; for precessing spins, it has those of IMRPhenomXPHM then.

    Raises:
        InputError: kind or approximant are unknown.

    Example:
        >>> make_likelihood_model(WaveformSettings("IMRPhenomXHM")).harmonics
        (1, 2, 2, 3, 4)
    """
    if kind == "multimode" and not is_separable(waveform):
        return Multimode(replace(DEFAULT_PRECESSING, reference_frequency=waveform.reference_frequency), complete=False)
    signal = make_signal_model(waveform, kind)
    if signal.has_all_modes():
        return signal
    try:
        return AlignedModes(waveform)
    except InputError:
        return signal
