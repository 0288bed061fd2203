"""Every registered bijection: round trips, Jacobians against automatic differentiation, a batch equals the loop."""

import pytest
import torch
from torch import Tensor

from chirpleaf.physics.bijection_examples import BIJECTIONS
from chirpleaf.physics.bijections import Bijection, Chain, Probit, transform

each = pytest.mark.parametrize("bijection", BIJECTIONS.values(), ids=BIJECTIONS.keys())


@pytest.fixture(scope="module")
def points() -> Tensor:
    return 0.1 + 0.8 * torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@each
def test_inverse_undoes_the_bijection(bijection: Bijection, points: Tensor) -> None:
    torch.testing.assert_close(bijection.inv(bijection(points)), points, rtol=1e-12, atol=1e-12)


@each
def test_jacobian_equals_automatic_differentiation(bijection: Bijection, points: Tensor) -> None:
    matrices = torch.stack([torch.autograd.functional.jacobian(bijection, point) for point in points])  # type: ignore[no-untyped-call]
    expected = torch.linalg.slogdet(matrices).logabsdet
    torch.testing.assert_close(bijection.log_abs_det_jacobian(points, bijection(points)), expected)


@each
def test_a_bijection_comes_with_its_jacobian(bijection: Bijection, points: Tensor) -> None:
    y, log_jacobian = transform(bijection, points)
    torch.testing.assert_close(y, bijection(points), rtol=0, atol=0)
    torch.testing.assert_close(log_jacobian, bijection.log_abs_det_jacobian(points, y), rtol=0, atol=0)


@each
def test_batch_equals_the_loop(bijection: Bijection, points: Tensor) -> None:
    batch = points.reshape(5, 10, 3)
    torch.testing.assert_close(bijection(batch).reshape(50, 3), torch.stack([bijection(point) for point in points]))
    found = bijection.log_abs_det_jacobian(batch, bijection(batch))
    assert found.shape == (5, 10)


@each
def test_results_are_float64(bijection: Bijection, points: Tensor) -> None:
    single = points.float()
    assert bijection(single).dtype == bijection.inv(bijection(single)).dtype == torch.float64


def test_probit_turns_uniform_numbers_into_normal_ones() -> None:
    uniform = torch.tensor([[0.5, 0.8413447460685429, 0.0]], dtype=torch.float64)
    found = Probit(range(3))(uniform)[0]
    torch.testing.assert_close(found[:2], torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert -5.3 < found[2] < -5.1  # moved to 1e-7, not to minus infinity


def test_chain_applies_the_first_step_first() -> None:
    logarithm, interval = BIJECTIONS["logarithm"], BIJECTIONS["interval"]
    x = torch.tensor([[0.5, 0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(Chain([logarithm, interval])(x), interval(logarithm(x)))
