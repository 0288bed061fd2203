"""Anchoring: support-aware coordinates as seen from the best template.

The network says how the data differ from a chirp it already knows. Only the first coordinate, z_1 of ln(chirp mass),
is measured from the template k, in a unit u_k; the other three stay. It is measured

- along the chirp mass: y_1 = (z_1 - z_1k) / u_k, with u_k the spacing of the templates' chirp masses;
- or along the phase. What the data fix is not the chirp mass but the phase psi(f), which mass ratio and spins bend as
  well. With psi = sum_i A_i b_i(f) to second post-Newtonian order, a change of the coefficients A_i looks like the
  change of ln(chirp mass)

      s_k(q, chi_1, chi_2) = sum_i (A_i - A_ik) <b_i, c> / <c, c>,      c = d psi / d ln(chirp mass),

  <., .> being the noise-weighted product over frequencies after a fit of time and phase (compare mu^1 of
  arXiv:2203.05216). Then y_1 = (z_1 - z_1k + z_1k' s_k) / u_k, where u_k is z_1k' times the error of ln(chirp mass) at
  a signal-to-noise of one with all else known. The best template of a light binary may miss its chirp mass by many
  errors and make up by spin and mass ratio; y_1 hardly notices.

s_k is taken at the template's chirp mass, so it depends on the other coordinates alone, and both maps have the constant
Jacobian 1 / u_k.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.inspiral import PHASE_EXPONENTS, SOLAR_MASS_SECONDS, phase_coefficients, phase_powers
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.representation.coordinates import SupportMap
from chirpleaf.representation.multiband import FloatArray
from chirpleaf.representation.templates import envelope

Along = Literal["chirp_mass", "phase"]


class Anchoring(nn.Module):
    """Bijection between support-aware coordinates and those seen from a template, along the chirp mass.

    Args:
        canonical: the preprocessing, whose templates are the anchors.
        support: the support-aware coordinates.
    """

    anchor: Tensor
    unit: Tensor

    def __init__(self, canonical: CanonicalInput, support: SupportMap) -> None:
        super().__init__()
        rungs, place = canonical.chirp_mass.unique(return_inverse=True)
        anchors = support.log_mass_coordinate(rungs)
        (spacing,) = torch.gradient(anchors)
        self.register_buffer("anchor", anchors[place], persistent=False)
        self.register_buffer("unit", spacing[place], persistent=False)

    def forward(self, coordinates: Tensor, template: Tensor) -> Tensor:
        """Support-aware coordinates (..., batch, 4) seen from the templates (batch,), float32."""
        first = coordinates[..., 0] - self.anchor[template] + self.shift(coordinates[..., 1:], template)
        return torch.cat([(first / self.unit[template])[..., None], coordinates[..., 1:]], dim=-1).float()

    def inv(self, anchored: Tensor, template: Tensor) -> Tensor:
        """Inverse of `forward`, float64."""
        others = anchored[..., 1:].double()
        first = self.anchor[template] + anchored[..., 0] * self.unit[template] - self.shift(others, template)
        return torch.cat([first[..., None], others], dim=-1)

    def log_unit(self, template: Tensor) -> Tensor:
        """ln u_k, which ln density loses on the way back to the support-aware coordinates; shape of `template`."""
        return self.unit[template].log().float()

    def shift(self, others: Tensor, template: Tensor) -> Tensor:
        """What the other coordinates (..., batch, 3) add to z_1: nothing."""
        return self.anchor.new_zeros(())


class PhaseAnchoring(Anchoring):
    """The same along the phase.

    Args:
        canonical: the preprocessing, whose templates are the anchors.
        support: the support-aware coordinates.
        mass_ratio: mass ratio of the templates.
    """

    slopes: Tensor
    origin: Tensor

    def __init__(self, canonical: CanonicalInput, support: SupportMap, mass_ratio: float) -> None:
        super().__init__(canonical, support)
        self._support = support
        chirp_mass, chi = canonical.chirp_mass.double(), canonical.chi_eff.double()
        looks = [
            _look(float(mass), mass_ratio, float(spin), canonical) for mass, spin in zip(chirp_mass, chi, strict=True)
        ]
        step = 1e-3
        steepness = (support.log_mass_coordinate(chirp_mass * np.exp(step)) - self.anchor) / step
        self.unit = steepness * torch.tensor([look.error for look in looks])
        slopes = steepness[:, None] * torch.from_numpy(np.stack([look.slopes for look in looks]))
        _, *own = phase_coefficients(torch.full_like(chi, mass_ratio), chi, chi)
        self.register_buffer("slopes", slopes, persistent=False)
        self.register_buffer("origin", (slopes * torch.stack(own, dim=-1)).sum(-1), persistent=False)

    def shift(self, others: Tensor, template: Tensor) -> Tensor:
        """What the other coordinates (..., batch, 3) add to z_1: z_1k' s_k, shape (..., batch)."""
        first = self.anchor[template].expand(others.shape[:-1])[..., None]
        _, mass_ratio, chi_1, chi_2 = self._support.inv(torch.cat([first, others], dim=-1)).unbind(-1)
        _, *coefficients = phase_coefficients(mass_ratio, chi_1, chi_2)
        return (self.slopes[template] * torch.stack(coefficients, dim=-1)).sum(-1) - self.origin[template]


class _Look(NamedTuple):
    """What a chirp's phase says of ln(chirp mass).

    Attributes:
        error: of ln(chirp mass) at a signal-to-noise of one, all but time and phase known.
        slopes: ln(chirp mass) that a unit of each post-Newtonian coefficient but the first looks like, shape (3,).
    """

    error: float
    slopes: FloatArray


def _look(chirp_mass: float, mass_ratio: float, chi: float, canonical: CanonicalInput) -> _Look:
    frequencies = canonical.grid.frequencies
    end = np.searchsorted(frequencies, _innermost(chirp_mass, mass_ratio))
    frequencies = frequencies[: max(end, 2 * len(PHASE_EXPONENTS))]
    strength = canonical.reference_weights[: len(frequencies)] * envelope(frequencies)
    strength /= np.linalg.norm(strength)
    powers = phase_powers(chirp_mass, frequencies)
    terms = np.asarray(phase_coefficients(mass_ratio, chi, chi)) * np.asarray(PHASE_EXPONENTS)
    bends = strength * np.stack([terms @ powers, *powers[1:]])
    fitted, _ = np.linalg.qr(np.stack([strength, strength * frequencies], axis=1))
    along, *others = bends - bends @ fitted @ fitted.T
    information = along @ along
    return _Look(float(information**-0.5), np.stack(others) @ along / information)


def _innermost(chirp_mass: float, mass_ratio: float) -> float:
    """Gravitational-wave frequency of the innermost stable circular orbit of a body of the total mass, Hz."""
    total = sum(component_masses(chirp_mass, mass_ratio)) * SOLAR_MASS_SECONDS
    return float(1 / (6**1.5 * np.pi * total))
