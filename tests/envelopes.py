"""Calibration envelopes as text, for the tests of the calibration."""

from pathlib import Path

import numpy as np

HEADER = "# Frequency  Median Mag  Phase (Rad)  -1 Sigma Mag  -1 Sigma Phase  +1 Sigma Mag  +1 Sigma Phase"


def make_columns(*, amplitude: float = 0.05, phase: float = 0.04) -> np.ndarray:
    """Seven columns, 15 Hz to 2 kHz: medians that wander by a standard deviation, errors that grow to the ends."""
    f = np.geomspace(15.0, 2000.0, 200)
    wave, width = np.sin(2 * np.log(f)), 1 + 0.5 * np.cos(np.log(f / 15) * 1.3)
    median, angle = 1 + amplitude * wave, phase * np.cos(1.5 * np.log(f))
    bounds = [(median + side * amplitude * width, angle + side * phase * width) for side in (-1, 1)]
    return np.stack([f, median, angle, *bounds[0], *bounds[1]], axis=1)


def write_envelope(path: Path, columns: np.ndarray | None = None, *, header: str = HEADER) -> Path:
    """Writes a file."""
    np.savetxt(path, make_columns() if columns is None else columns, header=header, comments="")
    return path
