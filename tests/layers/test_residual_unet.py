"""The residual U-Net: its published sizes, what its blocks compute, and sizes it was not built for."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.residual_unet import ResidualUNet
from posegan.models import count_parameters
from posegan.pose import Size


@pytest.mark.parametrize(
    ("inputs", "size", "blocks", "parameters", "multiple"),
    [
        (21, (128, 64), None, 70_795_075, 16),
        (21, (256, 256), None, 122_103_235, 32),
        (370, (128, 64), 5, 71_197_123, 16),  # Disentangled on Market-1501 and on DeepFashion
        (242, (256, 256), 5, 82_088_387, 16),
    ],
)
def test_published_sizes(inputs: int, size: Size, blocks: int | None, parameters: int, multiple: int) -> None:
    with torch.device("meta"):
        network = ResidualUNet(inputs, size, blocks=blocks)
    assert (count_parameters(network), network.size_multiple) == (parameters, multiple)


def test_channels_after_each_joining() -> None:
    with torch.device("meta"):
        network = ResidualUNet(21, (256, 256))
    joined = [block.get_parameter("convs.0.weight").shape[1] for block in network.decoder]
    assert joined == [896, 1280, 1024, 768, 512, 256]


def test_the_network_as_the_paper_writes_it() -> None:
    """Two resolutions by hand, with the enlargement before the 1x1 convolution as published."""
    torch.manual_seed(0)
    net = ResidualUNet(4, (8, 4), blocks=2, width=2, latent=3)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = torch.randn(2, 4, 8, 4)

    def residual(block: nn.Module, x: Tensor) -> Tensor:
        a, b = block.get_submodule("convs.0"), block.get_submodule("convs.1")
        return x + F.relu(b(F.relu(a(x))))

    first = residual(net.encoder[0], F.relu(net.first(x)))
    kernel, bias = net.down[0].get_parameter("weight"), net.down[0].get_parameter("bias")
    strided = F.conv2d(F.pad(first, (0, 1, 0, 1)), kernel, bias, stride=2)
    second = residual(net.encoder[1], F.relu(strided))  # (2, 4, 4, 2)
    code = net.bottleneck.widen(net.bottleneck.narrow(second.flatten(1))).view(2, 2, 4, 2)
    deep = residual(net.decoder[0], torch.cat([code, second], 1))
    large = F.relu(net.up[0](deep.repeat_interleave(2, -1).repeat_interleave(2, -2)))
    expected = net.last(residual(net.decoder[1], torch.cat([large, first], 1)))
    torch.testing.assert_close(net(x), expected)


def test_the_bottleneck_sees_the_whole_photo() -> None:
    torch.manual_seed(0)
    net = ResidualUNet(3, (64, 32), width=4, latent=8)
    x = torch.randn(1, 3, 64, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, 0, 0, 0], x)
    assert (gradient.abs().sum(1) > 0).float().mean() > 0.99


@pytest.mark.parametrize("size", [(32, 32), (64, 48), (128, 64)])
def test_other_sizes_than_built_for(size: Size) -> None:
    net = ResidualUNet(3, (64, 32), width=2)
    assert net(torch.randn(2, 3, *size)).shape == (2, 3, *size)


def test_the_first_layer_can_be_left_to_the_caller() -> None:
    net = ResidualUNet(3, (32, 16), width=2)
    x = torch.randn(1, 3, 32, 16)
    assert torch.equal(net.after_first(net.first(x)), net(x))
