"""Anchoring: unconstrained coordinates relative to the best template.

The network describes how the data differ from a known chirp. Only one coordinate, z, a function of ln(chirp mass), is
taken relative to the template k, in units of a scale u_k; the others do not change. There are two definitions:

- along the chirp mass: y = (z - z_k) / u_k, with u_k the spacing of the templates' chirp masses;
- along the phase. The data determine the phase psi(f) rather than the chirp mass, and mass ratio and spins bend the
  phase as well. With psi = sum_i A_i b_i(f) to second post-Newtonian order, a change of the coefficients A_i has the
  effect of the change of ln(chirp mass)

      s_k(q, chi_1, chi_2) = sum_i (A_i - A_ik) <b_i, c> / <c, c>,      c = d psi / d ln(chirp mass),

  <., .> being the noise-weighted product over frequencies after a fit of time and phase (compare mu^1 of
  arXiv:2203.05216). Then y = (z - z_k + z_k' s_k) / u_k, where u_k is z_k' times the error of ln(chirp mass) at a
  signal-to-noise ratio of one with all else known. The best template of a light binary may miss its chirp mass by many
  errors and compensate by spin and mass ratio, which hardly changes y.

s_k is taken at the template's chirp mass, so it depends on the other coordinates alone, and both bijections have the
constant Jacobian 1 / u_k.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from chirpleaf.physics.bijections import Bijection, ConditionalAffine
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.inspiral import PHASE_EXPONENTS, phase_coefficients, phase_powers
from chirpleaf.physics.kerr import innermost_stable_frequency
from chirpleaf.physics.spaces import ParameterSpace
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.representation.multiband import FloatArray
from chirpleaf.representation.templates import envelope

Along = Literal["chirp_mass", "phase"]


class Anchoring(nn.Module):
    """Maps a template to the bijection between unconstrained and anchored coordinates, along the chirp mass.

    Args:
        canonical: the preprocessing, whose templates are the anchors.
        space: the parameters; `chirp_mass` must be among them.
        mass_ratio: mass ratio of the templates.
    """

    anchor: Tensor
    scale: Tensor

    def __init__(self, canonical: CanonicalInput, space: ParameterSpace, mass_ratio: float) -> None:
        super().__init__()
        self._space, self._mass_ratio, self._dim = space, mass_ratio, space.names.index("chirp_mass")
        rungs, place = canonical.chirp_mass.unique(return_inverse=True)
        anchors = self._mass_coordinate(rungs)
        (spacing,) = torch.gradient(anchors)
        self.register_buffer("anchor", anchors[place], persistent=False)
        self.register_buffer("scale", spacing[place], persistent=False)

    def at(self, template: Tensor) -> Bijection:
        """The bijection at templates.

        Args:
            template: indices, shape (batch,) or ().

        Returns:
            From unconstrained coordinates (..., batch, d) to anchored ones, float64.
        """
        return ConditionalAffine(self._dim, lambda z: self._shift(z, template), self.scale[template])

    def _shift(self, z: Tensor, template: Tensor) -> Tensor:
        """The value of the anchored coordinate from which it is measured, shape (..., batch)."""
        return self.anchor[template]

    def _mass_coordinate(self, chirp_mass: Tensor) -> Tensor:
        """The unconstrained coordinate of chirp masses (solar masses), same shape; it depends on nothing else."""
        binaries = {name: np.zeros(len(chirp_mass)) for name in self._space.names}
        binaries |= {"chirp_mass": chirp_mass.double().numpy()}
        binaries |= {"mass_ratio": np.full(len(chirp_mass), self._mass_ratio)} if "mass_ratio" in binaries else {}
        coordinates: Tensor = self._space.bijection(torch.from_numpy(self._space.stack(binaries)))
        return coordinates[:, self._dim]


class PhaseAnchoring(Anchoring):
    """Anchoring along the phase, for spaces of masses and aligned spins.

    Args:
        canonical: the preprocessing, whose templates are the anchors.
        space: the parameters.
        mass_ratio: mass ratio of the templates.
    """

    slopes: Tensor
    origin: Tensor

    def __init__(self, canonical: CanonicalInput, space: ParameterSpace, mass_ratio: float) -> None:
        super().__init__(canonical, space, mass_ratio)
        chirp_mass, chi = canonical.chirp_mass.double(), canonical.chi_eff.double()
        products = {mass: _phase_products(mass, mass_ratio, canonical) for mass in set(chirp_mass.tolist())}
        responses = [
            _phase_response(products[mass], mass_ratio, spin)
            for mass, spin in zip(chirp_mass.tolist(), chi.tolist(), strict=True)
        ]
        step = 1e-3
        steepness = (self._mass_coordinate(chirp_mass * np.exp(step)) - self.anchor) / step
        self.scale = steepness * torch.tensor([response.error for response in responses])
        slopes = steepness[:, None] * torch.from_numpy(np.stack([response.slopes for response in responses]))
        _, *own = phase_coefficients(torch.full_like(chi, mass_ratio), chi, chi)
        self.register_buffer("slopes", slopes, persistent=False)
        self.register_buffer("origin", (slopes * torch.stack(own, dim=-1)).sum(-1), persistent=False)

    def _shift(self, z: Tensor, template: Tensor) -> Tensor:
        """z_k - z_k' s_k, shape (..., batch)."""
        anchor = self.anchor[template]
        at_template = z.clone()
        at_template[..., self._dim] = anchor
        binaries = self._space.bijection.inv(at_template)
        columns = dict(zip(self._space.names, binaries.unbind(-1), strict=True))
        _, *coefficients = phase_coefficients(*(columns[name] for name in ("mass_ratio", "chi_1", "chi_2")))
        shift = (self.slopes[template] * torch.stack(coefficients, dim=-1)).sum(-1) - self.origin[template]
        return anchor - shift


