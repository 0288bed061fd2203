"""An example of each kind of bijection on R^3, over which the tests check round trips and Jacobians."""

import torch

from chirpleaf.physics.bijections import (
    Bijection,
    Chain,
    ConditionalAffine,
    ConditionalInterval,
    EffectiveSpin,
    Interval,
    Logarithm,
    Probit,
)
from chirpleaf.physics.spin_bijections import InPlaneSpin, ProjectedSpinShare, Rotation

BIJECTIONS: dict[str, Bijection] = {
    "logarithm": Logarithm(0),
    "interval": Interval(1, -2.0, 3.0),
    "conditional interval": ConditionalInterval(1, lambda x: (x[..., 0] - 2, x[..., 0] + 1)),
    "conditional affine": ConditionalAffine(0, lambda x: x[..., 1] - x[..., 2].exp(), torch.tensor(0.3)),
    "effective spin": EffectiveSpin(0, 1, 2, spin_max=10.0),
    "probit": Probit((0, 2)),
    "chain": Chain([Logarithm(0), Interval(0, -3.0, 1.0), Probit((0,))]),
    "projected spin": ProjectedSpinShare(0, spin_max=1.0),
    "in-plane spin": InPlaneSpin(2, 0, 1, spin_max=1.5),
    "rotation": Rotation(0, 1, lambda x: x[..., 2]),
}
"""All are defined where 0 < x < 1."""
