"""Targets of leaves: quantities of a binary, scaled to about -1 to 1.

The target of a mass is its logarithm, so that errors are relative. All quantities are scaled by their range, so that
the optimiser learns them equally fast (arXiv:1903.01998 scales masses for the same reason):

    y = 2 (g(x) - g(x_min)) / (g(x_max) - g(x_min)) - 1,        g = ln for masses, else the identity.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import derived
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.remnant import quasi_normal_frequency
from chirpleaf.physics.spaces import ParameterSpace

_SPIN = 0.95
"""Largest magnitude of the final spin within the scaled range; beyond it y leaves (-1, 1)."""


class LeafTargets:
    """Names and scales of the targets of leaves.

    Args:
        names: quantities of `physics.derived`: mass_1, mass_2, final_spin, omega_r, omega_i.
        space: the parameters that the quantities follow from; its prior sets the range of the masses.

    Raises:
        InputError: a quantity is none of them.

    Example:
        >>> from chirpleaf.physics.priors import IntrinsicPrior
        >>> from chirpleaf.physics.spaces import aligned_space
        >>> targets = LeafTargets(("mass_1", "final_spin"), aligned_space(IntrinsicPrior()))
        >>> scaled = targets(torch.tensor([[30.0, 0.8, 0.0, 0.0]]))
        >>> {name: round(value.item(), 1) for name, value in targets.inv(scaled).items()}
        {'mass_1': 38.6, 'final_spin': 0.7}
    """

    def __init__(self, names: Sequence[str], space: ParameterSpace) -> None:
        ranges, self._space = _ranges(space.prior), space
        unknown = [name for name in names if name not in ranges]
        if unknown or not names:
            raise InputError(
                f"expected leaves of {', '.join(ranges)}; got {', '.join(names) or 'none'}: mend the preset"
            )
        self.names = tuple(names)
        self._is_mass = torch.tensor([name.startswith("mass") for name in names])
        limits = torch.tensor([ranges[name] for name in names], dtype=torch.float64)
        limits = torch.where(self._is_mass[:, None], limits.log(), limits)
        self._low, self._extent = limits[:, 0], limits[:, 1] - limits[:, 0]

    def __call__(self, theta: Tensor) -> Tensor:
        """Scaled targets of binaries.

        Args:
            theta: parameters of the space, shape (batch, d).

        Returns:
            Shape (batch, leaf), float32.
        """
        found = derived(self._space.unstack(theta.double()))
        values = torch.from_numpy(np.stack([found[name] for name in self.names], axis=-1))
        linear = torch.where(self._is_mass, values.log(), values)
        return (2 * (linear - self._low) / self._extent - 1).float()

    def inv(self, scaled: Tensor) -> dict[str, Tensor]:
        """The quantities in their units.

        Args:
            scaled: shape (..., leaf).

        Returns:
            Name to values, each of shape (...), float64.
        """
        extent, low, is_mass = (values.to(scaled.device) for values in (self._extent, self._low, self._is_mass))
        linear = (scaled.double() + 1) / 2 * extent + low
        values = torch.where(is_mass, linear.exp(), linear)
        return dict(zip(self.names, values.unbind(-1), strict=True))

    def slope(self, scaled: Tensor) -> Tensor:
        """dx / dy: derivative of the quantities, in their units, with respect to the scaled targets.

        Args:
            scaled: shape (..., leaf).

        Returns:
            Shape (..., leaf), float64, positive.
        """
        values = torch.stack(list(self.inv(scaled).values()), dim=-1)
        return self._extent / 2 * torch.where(self._is_mass, values, 1.0)


def _ranges(prior: PriorDistribution) -> dict[str, tuple[float, float]]:
    omega_r, omega_i = quasi_normal_frequency(np.array([-_SPIN, _SPIN]))
    return {
        "mass_1": prior.component_mass_range,
        "mass_2": prior.component_mass_range,
        "final_spin": (-_SPIN, _SPIN),
        "omega_r": (float(omega_r.min()), float(omega_r.max())),
        "omega_i": (float(omega_i.min()), float(omega_i.max())),
    }
