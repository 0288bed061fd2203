"""Waveform settings: approximant, reference frequency and further arguments of LALSimulation."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import lal
import lalsimulation

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.system.checks import check_settings
from chirpleaf.system.lal_messages import silence_lal

MODE_ARRAY = "ModeArray"
"""Name of the argument that selects modes."""

_INSERT = "SimInspiralWaveformParamsInsert"
"""Beginning of the names of LALSimulation's functions that set an argument."""
_HIGHEST_REFERENCE = 2048.0
"""Highest reference frequency, Hz; signals of stellar masses end below."""

Value = int | float | str


@dataclass(frozen=True)
class WaveformSettings:
    """How waveforms are computed.

    Attributes:
        approximant: name of an approximant of LALSimulation, or of pyseobnr.
        reference_frequency: frequency at which the phase and the spins are defined, Hz.
        arguments: further arguments of LALSimulation, as pairs of name and value. Names are those of its functions
            `SimInspiralWaveformParamsInsert...`, such as "PhenomXHMReleaseVersion"; "ModeArray" takes modes (l, m) in
            the form "2,2 2,-2 3,3".

    Raises:
        InputError: the name or the value of an argument cannot be used, or the reference frequency is out of range.

    Example:
        >>> WaveformSettings("IMRPhenomXPHM", arguments=(("phenomxprecversion", 104),)).arguments
        (('PhenomXPrecVersion', 104),)
    """

    approximant: str = DEFAULT_APPROXIMANT
    reference_frequency: float = 20.0
    arguments: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        check_settings(self)
        if not 0.0 < self.reference_frequency <= _HIGHEST_REFERENCE:
            raise InputError(
                f"expected 0 < reference_frequency <= {_HIGHEST_REFERENCE:g} Hz; got {self.reference_frequency}: 20 is "
                "usual"
            )
        names = [_resolve_name(name) for name, _ in self.arguments]
        if twice := [name for place, name in enumerate(names) if name in names[:place]]:
            raise InputError(f"expected each argument of a waveform once; got {twice[0]} twice: leave one out")
        values = [value for _, value in self.arguments]
        object.__setattr__(self, "arguments", tuple(zip(names, values, strict=True)))
        self.make_lal_dict()

    @classmethod
    def of(cls, waveform: "str | WaveformSettings") -> "WaveformSettings":
        """Settings from themselves, or from the name of an approximant."""
        return cls(waveform) if isinstance(waveform, str) else waveform

    def make_lal_dict(self) -> Any:
        """The arguments as LALSimulation takes them; None if there are none.

        Raises:
            InputError: a value cannot be used.
        """
        if not self.arguments:
            return None
        dictionary = lal.CreateDict()
        for name, value in self.arguments:
            if name == MODE_ARRAY:
                _insert_modes(dictionary, str(value))
            else:
                _insert(dictionary, name, value)
        return dictionary


DEFAULT_WAVEFORM = WaveformSettings()
"""The default approximant at its reference frequency."""


def parse_arguments(arguments: Mapping[str, str]) -> tuple[tuple[str, Value], ...]:
    """Waveform arguments from text, as the command line gives them.

    Args:
        arguments: name to value; whole numbers become int, other numbers float.

    Example:
        >>> parse_arguments({"PhenomXPrecVersion": "104", "ModeArray": "2,2 3,3"})
        (('PhenomXPrecVersion', 104), ('ModeArray', '2,2 3,3'))
    """
    return tuple((name, _parse_number(value)) for name, value in arguments.items())


def format_arguments(arguments: Iterable[tuple[str, Value]]) -> tuple[str, ...]:
    """Waveform arguments as a result keeps them.

    Args:
        arguments: names and values.

    Example:
        >>> format_arguments((("PhenomXPrecVersion", 104), ("ModeArray", "2,2 3,3")))
        ('PhenomXPrecVersion=104', 'ModeArray=2,2 3,3')
    """
    return tuple(f"{name}={value}" for name, value in arguments)


def parse_formatted(texts: Iterable[str]) -> tuple[tuple[str, Value], ...]:
    """Inverts `format_arguments`.

    Args:
        texts: `name=value` each.

    Example:
        >>> parse_formatted(["PhenomXPrecVersion=104", "ModeArray=2,2 3,3"])
        (('PhenomXPrecVersion', 104), ('ModeArray', '2,2 3,3'))
    """
    return parse_arguments({name: value for name, _, value in (text.partition("=") for text in texts)})


def _parse_number(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Name in lower case to name of every argument."""
    names = [name.removeprefix(_INSERT) for name in dir(lalsimulation) if name.startswith(_INSERT)]
    return {name.casefold(): name for name in names}


def _resolve_name(name: str) -> str:
    known = _names()
    if name.casefold() in known:
        return known[name.casefold()]
    near = [known[found] for found in get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]
    raise InputError(
        f"expected an argument of LALSimulation's waveforms; got {name!r}: did you mean "
        f"{', '.join(near or [MODE_ARRAY])}?"
    )


def _insert(dictionary: Any, name: str, value: Value) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"expected a finite number for {name}; got {value}: correct it or leave the argument out")
    try:
        with silence_lal():
            getattr(lalsimulation, _INSERT + name)(dictionary, value)
    except (OverflowError, RuntimeError, TypeError) as error:
        raise InputError(
            f"expected a value that LALSimulation takes for {name}; got {value!r}: see the documentation of "
            f"{_INSERT}{name}"
        ) from error


def _insert_modes(dictionary: Any, text: str) -> None:
    modes = lalsimulation.SimInspiralCreateModeArray()
    try:
        with silence_lal():
            for pair in text.split():
                degree, order = (int(number) for number in pair.split(","))
                lalsimulation.SimInspiralModeArrayActivateMode(modes, degree, order)
    except (OverflowError, RuntimeError, ValueError) as error:
        raise InputError(
            f"expected modes such as '2,2 2,-2 3,3' for {MODE_ARRAY}; got {text!r}: correct them"
        ) from error
    lalsimulation.SimInspiralWaveformParamsInsertModeArray(dictionary, modes)
