"""Write the table of the fundamental l = m = 2 quasi-normal frequency that `chirpleaf.physics.remnant` interpolates.

The `qnm` package (arXiv:1908.10377) computes the mode as a function of spin by Leaver's continued fraction. For a
remnant with spin opposite to the orbital angular momentum, it is the m = -2 mode of a black hole of spin |a|; both
branches meet at zero spin. Nodes are uniform in -ln(1 - a), in which the frequency is smooth up to extremal spin, where
it varies as sqrt(1 - a). The table has the coefficients of a cubic spline, so that its evaluation needs only NumPy.

    python scripts/make_qnm_table.py src/chirpleaf/physics/data/qnm_220.npz
"""

import sys
from pathlib import Path

import numpy as np
from qnm.spinsequence import KerrSpinSeq
from scipy.interpolate import CubicSpline

SPIN_MAX = 0.999
NODES = 301


def spin_sequence(m: int) -> KerrSpinSeq:
    """Compute the s = -2, l = 2, n = 0 mode of azimuthal number `m` from zero spin to `SPIN_MAX`."""
    sequence = KerrSpinSeq(s=-2, l=2, m=m, n=0, a_max=SPIN_MAX, tol=1e-10, cf_tol=1e-13, Nr=500)
    sequence.do_find_sequence()
    return sequence


def main(path: Path) -> None:
    """Compute the frequency at every node and save the spline."""
    coordinate = np.linspace(-np.log1p(SPIN_MAX), -np.log1p(-SPIN_MAX), NODES)
    spins = np.clip(-np.expm1(-coordinate), -SPIN_MAX, SPIN_MAX)
    prograde, retrograde = spin_sequence(2), spin_sequence(-2)
    omega = [(prograde if spin >= 0 else retrograde)(abs(float(spin)), resolve_if_found=True)[0] for spin in spins]
    spline = CubicSpline(coordinate, np.stack([np.real(omega), -np.imag(omega)], axis=-1))
    step = coordinate[1] - coordinate[0]
    np.savez_compressed(path, start=coordinate[0], step=step, spin_max=SPIN_MAX, coefficients=spline.c)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
