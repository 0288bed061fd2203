"""Bayesian layers compared with torch.distributions, sampled weights, finite differences and exact posteriors."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from chirpleaf.networks.bayesian import BayesianLinear
from chirpleaf.networks.leaves import BayesianLeafSettings


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layer(n_inputs: int = 5, n_outputs: int = 3, prior_scale: float = 0.7) -> BayesianLinear:
    """A layer whose weights have different standard deviations."""
    found = BayesianLinear(n_inputs, n_outputs, prior_scale=prior_scale).double()
    with torch.no_grad():
        found.log_scale.add_(torch.randn(found.log_scale.shape, generator=generator(), dtype=torch.float64))
    return found


@torch.no_grad()
def test_kl_divergence_agrees_with_torch_and_monte_carlo() -> None:
    some = layer()
    q, p = Normal(some.mean, some.log_scale.exp()), Normal(0.0, torch.tensor(0.7, dtype=torch.float64))
    exact = kl_divergence(q, p).sum()
    torch.testing.assert_close(some.kl(), exact)
    draws = some.sample_weights(200_000, generator())
    difference = (q.log_prob(draws) - p.log_prob(draws)).sum((1, 2))
    error = difference.std() / len(difference) ** 0.5
    assert abs(difference.mean() - exact) < 4 * error
    assert error < 0.02 * exact


@torch.no_grad()
def test_local_reparameterisation_agrees_with_sampled_weights() -> None:
    some, x = layer(), torch.randn(5, generator=generator(2), dtype=torch.float64)
    local = some(x.expand(400_000, 5), generator(3))
    weights = some.sample_weights(400_000, generator(4))
    drawn = weights[..., :-1] @ x + weights[..., -1]
    for power in (1, 2):
        error = (local**power).std(0) / 400_000**0.5
        assert bool(((local**power).mean(0) - (drawn**power).mean(0)).abs().lt(6 * error).all())
    torch.testing.assert_close(torch.corrcoef(local.T), torch.eye(3, dtype=torch.float64), atol=0.01, rtol=0)


@torch.no_grad()
def test_predictive_agrees_with_sampled_weights() -> None:
    """Reference: draws of the weights of both layers that all events share."""
    n, some = 100_000, BayesianLeafSettings(("leaf",), width=4).build(3).double().eval()
    some.second.log_scale.fill_(-1.5)
    some.last.log_scale.fill_(-1.5)
    x = torch.randn(2, 3, generator=generator(2), dtype=torch.float64)
    second, last = (layer.sample_weights(n, generator(seed)) for seed, layer in enumerate((some.second, some.last)))
    hidden = second[..., :-1] @ some.first(x).T + second[..., -1:]
    mean = (last[:, 0, None, :-1] @ hidden)[:, 0] + last[:, 0, -1:]
    found = some.predictive(x, n, generator(7))
    spread = mean.std(0)
    assert bool((found.mean - mean.mean(0)).abs().lt(6 * spread * (2 / n) ** 0.5).all())
    torch.testing.assert_close(found.epistemic, spread, rtol=0.02, atol=0)
    assert bool((found.mean - some.estimate(x)).abs().lt(6 * spread / n**0.5).all())


def test_gradient_of_the_elbo_agrees_with_finite_differences() -> None:
    torch.manual_seed(0)
    leaf = BayesianLeafSettings(("leaf",), width=4, dropout=0.0).build(3).double()
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, dtype=torch.float64)

    def bound() -> torch.Tensor:
        predictive = leaf.predictive(x, 8, generator())
        return predictive.log_prob(y).sum() - leaf.kl()

    bound().backward()
    step, compared = 1e-6, 0
    for weight in leaf.parameters():
        assert weight.grad is not None
        flat = weight.data.view(-1)
        for place in range(0, flat.numel(), 3):
            here = flat[place].item()
            values = []
            for sign in (1, -1):
                flat[place] = here + sign * step
                values.append(bound().item())
            flat[place] = here
            slope = (values[0] - values[1]) / (2 * step)
            assert weight.grad.view(-1)[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-5)
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("correlated", [False, True])
def test_a_conjugate_regression_is_recovered(correlated: bool) -> None:
    """The posterior of y = w x + b + noise is N(m, P^-1); the best factorised one has mean m and variances 1 / P_ii."""
    n, noise, prior_scale = 64, 0.5, 0.8
    x = torch.randn(n, 3, generator=generator(5), dtype=torch.float64)
    if correlated:
        x[:, 1] += 0.8 * x[:, 0]
    design = torch.cat([x, torch.ones(n, 1, dtype=torch.float64)], dim=1)
    truth = torch.tensor([0.9, -0.4, 0.2, 0.5], dtype=torch.float64)
    y = design @ truth + noise * torch.randn(n, generator=generator(6), dtype=torch.float64)
    precision = design.T @ design / noise**2 + torch.eye(4, dtype=torch.float64) / prior_scale**2
    mean = torch.linalg.solve(precision, design.T @ y / noise**2)

    some, draws = BayesianLinear(3, 1, prior_scale=prior_scale).double(), generator(7)
    optimiser = torch.optim.Adam(some.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 3000)
    for _ in range(3000):
        predicted = some(x.expand(4, n, 3), draws)[..., 0]
        bound = Normal(predicted, noise).log_prob(y).sum(-1).mean() - some.kl()
        optimiser.zero_grad()
        (-bound).backward()
        optimiser.step()
        schedule.step()

    width = precision.diagonal().rsqrt()
    assert bool(((some.mean[0] - mean).abs() < 0.1 * width).all())
    torch.testing.assert_close(some.log_scale[0].exp(), width, rtol=0.05, atol=0)
    assert width.max() < 0.2 * prior_scale