ANCHORINGS: dict[Along, type[Anchoring]] = {"chirp_mass": Anchoring, "phase": PhaseAnchoring}
"""Kinds of anchoring by their names in presets and model files."""


class _PhaseResponse(NamedTuple):
    """How a chirp's phase depends on ln(chirp mass) and on the post-Newtonian coefficients.

    Attributes:
        error: standard error of ln(chirp mass) at a signal-to-noise ratio of one, with all but time and phase known.
        slopes: change of ln(chirp mass) that has the effect of a unit of each post-Newtonian coefficient but the first,
            shape (3,).
    """

    error: float
    slopes: FloatArray


def _phase_products(chirp_mass: float, mass_ratio: float, canonical: CanonicalInput) -> FloatArray:
    """Products <b_i, b_j> of the functions of frequency in the phase, after a fit of time and phase, shape (4, 4)."""
    frequencies = canonical.grid.frequencies
    total_mass = sum(component_masses(chirp_mass, mass_ratio))
    end = np.searchsorted(frequencies, innermost_stable_frequency(total_mass, 0.0))
    frequencies = frequencies[: max(end, 2 * len(PHASE_EXPONENTS))]
    strength = canonical.reference_weights[: len(frequencies)] * envelope(frequencies)
    strength /= np.linalg.norm(strength)
    bends = strength * phase_powers(chirp_mass, frequencies)
    fitted, _ = np.linalg.qr(np.stack([strength, strength * frequencies], axis=1))
    bends -= bends @ fitted @ fitted.T
    return np.asarray(bends @ bends.T)


def _phase_response(products: FloatArray, mass_ratio: float, chi: float) -> _PhaseResponse:
    """The response of a template from the products of its chirp mass."""
    terms = np.asarray(phase_coefficients(mass_ratio, chi, chi)) * np.asarray(PHASE_EXPONENTS)
    along = products @ terms
    information = terms @ along
    return _PhaseResponse(float(information**-0.5), along[1:] / information)
