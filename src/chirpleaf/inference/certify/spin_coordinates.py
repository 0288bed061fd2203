"""Coordinates of a target that differs from the network in the priors of the aligned spins.

The data determine chirp mass, mass ratio and effective spin; chi_2 follows its prior. In the network's coordinates this
prior is standard normal, but that of another target is not: projections of isotropic spins have a density with
logarithmic peaks, which no mixture of few Gaussians has. So the last coordinate y, the probit of the place u of chi_2
in its range at given mass ratio q and effective spin, is transported to one in which the target's prior is normal:

    w = Phi^-1(G(Phi(y))),        G'(u) ~ p_1(chi_1(u)) p_2(chi_2(u)),        chi_1 = (1 + q) chi_eff - q chi_2,

with p_i the priors of the spins, and G piecewise linear in u. The posterior is then nearly normal in all coordinates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions.transforms import AffineTransform, Transform

from chirpleaf.inference.certify.settings import SpinCoordinateSettings
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.bijections import Bijection, Chain, EffectiveSpin
from chirpleaf.physics.distributions import Marginal
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import SecondSpinBounds

Array = NDArray[np.float64]

_EDGE = 1e-9
"""Least distance of a probability from 0 and 1."""


@dataclass(eq=False)
class SecondSpinTransport(Bijection):
    """Maps the coordinate of chi_2 to one in which its conditional prior is standard normal.

    Args:
        coordinates: bijection from chirp mass, mass ratio, chi_1 and chi_2 to coordinates, of which the last is the
            probit of the place of chi_2 in its range at the mass ratio and the effective spin.
        spin_max: largest magnitude of either spin.
        chi_1: prior of chi_1.
        chi_2: prior of chi_2.
        settings: resolution of the map.
    """

    coordinates: Transform
    spin_max: float
    chi_1: Marginal
    chi_2: Marginal
    settings: SpinCoordinateSettings

    def _call(self, x: Tensor) -> Tensor:
        n, place = self.settings.cells, torch.special.ndtr(x[:, -1].double()).numpy()
        cell = np.clip((place * n).astype(int), 0, n - 1)
        low, slope = _read(self._tabulate(x), cell, n)
        return _replace_last(x, low + slope * (place - cell / n))

    def _inverse(self, y: Tensor) -> Tensor:
        n, level = self.settings.cells, torch.special.ndtr(y[:, -1].double()).numpy()
        cumulative = self._tabulate(y)
        cell = np.clip((cumulative <= level[:, None]).sum(axis=1) - 1, 0, n - 1)
        low, slope = _read(cumulative, cell, n)
        return _replace_last(y, cell / n + (level - low) / slope)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (n,)."""
        n, place = self.settings.cells, torch.special.ndtr(x[:, -1].double()).numpy()
        _, slope = _read(self._tabulate(x), np.clip((place * n).astype(int), 0, n - 1), n)
        return torch.from_numpy(np.log(slope)) + 0.5 * (y[:, -1].double().square() - x[:, -1].double().square())

    def _tabulate(self, coordinates: Tensor) -> Float64[np.ndarray, "n edge"]:
        """G at the edges of the cells. It depends on all coordinates but the last."""
        binaries = self.coordinates.inv(_replace_last(coordinates, np.full(len(coordinates), 0.5)))
        binaries = EffectiveSpin(mass_ratio=1, chi_1=2, chi_2=3)(binaries)
        low, high = (bound.numpy()[:, None] for bound in SecondSpinBounds(self.spin_max)(binaries))
        _, mass_ratio, chi_eff, _ = (column[:, None] for column in binaries.numpy().T)
        chi_2 = low + np.linspace(0, 1, self.settings.cells + 1) * (high - low)
        chi_1 = (1 + mass_ratio) * chi_eff - mass_ratio * chi_2
        mass = np.abs(np.diff(self.chi_1.cumulative(chi_1)) * np.diff(self.chi_2.cumulative(chi_2)))
        total, share = mass.sum(axis=1, keepdims=True), self.settings.background
        even = 1 / self.settings.cells
        mass = np.divide(mass, total, out=np.full(mass.shape, even), where=total > 0)
        mass = (1 - share) * mass + share * even
        return np.concatenate([np.zeros((len(mass), 1)), mass.cumsum(axis=1)], axis=1)


def make_spin_coordinates(
    observation: Observation, spins: Mapping[str, Marginal], settings: SpinCoordinateSettings, seed: int
) -> Chain:
    """The bijection from the parameters of an event to coordinates of a target with other spins.

    The network's posterior, transported, has mean zero and standard deviation one in each of them.

    Args:
        observation: the data in the form that the network takes; its prior is an `IntrinsicPrior`.
        spins: priors of chi_1 and chi_2 under the target.
        settings: resolution of the map.
        seed: seed of the draws that determine the scales.
    """
    estimator = observation.model.posterior
    prior = estimator.space.prior
    assert isinstance(prior, IntrinsicPrior)
    anchored = Chain([estimator.space.bijection, estimator.anchoring.at(observation.canonical.template[0])])
    transport = SecondSpinTransport(anchored, prior.spin_max, spins["chi_1"], spins["chi_2"], settings)
    with torch.no_grad():
        distribution = estimator.density(observation.canonical.tokens)
        draws = distribution.sample(settings.scale_draws, torch.Generator().manual_seed(seed))[:, 0].double()
    transported = transport(draws)
    centre, scale = transported.mean(0), transported.std(0)
    return Chain([*anchored.steps, transport, AffineTransform(-centre / scale, 1 / scale, event_dim=1)])


def _read(cumulative: Float64[np.ndarray, "n edge"], cell: NDArray[np.int64], cells: int) -> tuple[Array, Array]:
    """Value at the lower edge of a cell of each row, and the slope in it, both of shape (n,)."""
    rows = np.arange(len(cell))
    low = cumulative[rows, cell]
    return low, cells * (cumulative[rows, cell + 1] - low)


def _replace_last(coordinates: Tensor, probability: Array) -> Tensor:
    """The coordinates with the probit of a probability in place of the last one."""
    replaced = coordinates.double().clone()
    replaced[:, -1] = torch.special.ndtri(torch.from_numpy(probability).clamp(_EDGE, 1 - _EDGE))
    return replaced
