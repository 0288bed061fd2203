"""Spins of a precessing target by magnitude and tilt, in which prior files give their densities.

The nine numbers (`physics.spin_angles`) hold the component chi of a spin along the orbital angular momentum, and the
length r of its projection onto the orbital plane:

    a = sqrt(chi^2 + r^2),   tilt = atan2(r, chi),   ln |d(a, tilt) / d(chi, r)| = -ln a,

and with the cosine in place of the tilt, ln sin(tilt) more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chirpleaf.physics.bijections import Bijection
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.distributions import Marginal

_LEAST = 1e-12
"""Least magnitude and least sine of a tilt in the Jacobian."""


@dataclass(frozen=True)
class SpinColumns:
    """Places of one spin among the columns of a matrix.

    Attributes:
        along: column of the component along the orbital angular momentum, which becomes the magnitude.
        in_plane: column of the in-plane length, which becomes the tilt.
        cosine: whether it becomes the cosine of the tilt.
    """

    along: int
    in_plane: int
    cosine: bool


@dataclass(eq=False)
class MagnitudesAndTilts(Bijection):
    """The bijection from components of spins to magnitudes and tilts; other columns stay.

    Args:
        spins: columns of each spin.
    """

    spins: Sequence[SpinColumns]

    def _call(self, x: Tensor) -> Tensor:
        y = x.double().clone()
        for one in self.spins:
            along, radius = x[..., one.along].double(), x[..., one.in_plane].double()
            tilt = torch.atan2(radius, along)
            y[..., one.along] = torch.hypot(along, radius)
            y[..., one.in_plane] = tilt.cos() if one.cosine else tilt
        return y

    def _inverse(self, y: Tensor) -> Tensor:
        x = y.double().clone()
        for one in self.spins:
            magnitude, tilt = y[..., one.along].double(), y[..., one.in_plane].double()
            tilt = tilt.clamp(-1, 1).arccos() if one.cosine else tilt
            x[..., one.along], x[..., one.in_plane] = magnitude * tilt.cos(), magnitude * tilt.sin()
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (...)."""
        total = torch.zeros(x.shape[:-1], dtype=torch.float64)
        for one in self.spins:
            magnitude = y[..., one.along].double().clamp_min(_LEAST)
            total = total - magnitude.log()
            if one.cosine:
                total = total + (x[..., one.in_plane].double() / magnitude).clamp_min(_LEAST).log()
        return total


def name_tilt(spins: Mapping[str, Marginal], body: int) -> str | None:
    """Name of the tilt of a spin among some marginal priors, as such or by its cosine; None if it has none.

    Args:
        spins: priors by name.
        body: 1 or 2.
    """
    return next((name for name in (f"tilt_{body}", f"cos_tilt_{body}") if name in spins), None)


def draw_spins(spins: Mapping[str, Marginal], n: int, rng: np.random.Generator) -> Samples:
    """Draws spins from their marginal priors.

    Args:
        spins: priors of aligned spins, or of magnitudes and tilts, by name.
        n: number of draws.
        rng: source of randomness.

    Returns:
        The intrinsic parameters that these priors determine, each of shape (n,).
    """
    drawn = {name: np.asarray(marginal.quantile(rng.random(n))) for name, marginal in spins.items()}
    for body in (1, 2):
        tilt, magnitude = name_tilt(spins, body), drawn.pop(f"a_{body}", None)
        angle = None if tilt is None else drawn.pop(tilt)
        if angle is None or magnitude is None:
            continue
        cosine = angle if tilt == f"cos_tilt_{body}" else np.cos(angle)
        drawn[f"chi_{body}"] = magnitude * cosine
        drawn[f"chi_{body}_in_plane"] = magnitude * np.sqrt(np.maximum(1 - cosine**2, 0.0))
    return drawn
