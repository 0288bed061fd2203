"""Certified draws: the result of certification."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics.derived import Samples
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.sky import SkyMap

Array = NDArray[np.float64]


class Certified(NamedTuple):
    """Weighted draws of all parameters.

    Attributes:
        samples: intrinsic and extrinsic parameters, parameters derived from them, optimal signal-to-noises, and
            log_likelihood (ln of the likelihood over that of noise, nats), each of shape (n,).
        log_prob: ln of the proposal density per unit of the intrinsic parameters, shape (n,).
        log_weight: ln of the importance weights, whose mean is one, shape (n,).
        sky: probability of the source's direction.
        certificate: importance-sampling diagnostics.
    """

    samples: Samples
    log_prob: Array
    log_weight: Array
    sky: SkyMap
    certificate: Certificate
