"""Convolution blocks: order of activation, convolution, norm and dropout; sizes; initialisation."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from posegan.layers.blocks import DownBlock, ResidualBlock, UpBlock
from posegan.layers.init import glorot_uniform
from posegan.layers.norms import SampleNorm


def sample_norm(channels: int) -> nn.Module:
    return SampleNorm()


def identity(channels: int) -> nn.Module:
    return nn.Identity()


def test_down_activates_before_its_convolution_and_halves():
    x = torch.randn(2, 3, 8, 6)
    block = DownBlock(3, 5, None)
    expected = F.conv2d(torch.where(x > 0, x, 0.2 * x), block.conv.weight, stride=2, padding=1)
    torch.testing.assert_close(block(x), expected)
    assert block(x).shape == (2, 5, 4, 3)


def test_down_normalises_last():
    x = torch.randn(2, 3, 8, 6)
    block = DownBlock(3, 5, sample_norm)
    torch.testing.assert_close(block(x).std((1, 2, 3), correction=0), torch.ones(2), rtol=0, atol=0.01)


def test_up_is_an_uncropped_transposed_convolution_without_its_border():
    x = torch.randn(2, 3, 4, 3)
    block = UpBlock(3, 5, identity, dropout=False)
    whole = F.conv_transpose2d(x.relu(), block.conv.weight, stride=2)
    assert whole.shape == (2, 5, 10, 8)
    torch.testing.assert_close(block(x), whole[..., 1:-1, 1:-1])


def test_blocks_have_no_bias_before_a_norm():
    for block in (DownBlock(3, 5, sample_norm), UpBlock(3, 5, sample_norm, dropout=True)):
        assert {name for name, _ in block.named_parameters()} == {"conv.weight", "norm.weight", "norm.bias"}


def test_dropout_zeroes_single_elements_in_training_only():
    torch.manual_seed(0)
    block = UpBlock(3, 16, identity, dropout=True)
    x = torch.rand(1, 3, 16, 16)
    dropped = block(x) == 0
    assert 0.45 < dropped.float().mean() < 0.55
    assert not dropped.flatten(2).all(-1).any()  # not whole channels
    assert not torch.equal(block(x) == 0, dropped)
    block.eval()
    assert torch.equal(block(x), block(x))
    assert (block(x) == 0).float().mean() < 0.01


def test_residual_is_the_sum_of_input_and_two_preactivated_convolutions():
    x = torch.randn(2, 4, 5, 3)
    block = ResidualBlock(4, lambda channels: nn.GroupNorm(2, channels))
    first = block.convs[0](F.silu(block.norms[0](x)))
    torch.testing.assert_close(block(x), x + block.convs[1](F.silu(block.norms[1](first))))
    nn.init.zeros_(block.convs[1].weight)
    nn.init.zeros_(block.convs[1].bias)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("layer", [nn.Conv2d(8, 16, 3), nn.ConvTranspose2d(8, 16, 4), nn.Linear(72, 144)])
def test_glorot_uniform_fills_its_range_and_zeroes_biases(layer):
    torch.manual_seed(0)
    nn.init.ones_(layer.bias)
    glorot_uniform(nn.Sequential(nn.ReLU(), nn.Sequential(layer)))
    kernel = 1 if isinstance(layer, nn.Linear) else layer.weight[0, 0].numel()
    limit = (6 / (kernel * sum(layer.weight.shape[:2]))) ** 0.5
    assert 0.95 * limit < layer.weight.abs().max() <= limit
    assert layer.weight.mean().abs() < 0.1 * limit
    assert not layer.bias.any()


def test_glorot_uniform_leaves_norms_alone():
    norm = SampleNorm()
    glorot_uniform(nn.Sequential(norm, nn.Conv2d(1, 1, 1, bias=False)))
    assert (norm.weight.item(), norm.bias.item()) == (1, 0)
