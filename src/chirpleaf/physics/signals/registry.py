"""Signal models by their names in presets and model files."""

from collections.abc import Callable

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.signals.model import SignalModel
from chirpleaf.physics.signals.quadrupole import Quadrupole

SIGNALS: dict[str, Callable[[str], SignalModel]] = {"quadrupole": Quadrupole}
"""Functions that make a signal model from the name of an approximant."""


def make_signal_model(approximant: str = DEFAULT_APPROXIMANT, kind: str = "quadrupole") -> SignalModel:
    """The signal model of an approximant.

    Args:
        approximant: name of the waveform approximant.
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
    return SIGNALS[kind](approximant)
