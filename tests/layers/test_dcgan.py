"""The DCGAN discriminator: its published sizes, its batch norm, its start."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.dcgan import DCGANDiscriminator
from posegan.models import count_parameters
from posegan.pose import Size


@pytest.mark.parametrize(
    ("size", "parameters", "map_size"), [((128, 64), 4_324_737, (8, 4)), ((256, 256), 10_896_257, (8, 8))]
)
def test_published_sizes(size: Size, parameters: int, map_size: Size) -> None:
    with torch.device("meta"):
        critic = DCGANDiscriminator(size)
    assert (count_parameters(critic), critic.map_size) == (parameters, map_size)


def test_the_layers_by_hand() -> None:
    torch.manual_seed(0)
    critic = DCGANDiscriminator((32, 16), width=2)
    photos = torch.randn(3, 3, 32, 16)
    first, second = critic.convs

    def strided(conv: nn.Module, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 2, 1, 2)), conv.get_parameter("weight"), conv.get_parameter("bias"), 2)

    x = strided(second, F.leaky_relu(strided(first, photos), 0.2))
    x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    expected = critic.judge(F.leaky_relu(x, 0.2).flatten(1))
    torch.testing.assert_close(critic(photos), expected)


def test_statistics_are_those_of_what_is_passed_together_in_training_only() -> None:
    torch.manual_seed(0)
    critic = DCGANDiscriminator((32, 16), width=2)
    a, b = torch.randn(2, 3, 32, 16), torch.randn(2, 3, 32, 16) + 1
    assert not torch.allclose(critic(torch.cat([a, b]))[:2], critic(a))
    critic.eval()
    torch.testing.assert_close(critic(torch.cat([a, b]))[:2], critic(a))


def test_kernels_start_uniform_with_a_deviation_of_two_hundredths() -> None:
    torch.manual_seed(0)
    kernel = DCGANDiscriminator((64, 32)).convs[1].weight
    assert isinstance(kernel, nn.Parameter)
    assert kernel.std().item() == pytest.approx(0.02, rel=0.01)
    assert kernel.abs().max().item() == pytest.approx(0.02 * 3**0.5, rel=0.01)


@pytest.mark.parametrize("size", [(128, 64), (100, 37), (64, 64)])
def test_other_sizes_than_built_for(size: Size) -> None:
    assert DCGANDiscriminator((64, 32), width=2)(torch.randn(2, 3, *size)).shape == (2, 1)
