"""Trial of the arguments of LALSimulation, in a process of its own, before anything is computed with them.

LALSimulation trusts what it is given. Of a value that it does not know, such as PhenomXHMReleaseVersion=9, it frees
memory that it has never allocated, which ends the process, or goes on with memory that is corrupt.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import can_precess, lal_approximants
from chirpleaf.physics.signals.harmonics import is_separable
from chirpleaf.physics.signals.registry import make_likelihood_model
from chirpleaf.physics.unused_arguments import find_unused_argument
from chirpleaf.physics.waveform_settings import WaveformSettings, format_arguments
from chirpleaf.physics.waveforms import IN_PLANE_SPINS, FailedWaveformError, polarizations
from chirpleaf.system.isolation import Ending, limit_process, run_isolated

SECONDS = 60
"""Processor time of a trial. More would wait longer for an approximant that never answers; those of the time domain
need ten seconds."""

_MEMORY = 4 * 10**9
"""Bytes of memory for a trial. More would let a large number such as 1e9 modes take all memory of small machines."""

_REPETITIONS = 8
"""Computations of each binary in the frequency domain: memory that is corrupt shows at a later one."""

_BINARIES = (
    {"mass_1": 40.0, "mass_2": 20.0, "spin_1z": 0.2, "spin_2z": -0.1, "spin_1x": 0.5, "spin_1y": 0.1, "spin_2y": 0.3},
    {"mass_1": 60.0, "mass_2": 6.0, "spin_1z": -0.5, "spin_2z": 0.6, "spin_1x": 0.7, "spin_2x": 0.3, "spin_2y": 0.2},
    {"mass_1": 12.0, "mass_2": 11.0, "spin_1z": 0.7, "spin_2z": 0.7, "spin_1y": 0.4, "spin_2x": -0.2},
    {"mass_1": 30.0, "mass_2": 30.0, "spin_1z": 0.0, "spin_2z": 0.0},
)
"""Binaries that are tried: of several mass ratios and spins; the first one without a symmetry that would hide modes."""

_ORBIT = {"luminosity_distance": 400.0, "iota": 1.1, "phase": 0.4}
_FREQUENCIES = np.geomspace(20.0, 800.0, 64)


@dataclass(frozen=True)
class Trial:
    """What a trial has found.

    Attributes:
        failure: why the arguments cannot be used, as the whole of a message; empty if they can be.
        unused: name of an argument that changes no waveform; empty if there is none.
    """

    failure: str = ""
    unused: str = ""


def check_arguments(waveform: WaveformSettings, *, unused: bool = True) -> None:
    """Refuses arguments by which LALSimulation fails, and one that the approximant ignores. Without any, costs nothing.

    Args:
        waveform: approximant, reference frequency and arguments.
        unused: whether an argument that changes nothing is refused, too.

    Raises:
        InputError: an argument cannot be used, or has no use.
    """
    trial = _try_elsewhere(waveform) if waveform.arguments else Trial()
    if trial.failure:
        raise InputError(trial.failure)
    if unused and trial.unused:
        raise InputError(
            f"expected arguments that {waveform.approximant} uses; got {trial.unused}, which changes none of its "
            "waveforms: leave it out or choose another --approximant"
        )


@lru_cache
def _try_elsewhere(waveform: WaveformSettings) -> Trial:
    """Tries the arguments in another process."""
    given = json.dumps([waveform.approximant, waveform.reference_frequency, waveform.arguments])
    ending = run_isolated(__name__, run_trial.__name__, [given, str(SECONDS)], SECONDS)
    if ending.code == 0:
        return Trial(**json.loads(ending.output.splitlines()[-1]))
    return Trial(_refuse(waveform, _explain(ending)))


def _explain(ending: Ending) -> str:
    if ending.timed_out:
        return f"with which it takes longer than {SECONDS} s"
    return "by which LALSimulation crashes" if ending.code < 0 else "by which it fails"


def _refuse(waveform: WaveformSettings, why: str, reason: str = "") -> str:
    given = ", ".join(format_arguments(waveform.arguments))
    behind = f" (the reason: {reason})" if reason else ""
    return (
        f"expected arguments of LALSimulation that {waveform.approximant} takes; got {given}, {why}: correct the value "
        f"or leave it out{behind}"
    )


def run_trial(arguments: Sequence[str]) -> None:
    """The other process: tries the arguments, and writes what it has found to standard output.

    Args:
        arguments: approximant, reference frequency and arguments as JSON, and processor seconds.
    """
    given, seconds = arguments
    limit_process(int(seconds), _MEMORY)
    approximant, frequency, pairs = json.loads(given)
    found = examine_arguments(WaveformSettings(approximant, frequency, tuple((name, value) for name, value in pairs)))
    sys.stdout.write(json.dumps(asdict(found)))


def examine_arguments(waveform: WaveformSettings) -> Trial:
    """Tries the arguments in this process, which may crash.

    Args:
        waveform: approximant, reference frequency and arguments.
    """
    try:
        _compute(waveform)
        with suppress(InputError):  # of the signal model alone; its caller hears of it
            is_separable(waveform)
            make_likelihood_model(waveform)
    except FailedWaveformError as error:
        return Trial(_find_fault(waveform, error))
    except InputError as error:
        return Trial(str(error))
    return Trial(unused=find_unused_argument(waveform))


def _find_fault(waveform: WaveformSettings, error: FailedWaveformError) -> str:
    """The message of a failure: of the arguments, or of the approximant that fails without them, too."""
    try:
        _compute(replace(waveform, arguments=()))
    except InputError as own:
        return str(own)
    return _refuse(waveform, "by which it fails", error.reason or "its waveforms are no finite numbers")


def _compute(waveform: WaveformSettings) -> None:
    """Computes all binaries.

    Raises:
        InputError: one of them fails, or the waveforms of all are zero.
    """
    fast, precesses = waveform.approximant in lal_approximants(frequency_domain=True), can_precess(waveform.approximant)
    largest = 0.0
    for binary in _BINARIES if fast else _BINARIES[:1]:
        seen = {name: value for name, value in binary.items() if precesses or name not in IN_PLANE_SPINS}
        for _ in range(_REPETITIONS if fast else 1):
            waves = np.stack(polarizations({**seen, **_ORBIT}, _FREQUENCIES, waveform))
        largest = max(largest, float(np.abs(waves).max()))
    if not largest:
        raise FailedWaveformError("expected waveforms; got zero: choose another approximant", "its waveforms are zero")
