"""The series root: subsets of detectors, context, layouts in memory, residual links."""

from dataclasses import replace

import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.networks.convolutional import Combination, Convolution, ConvolutionalRoot, ConvolutionalSettings
from chirpleaf.networks.series import SeriesRoot
from chirpleaf.tokens import TokenLayout, Tokens

LAYERS = (Convolution(5, 6, stride=2), Convolution(4, 6, dilation=2, pool=2), Convolution(3, 6))
CHANNELS, SAMPLES = 2, 48
LAYOUT = TokenLayout(3, (CHANNELS * SAMPLES, 4, 1), n_shared=2)


def make_root(detectors: Combination, **options: object) -> SeriesRoot:
    torch.manual_seed(0)
    root = SeriesRoot(LAYOUT, replace(ConvolutionalSettings(LAYERS, detectors), **options), CHANNELS)  # type: ignore[arg-type]
    for condition in root.convolutions.conditions:
        torch.nn.init.normal_(condition.weight, std=0.3)  # type: ignore[arg-type]
    return root.eval()


def make_tokens(present: list[bool]) -> Tokens:
    torch.manual_seed(1)
    mask = torch.tensor(present).expand(7, 3)
    values = torch.randn(7, 3, sum(LAYOUT.sections)) * mask[..., None]
    return Tokens(values, torch.randn(7, 2), mask)


@pytest.mark.parametrize("conditions", [0, 5])
@pytest.mark.parametrize("detectors", ["sum", "pooled"])
def test_any_subset_of_detectors_is_taken(detectors: Combination, conditions: int) -> None:
    root = make_root(detectors, conditions=conditions)
    for present in ([True, True, True], [False, True, False], [True, False, True]):
        assert root(make_tokens(present)).shape == (7, root.n_outputs)


def test_channels_need_all_detectors() -> None:
    root = make_root("channels")
    assert root(make_tokens([True] * 3)).shape == (7, root.n_outputs)
    with pytest.raises(InputError, match="expected data of all detectors"):
        root(make_tokens([True, False, True]))


def test_pooling_leaves_absent_detectors_out() -> None:
    """Mean and maximum over the present detectors are those of these detectors alone."""
    root = make_root("pooled")
    tokens = make_tokens([True, False, True])
    found = root(tokens)[:, : 2 * root.convolutions.n_outputs]
    series = tokens.values[..., : CHANNELS * SAMPLES].unflatten(-1, (CHANNELS, SAMPLES))
    first, third = root.convolutions(series[:, 0]), root.convolutions(series[:, 2])
    expected = torch.cat([(first + third) / 2, torch.maximum(first, third)], dim=1)
    torch.testing.assert_close(found, expected)


def test_a_sum_is_one_series() -> None:
    root = make_root("sum")
    tokens = make_tokens([True] * 3)
    moved = tokens.values.clone()
    moved[:, 0, : CHANNELS * SAMPLES] += moved[:, 1, : CHANNELS * SAMPLES]
    moved[:, 1, : CHANNELS * SAMPLES] = 0.0
    torch.testing.assert_close(root(tokens), root(tokens._replace(values=moved)))


def test_the_context_shifts_every_convolution() -> None:
    root = make_root("sum", conditions=5)
    tokens = make_tokens([True] * 3)
    other = tokens._replace(shared=tokens.shared + 1)
    before, after = root(tokens), root(other)
    n = root.convolutions.n_outputs
    assert not torch.allclose(before[:, :n], after[:, :n])
    assert not torch.allclose(before[:, n:], after[:, n:])
    plain = make_root("sum")
    torch.testing.assert_close(plain(tokens)[:, :n], plain(other)[:, :n], rtol=0, atol=0)


@pytest.mark.parametrize("options", [{}, {"residual": True}, {"normalisation": "group"}, {"conditions": 5}])
def test_the_layout_in_memory_changes_nothing(options: dict[str, object]) -> None:
    tokens = make_tokens([True] * 3)
    one, other = make_root("channels", **options), make_root("channels", channels_last=True, **options)
    torch.testing.assert_close(one(tokens), other(tokens), rtol=1e-4, atol=1e-5)


def test_residual_links_add_the_input_of_a_layer() -> None:
    torch.manual_seed(0)
    root = ConvolutionalRoot(4, 20, (Convolution(5, 4), Convolution(3, 4, stride=2)), residual=True)
    with torch.no_grad():
        for weight in root.parameters():
            weight.zero_()
    x = torch.randn(2, 4, 20)
    expected = x[..., 2:18][..., 1:15].unflatten(-1, (7, 2)).mean(-1)
    torch.testing.assert_close(root(x).unflatten(1, (4, -1)), expected)


def test_bfloat16_is_used_where_it_is_allowed() -> None:
    tokens = make_tokens([True] * 3)
    for allowed in (True, False):
        root = make_root("sum", bfloat16=allowed)
        exact = root(tokens)
        root.use_bfloat16(True)
        found = root(tokens)
        assert found.dtype == torch.float32
        assert torch.equal(found, exact) != allowed
        torch.testing.assert_close(found, exact, rtol=0.05, atol=0.05)
