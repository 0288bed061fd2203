"""Certified draws: what certification returns."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics.derived import Samples
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.sky import SkyMap

Array = NDArray[np.float64]


class Certified(NamedTuple):
    """Weighed draws.

    Attributes:
        samples: the eleven parameters, what follows from them, optimal signal-to-noises, and log_likelihood (over that
            of noise, nats), each of shape (n,).
        log_prob: ln of the density they were drawn from, per unit of chirp_mass, mass_ratio, chi_1, chi_2.
        log_weight: ln of their weights, of mean one.
        sky: where the source lies.
        certificate: the verdict.
    """

    samples: Samples
    log_prob: Array
    log_weight: Array
    sky: SkyMap
    certificate: Certificate
