"""TensorFlow's SAME padding against its definition, and maps fitted to the size of a linear layer."""

import pytest
import torch
from torch.nn import functional as F

from posegan.layers.sizes import SameConv2d, fit_map, halved


@pytest.mark.parametrize(
    ("kernel", "size", "before_and_after"),
    [(3, 8, (0, 1)), (3, 7, (1, 1)), (5, 8, (1, 2)), (5, 7, (2, 2)), (5, 1, (2, 2))],
)
def test_same_padding_puts_the_odd_pixel_at_the_end(kernel: int, size: int, before_and_after: tuple[int, int]) -> None:
    torch.manual_seed(0)
    conv = SameConv2d(2, 3, kernel, stride=2)
    x = torch.randn(1, 2, size, size)
    expected = F.conv2d(F.pad(x, before_and_after * 2), conv.weight, conv.bias, 2)
    assert expected.shape[-1] == -(-size // 2)
    torch.testing.assert_close(conv(x), expected)


def test_same_padding_is_counted_for_each_axis() -> None:
    conv = SameConv2d(1, 1, 3, stride=2)
    x = torch.randn(1, 1, 6, 5)
    torch.testing.assert_close(conv(x), F.conv2d(F.pad(x, (1, 1, 0, 1)), conv.weight, conv.bias, 2))


def test_halved_rounds_up_at_each_step() -> None:
    assert halved((128, 64), 4) == (8, 4)
    assert halved((256, 176), 5) == (8, 6)  # 176, 88, 44, 22, 11, 6


def test_a_fitting_map_is_not_resized() -> None:
    x = torch.randn(1, 2, 4, 3)
    assert fit_map(x, (4, 3)) is x
    assert fit_map(x, (8, 5)).shape == (1, 2, 8, 5)
