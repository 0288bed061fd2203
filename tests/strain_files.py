"""Strain files in the layout of the Open Science Center, for the tests of readers."""

from pathlib import Path

import h5py
import numpy as np

START, RATE, SECONDS = 1126259447, 256, 8
VALUES = np.random.default_rng(3).normal(scale=1e-20, size=RATE * SECONDS)
TIMES = START + np.arange(len(VALUES)) / RATE
GOOD, NO_INJECTION = 127, 31


def write_gwosc(
    path: Path,
    values: np.ndarray = VALUES,
    start: float = START,
    rate: float = RATE,
    quality: np.ndarray | None = None,
    injections: np.ndarray | None = None,
    **meta: object,
) -> Path:
    """Writes the layout of the Open Science Center."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("strain/Strain", data=values, compression="gzip")
        dataset.attrs.update(Npoints=len(values), Xstart=start, Xspacing=1 / rate, Xunits="second")
        entries = {"Detector": b"H1", "GPSstart": start, "Duration": len(values) / rate, **meta}
        for name, value in entries.items():
            file[f"meta/{name}"] = value
        if quality is not None:
            file["quality/simple/DQmask"] = quality.astype(np.uint32)
            names = ("DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3")
            file["quality/simple/DQShortnames"] = [name.encode() for name in names]
        if injections is not None:
            file["quality/injections/Injmask"] = injections.astype(np.uint32)
    return path
