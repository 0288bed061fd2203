"""Compare chirpleaf's Fourier transform of the embedded GW150914 with a stored frequency-domain data set.

The reference is an `.npz` with `f` (Hz), `h_H1`, `h_L1` (rfft of the windowed segment times dt), `psd_H1`, `psd_L1`
(1/Hz) and `tstart` (GPS). It is the standard analysis: a segment of 4 s from GPS 1126259460.4, Tukey roll-off 0.2 s,
median Welch density of 32 s. Prints the largest differences in 20-1024 Hz; those of the strain are relative to the
noise.

    python benchmarks/check_standard_psd.py REFERENCE.npz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.windows import tukey

DURATION, ROLL_OFF = 4.0, 0.2
TOLERANCE = 1e-3


def measure_differences(reference: Path, detector: str) -> tuple[float, float]:
    """Measure the largest relative difference of the densities, and of the strain in standard deviations of noise."""
    event = events()["GW150914"]
    strain = load_event(event.name)[detector]
    with np.load(reference) as stored:
        frequencies, psd, data = stored["f"], stored[f"psd_{detector}"], stored[f"h_{detector}"]
    band = (frequencies >= 20.0) & (frequencies <= 1024.0)
    segment = strain.segment(event.trigger_time + 2.0 - DURATION, DURATION)
    window = tukey(len(segment), ROLL_OFF * segment.sample_rate)
    ours = np.fft.rfft(window * segment.values)[: len(frequencies)] / segment.sample_rate
    estimate = welch(strain, stretch=DURATION, roll_off=ROLL_OFF).at(frequencies[band])
    scale = np.sqrt(psd[band] * DURATION / 4.0)
    return float(np.abs(estimate / psd[band] - 1.0).max()), float((np.abs(ours - data)[band] / scale).max())


def main() -> int:
    """Compare both detectors; exit code 1 if a difference exceeds the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path)
    reference = parser.parse_args().reference
    worst = 0.0
    for detector in ("H1", "L1"):
        psd, strain = measure_differences(reference, detector)
        sys.stdout.write(f"{detector}: density differs by {psd:.1e} (relative), strain by {strain:.1e} of the noise\n")
        worst = max(worst, psd, strain)
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
