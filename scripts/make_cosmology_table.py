"""Write the table of luminosity distances that `chirpleaf.physics.cosmology` interpolates.

The distances are those of astropy's `Planck15` (arXiv:1502.01589) at the redshifts of `cosmology.redshift_nodes`.
Importing astropy's cosmology and integrating takes half a second; reading this table takes a millisecond.

    python scripts/make_cosmology_table.py src/chirpleaf/physics/data/planck15.npz
"""

import sys
from pathlib import Path

import numpy as np
from astropy.cosmology import Planck15

from chirpleaf.physics.cosmology import redshift_nodes


def main(path: Path) -> None:
    """Integrate to the distance at every node and save the distances, Mpc."""
    np.savez_compressed(path, luminosity_distance=np.asarray(Planck15.luminosity_distance(redshift_nodes()).value))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
