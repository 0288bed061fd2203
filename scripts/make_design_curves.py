"""Tabulate the design noise curves of ground-based detectors for `chirpleaf.strain.ensemble`.

The curves are the amplitude spectral densities in the `lalsuite` wheel (`lalapps/data/LIGO-*.txt`), from
LIGO-P1200087 (arXiv:1304.0670), LIGO-T1600593, LIGO-T1800044 and LIGO-T1800545, and that of LIGO in the fourth
observing run in the `bilby` package (MIT licence), from LIGO-T2000012. A running median in ln f removes lines. The
table has 240 nodes, uniform in ln f between 10 and 2048 Hz, so that the library does not need these data at run time.

    python scripts/make_design_curves.py
"""

from pathlib import Path
from typing import Any

import bilby.gw.detector
import lalapps
import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

OUTPUT = Path(__file__).parents[1] / "src/chirpleaf/strain/data/design/curves.npz"
NODES = 240
FINE_NODES = 4800
CURVES = {
    "aLIGO_early_low": "P1200087-v18-aLIGO_EARLY_LOW",
    "aLIGO_early_high": "P1200087-v18-aLIGO_EARLY_HIGH",
    "aLIGO_mid_high": "P1200087-v18-aLIGO_MID_HIGH",
    "aLIGO_late_high": "P1200087-v18-aLIGO_LATE_HIGH",
    "aLIGO_140Mpc": "T1800545-v1-aLIGO_140Mpc",
    "aLIGO_design": "T1800044-v5-aLIGO_DESIGN",
    "AdV_early_low": "P1200087-v18-AdV_EARLY_LOW",
    "AdV_early_high": "P1200087-v18-AdV_EARLY_HIGH",
    "AdV_mid_high": "P1200087-v18-AdV_MID_HIGH",
    "AdV_late_low": "P1200087-v18-AdV_LATE_LOW",
    "AdV_design": "P1200087-v18-AdV_DESIGN",
    "AdV_O4intermediate": "T1800545-v1-AdV_O4intermediate",
    "KAGRA_opening": "T1600593-v1-KAGRA_Opening",
    "KAGRA_early": "T1600593-v1-KAGRA_Early",
    "KAGRA_25Mpc": "T1800545-v1-KAGRA_25Mpc",
    "KAGRA_80Mpc": "T1800545-v1-KAGRA_80Mpc",
    "KAGRA_128Mpc": "T1800545-v1-KAGRA_128Mpc",
}


def smooth_log_psd(path: Path, frequencies: np.ndarray) -> np.ndarray:
    """Compute ln of the PSD (1/Hz) without lines at `frequencies` (Hz)."""
    table = np.loadtxt(path)
    fine = np.linspace(np.log(10.25), np.log(2048.0), FINE_NODES)
    log_psd = 2.0 * np.interp(fine, np.log(table[:, 0]), np.log(table[:, 1]))
    without_lines = gaussian_filter1d(median_filter(log_psd, size=201, mode="nearest"), sigma=40, mode="nearest")
    nodes: np.ndarray = np.interp(np.log(frequencies), fine, without_lines)
    return nodes


def main() -> None:
    """Write the table: `frequencies` (nodes,) in Hz and one (nodes,) array of ln(PSD x Hz) for each curve."""
    folder = Path(lalapps.__file__).parent / "data"
    frequencies = np.geomspace(10.0, 2048.0, NODES)
    curves: dict[str, Any] = {
        name: smooth_log_psd(folder / f"LIGO-{stem}.txt", frequencies).astype(np.float32)
        for name, stem in CURVES.items()
    }
    noise_curves = Path(bilby.gw.detector.__file__).parent / "noise_curves"
    curves["aLIGO_O4_high"] = smooth_log_psd(noise_curves / "aLIGO_O4_high_asd.txt", frequencies).astype(np.float32)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUTPUT, frequencies=frequencies, **curves)


if __name__ == "__main__":
    main()
