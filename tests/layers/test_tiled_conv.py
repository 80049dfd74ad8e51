import pytest
import torch
from torch import nn

from posegan.layers.tiled_conv import tiled_conv


@pytest.mark.parametrize("size", [(7, 5), (3, 3), (2, 4), (2, 2)])
def test_it_is_the_convolution_of_the_tiled_vector(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(6 + 2, 3, 3, padding=1)
    vector, maps = torch.randn(2, 6), torch.randn(2, 2, *size)
    whole = conv(torch.cat([vector[:, :, None, None].expand(-1, -1, *size), maps], 1))
    torch.testing.assert_close(tiled_conv(conv, vector, maps), whole)


def test_gradients_are_those_of_the_tiled_vector() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3 + 1, 2, 3, padding=1)
    vector, maps = torch.randn(2, 3, requires_grad=True), torch.randn(2, 1, 6, 4, requires_grad=True)
    inputs = (vector, maps, conv.weight)
    whole = conv(torch.cat([vector[:, :, None, None].expand(-1, -1, 6, 4), maps], 1))
    weight = torch.randn_like(whole)
    expected = torch.autograd.grad((whole * weight).sum(), inputs)
    found = torch.autograd.grad((tiled_conv(conv, vector, maps) * weight).sum(), inputs)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
