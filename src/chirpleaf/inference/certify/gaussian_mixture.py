"""A Gaussian mixture fitted to weighted draws by expectation and maximisation (arXiv:1102.1609)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.inference.certify.proposals import log_sum_exp
from chirpleaf.result.weights import effective_sample_size, relative_weights

Array = NDArray[np.float64]

_SINGULAR = 1e-9
"""Variance added to the common covariance, which equal draws would make singular."""
_LEAST_SHARE = 1e-6
"""Share of a component below which it is not normalised."""
_END = 1e-12
"""Least distance of a uniform number from 0 and 1."""


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A density on R^d.

    Attributes:
        log_share: ln of the components' shares, shape (k,).
        means: shape (k, d).
        roots: lower Cholesky factors of the covariances, shape (k, d, d).
    """

    log_share: Float64[np.ndarray, " k"]
    means: Float64[np.ndarray, "k d"]
    roots: Float64[np.ndarray, "k d d"]

    @classmethod
    def fit(
        cls, z: Float64[np.ndarray, "n d"], log_weight: Array, settings: MixtureFitSettings, seed: int
    ) -> "GaussianMixture":
        """Fits the mixture to weighted draws.

        Args:
            z: draws, shape (n, d).
            log_weight: ln of the importance weights, shape (n,).
            settings: settings of the fit.
            seed: seed of the starting means.

        Returns:
            The fitted mixture, with broadened covariances.
        """
        z, weight = _select(z, flatten_weights(log_weight, settings), settings)
        effective = effective_sample_size(weight)
        if len(z) > settings.most_draws:
            kept = np.random.default_rng([seed, 5]).choice(len(z), settings.most_draws, p=weight)
            z, weight = z[kept], np.full(settings.most_draws, 1 / settings.most_draws)
        centre = weight @ z
        whole = _SINGULAR * np.eye(z.shape[1])
        if weight.max() < 1 - _SINGULAR:  # one draw alone has no covariance
            whole += np.cov(z.T, aweights=weight)
        rng = np.random.default_rng([seed, 3])
        n, floor = settings.components, _floor_covariances(z.shape[1], effective, settings)
        means = z[rng.choice(len(z), n, p=weight)] * (1 - settings.shrinkage) + centre * settings.shrinkage
        covariances = np.repeat(whole[None] / 2, n, axis=0)
        share = np.full(n, 1 / n)
        z = z - centre
        means -= centre
        products = (z[:, :, None] * z[:, None]).reshape(len(z), -1)
        for _ in range(settings.iterations):
            log_joint = _log_normal(z, means, np.linalg.cholesky(covariances)) + np.log(share)
            joint = weight[:, None] * np.exp(log_joint - log_sum_exp(log_joint, axis=1)[:, None])
            share = joint.sum(axis=0).clip(_LEAST_SHARE)
            means = (joint.T @ z) / share[:, None]
            covariances = ((joint.T @ products) / share[:, None]).reshape(covariances.shape)
            covariances += floor * whole - means[:, :, None] * means[:, None]
            share /= share.sum()
        return cls(np.log(share), centre + means, np.linalg.cholesky(settings.broadening * covariances))

    def sample(self, n: int, seed: int) -> Float64[np.ndarray, "n d"]:
        """Draws from the mixture, shape (n, d)."""
        rng = np.random.default_rng([seed, 4])
        component = rng.choice(len(self.means), n, p=np.exp(self.log_share))
        normal = rng.standard_normal((n, self.means.shape[1]))
        return np.asarray(self.means[component] + np.einsum("nij,nj->ni", self.roots[component], normal))

    def transform(self, uniforms: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
        """Maps uniform numbers to draws; the first of each chooses the component as well.

        Args:
            uniforms: in (0, 1), shape (n, d).
        """
        ends = np.exp(self.log_share).cumsum()
        ends /= ends[-1]
        starts = np.concatenate([[0.0], ends[:-1]])
        component = np.searchsorted(ends, uniforms[:, 0], side="right").clip(0, len(ends) - 1)
        within = (uniforms[:, 0] - starts[component]) / (ends - starts)[component]
        level = np.column_stack([within, uniforms[:, 1:]]).clip(_END, 1 - _END)
        normal = torch.special.ndtri(torch.from_numpy(level)).numpy()
        return np.asarray(self.means[component] + np.einsum("nij,nj->ni", self.roots[component], normal))

    def log_prob(self, z: Float64[np.ndarray, "n d"]) -> Array:
        """ln of the density, shape (n,)."""
        return np.asarray(log_sum_exp(_log_normal(z, self.means, self.roots) + self.log_share, axis=1))


def flatten_weights(log_weight: Array, settings: MixtureFitSettings) -> Array:
    """Weights of sum one, raised to the greatest power, at most one, that leaves enough effective draws.

    Args:
        log_weight: ln of the weights, shape (n,).
        settings: how many effective draws are enough.

    Returns:
        Shape (n,).
    """
    power = 1.0
    while True:
        weight = relative_weights(power * log_weight)
        enough = effective_sample_size(weight) > min(settings.effective_draws, len(weight) / 4)
        if enough or power < settings.least_power:
            return np.asarray(weight / weight.sum())
        power *= settings.flattening


def _select(
    z: Float64[np.ndarray, "n d"], weight: Array, settings: MixtureFitSettings
) -> tuple[Float64[np.ndarray, "m d"], Array]:
    """Keeps the heaviest draws within reach; returns their coordinates and their weights, whose sum is one."""
    order = np.argsort(-weight)
    heaviest = order[: np.searchsorted(weight[order].cumsum(), settings.kept_weight) + 1]
    near = heaviest[(np.abs(z[heaviest]) < settings.reach).all(axis=1)]
    # If the whole posterior is at an edge of the prior, no coordinates are within reach.
    chosen = near if 2 * len(near) > len(heaviest) else heaviest
    return z[chosen], weight[chosen] / weight[chosen].sum()


def _floor_covariances(dimension: int, effective_draws: float, settings: MixtureFitSettings) -> float:
    """Share of the common covariance in each component's: more where few draws determine many numbers."""
    numbers = dimension * (dimension + 1) / 2
    draws = max(effective_draws / settings.components, 1.0)
    return min(max(settings.covariance_floor, settings.shrinkage_per_number * numbers / draws), 1.0)


def _log_normal(
    z: Float64[np.ndarray, "n d"], means: Float64[np.ndarray, "k d"], roots: Float64[np.ndarray, "k d d"]
) -> Float64[np.ndarray, "n k"]:
    """ln of normal densities."""
    whitening = np.linalg.inv(roots)
    # One matrix product for all components.
    scaled = (z @ whitening.reshape(-1, z.shape[1]).T).reshape(len(z), *means.shape)
    scaled -= np.einsum("kij,kj->ki", whitening, means)
    volume = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * np.square(scaled).sum(axis=-1) - volume - 0.5 * z.shape[1] * np.log(2 * np.pi))
