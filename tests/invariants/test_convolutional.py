"""The published layout of the convolutional root is consistent; lengths agree with PyTorch."""

import pytest
import torch

from chirpleaf.networks.convolutional import PUBLISHED, Convolution, ConvolutionalRoot


def test_published_layers_reduce_a_second_to_one_sample() -> None:
    lengths = [8192]
    for layer in PUBLISHED:
        lengths.append(layer.output_length(lengths[-1]))
    assert lengths == [8192, 2044, 503, 118, 14, 8, 2, 1]


def test_the_published_root_has_its_parameters_and_outputs() -> None:
    root = ConvolutionalRoot(1, 8192, PUBLISHED)
    assert sum(weight.numel() for weight in root.parameters()) == 2_967_552
    assert root.n_outputs == 64
    assert root(torch.zeros(2, 1, 8192)).shape == (2, 64)


@pytest.mark.parametrize(
    "layer", [Convolution(5, 3), Convolution(4, 3, stride=2), Convolution(3, 3, dilation=4, pool=3)]
)
def test_output_length_agrees_with_pytorch(layer: Convolution) -> None:
    root = ConvolutionalRoot(2, 50, (layer,))
    assert root.n_outputs == 3 * layer.output_length(50)
    assert root(torch.zeros(1, 2, 50)).shape == (1, root.n_outputs)


def test_output_depends_on_both_detectors() -> None:
    torch.manual_seed(0)
    root = ConvolutionalRoot(2, 64, (Convolution(5, 8, pool=4), Convolution(5, 8)))
    quiet = torch.zeros(1, 2, 64)
    for detector in range(2):
        loud = quiet.clone()
        loud[0, detector, 30] = 5.0
        assert not torch.equal(root(loud), root(quiet))


def test_layers_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="pool less"):
        ConvolutionalRoot(1, 4096, PUBLISHED)
