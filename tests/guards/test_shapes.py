"""Shapes written with jaxtyping are checked while tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError

from chirpleaf.networks.residual import ResidualBlock


def test_a_wrong_type_is_refused_by_the_annotation() -> None:
    with pytest.raises(TypeCheckError, match="Float"):
        ResidualBlock(4, hidden=8)(torch.zeros(3, 4, dtype=torch.int64))


def test_the_right_shape_passes() -> None:
    assert ResidualBlock(4, hidden=8)(torch.zeros(3, 4)).shape == (3, 4)
