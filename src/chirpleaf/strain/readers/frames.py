"""GWF frames (LIGO-T970130), read with LALFrame in a process of its own.

The C library trusts what a frame claims: damaged frames of some kilobytes made it loop without end, take all memory, or
crash. In another process, with limits of time and memory, that is an error of the file like any other.
"""

from __future__ import annotations

import glob
import math
import pickle
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.quality import DataQuality, Words
from chirpleaf.strain.readers.headers import choose_channel, find_prefix, make_read_error, round_rate
from chirpleaf.strain.strain import Strain
from chirpleaf.system.arrays import make_real_array
from chirpleaf.system.isolation import limit_process, run_isolated
from chirpleaf.system.lal_messages import silence_lal
from chirpleaf.system.limits import LIMITS, LoadLimits

_MEMORY = 3 * LIMITS.values * 8
"""Bytes of memory for frames, above what the process has after its imports: the library keeps several copies."""

FRAME_SIGNATURE = b"IGWD"
QUALITY_MARK, INJECTION_MARK = "DQMASK", "INJMASK"
"""Ends of the names of the channels with bits of data quality and of hardware injections."""


def start_python(arguments: Sequence[str]) -> int:
    """Run `run_reader` in a new interpreter.

    Args:
        arguments: those of `run_reader`.

    Returns:
        The exit code; negative if a signal ended the process.
    """
    return run_isolated(__name__, run_reader.__name__, arguments).code


def read_frames(
    path: Path,
    detector: str,
    channel: str | None,
    limits: LoadLimits = LIMITS,
    start: Callable[[Sequence[str]], int] = start_python,
) -> Strain:
    """Read one channel of a GWF file, in a process of its own.

    Args:
        path: the file.
        detector: prefix of the detector.
        channel: name of the channel; None for the detector's only one with strain.
        limits: limit of processor time.
        start: runs `run_reader` in another process with these arguments, and returns its exit code. A fork of a process
            that has the library is fifty times as fast (`benchmarks/fuzz.py`).

    Returns:
        Its strain, with the bits of data quality if the file has them.

    Raises:
        InputError: the file is truncated or damaged, or the channel is missing, ambiguous or of another detector.
    """
    with TemporaryDirectory() as folder:
        found = Path(folder) / "strain.pickle"
        names = (path.absolute(), path, detector, channel or "", found, math.ceil(limits.seconds))
        code = start(tuple(map(str, names)))
        if code or not found.is_file():
            stopped = "it takes too long" if -code == signal.SIGXCPU else "the library of frames failed"
            raise make_read_error(path, "complete GWF frames without gaps", RuntimeError(stopped))
        with found.open("rb") as file:
            result: Strain | InputError = pickle.load(file)
    if isinstance(result, InputError):
        raise result
    return result


def run_reader(arguments: Sequence[str]) -> None:
    """The other process: reads the frames that its arguments name, and writes the strain or the error to a file.

    Args:
        arguments: path to read, path for messages, detector, channel or nothing, file of the result, processor seconds.
    """
    where, shown, detector, channel, found, seconds = arguments
    limit_process(int(seconds), _MEMORY)
    try:
        result: Strain | InputError = read_frames_here(Path(where), detector, channel or None)
    except InputError as error:
        result = InputError(str(error).replace(where, shown))
    except MemoryError as error:
        result = make_read_error(Path(shown), "complete GWF frames without gaps", error)
    with Path(found).open("wb") as file:
        pickle.dump(result, file, protocol=5)


def read_frames_here(path: Path, detector: str, channel: str | None) -> Strain:
    """Read one channel of a GWF file in this process.

    Args:
        path: the file.
        detector: prefix of the detector.
        channel: name of the channel; None for the detector's only one with strain.

    Returns:
        Its strain, with the bits of data quality if the file has them.

    Raises:
        InputError: the file is truncated, or the channel is missing, ambiguous or of another detector.
    """
    import lalframe  # noqa: PLC0415 - rarely needed, and loads a C library
    from lalframe import frread  # noqa: PLC0415
    from lalframe.utils import frtools  # noqa: PLC0415

    try:
        with silence_lal():
            # Opening the stream checks the whole file. Reading the channels of a truncated file would crash in C.
            lalframe.FrStreamCacheOpen(_locate_frames(path))
            channels: list[str] = frtools.get_channels(str(path))
            masks = [name for name in channels if name.endswith((QUALITY_MARK, INJECTION_MARK))]
            detectors = {name: find_prefix(name) for name in channels if name not in masks}
            chosen = choose_channel(path, detectors, detector, channel)
            series = frread.read_timeseries(_locate_frames(path), chosen)
            quality = _read_quality(path, [name for name in masks if name.startswith(f"{detector}:")])
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise make_read_error(path, "complete GWF frames without gaps", error) from error
    values = make_real_array(f"{path}, channel {chosen}", series.data.data)
    return Strain(detector, values, float(series.epoch), round_rate(1.0 / series.deltaT), quality)


def _read_quality(path: Path, masks: list[str]) -> DataQuality | None:
    """Reads the channels of bits, one word a second; None without bits of data quality."""
    words: dict[str, Words] = {}
    start = 0.0
    for name in masks:
        from lalframe import frread  # noqa: PLC0415

        series = frread.read_timeseries(_locate_frames(path), name)
        mark = QUALITY_MARK if name.endswith(QUALITY_MARK) else INJECTION_MARK
        words[mark], start = np.asarray(series.data.data, dtype=np.int64), float(series.epoch)
    if QUALITY_MARK not in words:
        return None
    without_injections: Words = np.full(len(words[QUALITY_MARK]), -1, dtype=np.int64)
    return DataQuality(start, words[QUALITY_MARK], words.get(INJECTION_MARK, without_injections))


def _locate_frames(path: Path) -> Any:
    """A LAL cache of the file, without the times that its name may state: the library would believe them."""
    import lal  # noqa: PLC0415

    cache = lal.CacheGlob("", glob.escape(str(path.resolve())))
    cache.list.t0, cache.list.dt = 0, 0
    return cache
