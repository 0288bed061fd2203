"""Bayesian linear layers and the posterior predictive distribution.

Mean-field variational inference (arXiv:1505.05424) assumes independent weights with prior p(w) = N(0, s^2) and
approximate posterior q(w) = N(mu, sigma^2). Training maximises the evidence lower bound

    ELBO = sum_i E_q[ln p(y_i | x_i, w)] - KL(q || p),
    KL   = sum_w [ln(s / sigma) + (sigma^2 + mu^2) / (2 s^2) - 1 / 2].

The expectation is estimated by local reparameterisation (arXiv:1506.02557): given x, the outputs of a linear layer with
random weights are independent Gaussians,

    y_j ~ N(sum_i mu_ji x_i + mu_j, sum_i sigma_ji^2 x_i^2 + sigma_j^2).

Sampling the outputs costs two matrix products, uses independent weights for every example, and has a lower gradient
variance than sampling the weights. `sample_weights` samples the weights themselves, for examples that share them.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class BayesianLinear(nn.Module):
    """Linear layer with independent Gaussian weights.

    Args:
        n_inputs: length of the input.
        n_outputs: length of the output.
        prior_scale: standard deviation s of the prior of the weights.
        initial_scale: initial standard deviation sigma of the approximate posterior, times `n_inputs`^(1/2).

    Example:
        >>> layer = BayesianLinear(3, 2)
        >>> layer(torch.ones(5, 3)).shape, bool(layer.kl() > 0)
        (torch.Size([5, 2]), True)
    """

    def __init__(self, n_inputs: int, n_outputs: int, *, prior_scale: float = 1.0, initial_scale: float = 0.05) -> None:
        super().__init__()
        reference = nn.Linear(n_inputs, n_outputs)
        mean = torch.cat([reference.weight, reference.bias[:, None]], dim=1).detach()
        start = math.log(initial_scale / math.sqrt(n_inputs))
        self.mean, self.log_scale = nn.Parameter(mean), nn.Parameter(torch.full_like(mean, start))
        self.prior_scale = prior_scale

    def forward(
        self, x: Float[Tensor, "*batch n_inputs"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "*batch n_outputs"]:
        """Compute outputs with independent random weights for each row."""
        return self.sample(x, 1, generator)[0]

    def sample(
        self, x: Float[Tensor, "*batch n_inputs"], n: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n *batch n_outputs"]:
        """Sample the outputs of `n` independent draws of the weights for each row.

        Args:
            x: inputs, shape (..., n_inputs).
            n: number of draws.
            generator: source of randomness.

        Returns:
            Outputs of shape (n, ..., n_outputs).
        """
        shape = (n, *x.shape[:-1], len(self.mean))
        device = x.device if generator is None else generator.device
        noise = torch.randn(shape, generator=generator, dtype=self.mean.dtype, device=device)
        return self.transform_noise(x, noise.to(x.device))

    def transform_noise(
        self, x: Float[Tensor, "*batch n_inputs"], noise: Float[Tensor, "*draws n_outputs"]
    ) -> Float[Tensor, "*draws n_outputs"]:
        """Compute the mean plus `noise` times the spread; `noise` may have one dimension more than `x`, the draws."""
        return self.expected(x) + self.spread(x) * noise

    def expected(self, x: Float[Tensor, "*batch n_inputs"]) -> Float[Tensor, "*batch n_outputs"]:
        """Compute the mean of the outputs over the weights."""
        return nn.functional.linear(x, self.mean[:, :-1], self.mean[:, -1])

    def spread(self, x: Float[Tensor, "*batch n_inputs"]) -> Float[Tensor, "*batch n_outputs"]:
        """Compute the standard deviation of the outputs over the weights."""
        variance = (2 * self.log_scale).exp()
        return nn.functional.linear(x.square(), variance[:, :-1], variance[:, -1]).sqrt()

    def sample_weights(
        self, n: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n n_outputs n_weights"]:
        """Sample the weights; the last column is the bias."""
        noise = torch.randn(n, *self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + self.log_scale.exp() * noise

    def kl(self) -> Float[Tensor, ""]:
        """Compute KL(q || p) of all weights, in nats."""
        ratio = ((2 * self.log_scale).exp() + self.mean.square()) / self.prior_scale**2
        return (0.5 * (ratio - 1) - self.log_scale + math.log(self.prior_scale)).sum()


class Predictive:
    """Posterior predictive distribution: an equally weighted mixture of Gaussians, one for each draw of the weights.

    Args:
        mean: mean of each Gaussian, shape (draw, batch).
        scale: standard deviation of each Gaussian, shape (draw, batch).

    Attributes:
        gaussian_mean: mean of each Gaussian.
        gaussian_scale: standard deviation of each Gaussian.
    """

    def __init__(self, mean: Float[Tensor, "draw batch"], scale: Float[Tensor, "draw batch"]) -> None:
        self.gaussian_mean, self.gaussian_scale = mean, scale

    @property
    def mean(self) -> Float[Tensor, " batch"]:
        """Mean of the mixture."""
        return self.gaussian_mean.mean(0)

    @property
    def aleatoric(self) -> Float[Tensor, " batch"]:
        """Aleatoric standard deviation, from noise in the data: root of the mean variance of the Gaussians."""
        return self.gaussian_scale.square().mean(0).sqrt()

    @property
    def epistemic(self) -> Float[Tensor, " batch"]:
        """Epistemic standard deviation, from uncertainty of the weights: standard deviation of the Gaussians' means."""
        return self.gaussian_mean.std(0, correction=0)

    def log_prob(self, value: Float[Tensor, "*shape batch"]) -> Float[Tensor, "*shape batch"]:
        """Compute the log density of values, ln p(value)."""
        parts = torch.distributions.Normal(self.gaussian_mean, self.gaussian_scale)
        return torch.logsumexp(parts.log_prob(value[..., None, :]), dim=-2) - math.log(len(self.gaussian_mean))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Float[Tensor, "n batch"]:
        """Sample from the mixture, cycling through the Gaussians: each gives equally many if `n` is a multiple."""
        part = torch.arange(n) % len(self.gaussian_mean)
        noise = torch.randn(n, self.gaussian_mean.shape[1], generator=generator, dtype=self.gaussian_mean.dtype)
        return self.gaussian_mean[part] + self.gaussian_scale[part] * noise
