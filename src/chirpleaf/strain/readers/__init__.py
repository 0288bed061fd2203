"""Readers of strain files, in the formats of the Gravitational Wave Open Science Center (GWOSC) and of common tools.

| format | recognised by | start and rate from | detector from |
|---|---|---|---|
| HDF5 of GWOSC, gwpy, pycbc | signature of HDF5 | attributes of the dataset | `meta/Detector`, name of the dataset |
| GWF frames | first bytes `IGWD` | the channel | the channel's prefix |
| GWOSC text | header lines that start with # | header | header |
| text of two columns: GPS time, strain | two columns | first column | the user |

The format is recognised from the content of the file, not from its name; text may be gzipped. If a file does not name
its detector, it is the one that the user names. Times without data are NaN; so are seconds that fail the checks
of data quality of category 1 (`strain.quality`). The formats are described at
https://gwosc.org/archive/dataset_details and, for frames, in LIGO-T970130.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.joining import join
from chirpleaf.strain.readers.frames import FRAME_SIGNATURE, read_frames
from chirpleaf.strain.readers.hdf5 import read_hdf5
from chirpleaf.strain.readers.headers import check_times
from chirpleaf.strain.readers.text import read_text_file
from chirpleaf.strain.strain import Strain
from chirpleaf.system.limits import expand_user, find_fault


def read(path: str | Path | Sequence[str | Path], detector: str, *, channel: str | None = None) -> Strain:
    """Read one detector's strain from a file or several: HDF5, text or GWF frames.

    Args:
        path: the file, or several of consecutive times, which are joined (`join`).
        detector: prefix of the detector, such as `"H1"`; it must agree with the file.
        channel: channel of a frame file, such as `"H1:GWOSC-4KHZ_R1_STRAIN"`, or dataset of an HDF5 file; by default
            the detector's only one whose name contains "STRAIN", or its only one.

    Returns:
        Strain of the whole file; NaN where the detector did not observe, or data fail category 1.

    Raises:
        InputError: if the file is missing, truncated, of another format or of another detector, its header contradicts
            its data or its name, or the channel is missing or ambiguous.

    Source:
        https://gwosc.org/archive/dataset_details; LIGO-T970130 (frames).
    """
    if not isinstance(path, str | Path):
        return join([read(one, detector, channel=channel) for one in path])
    path = expand_user(path)
    if fault := find_fault(path):
        raise InputError(f"{detector} strain: expected a file; got {path}, which {fault}; check the path")
    strain = _read_one(path, detector, channel)
    check_times(path, strain)
    return strain


def _read_one(path: Path, detector: str, channel: str | None) -> Strain:
    """Strain of a file that exists."""
    with path.open("rb") as file:
        signature = file.read(len(FRAME_SIGNATURE))
    if signature == FRAME_SIGNATURE:
        return _mark_impaired(path, read_frames(path, detector, channel))
    if h5py.is_hdf5(path):
        return _mark_impaired(path, read_hdf5(path, detector, channel))
    if channel is not None:
        raise InputError(
            f"{path}: expected GWF frames or HDF5, because a channel is given; got another format; omit the channel"
        )
    return read_text_file(path, detector)


def _mark_impaired(path: Path, strain: Strain) -> Strain:
    """The strain with NaN where its data-quality bits say that there are no usable data."""
    if strain.quality is None:
        return strain
    lengths = len(strain.quality.quality), len(strain.quality.injections)
    if lengths != (ceil(strain.duration),) * 2:
        raise InputError(
            f"{path}: expected words of data quality and injections for each of {ceil(strain.duration)} s; got "
            f"{lengths[0]} and {lengths[1]}; download the file again"
        )
    if not strain.quality.impaired:
        return strain
    values = strain.values.copy()
    for start, end in strain.quality.impaired:
        low, high = (np.clip(round((time - strain.start_time) * strain.sample_rate), 0, None) for time in (start, end))
        values[int(low) : int(high)] = np.nan
    return replace(strain, values=values)
