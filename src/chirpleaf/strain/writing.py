"""Strain files in the layout of the Gravitational Wave Open Science Center (HDF5, version 2).

`strain/Strain` holds the samples with their start and spacing, `meta` detector and times, `quality` one word a second
with all bits set: usable data without hardware injections (https://gwosc.org/yourfirstevent).
"""

from pathlib import Path

import h5py
import numpy as np

from chirpleaf.strain.strain import Strain
from chirpleaf.system.files import write_atomically

_QUALITY = ("DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3")
_NO_INJECTIONS = ("NO_CBC_HW_INJ", "NO_BURST_HW_INJ", "NO_DETCHAR_HW_INJ", "NO_CW_HW_INJ", "NO_STOCH_HW_INJ")


def write_gwosc(strain: Strain, path: Path, *, description: str) -> None:
    """Writes a file that `strain.readers.read` reads.

    Args:
        strain: samples of one detector; NaN where it did not observe.
        path: file name; an existing file is replaced.
        description: what the strain is.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("strain/Strain", data=strain.values, compression="gzip")
        dataset.attrs.update(
            Npoints=len(strain.values), Xstart=strain.start_time, Xspacing=1 / strain.sample_rate, Xunits="second"
        )
        entries = {
            "Detector": strain.detector,
            "Observatory": strain.detector[0],
            "GPSstart": strain.start_time,
            "Duration": strain.duration,
            "Type": "StrainTimeSeries",
            "Description": description,
        }
        for name, value in entries.items():
            file[f"meta/{name}"] = value.encode() if isinstance(value, str) else value
        seconds = strain.values[: int(strain.duration) * int(strain.sample_rate)].reshape(int(strain.duration), -1)
        usable = np.isfinite(seconds).all(axis=1)
        file["quality/simple/DQmask"] = np.where(usable, 2 ** len(_QUALITY) - 1, 0).astype(np.uint32)
        file["quality/simple/DQShortnames"] = [name.encode() for name in _QUALITY]
        file["quality/injections/Injmask"] = np.full(len(usable), 2 ** len(_NO_INJECTIONS) - 1, np.uint32)
        file["quality/injections/InjShortnames"] = [name.encode() for name in _NO_INJECTIONS]
        file.flush()
        content = file.id.get_file_image()
    with write_atomically(path) as scratch:
        scratch.write_bytes(content)
