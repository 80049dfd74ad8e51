"""The way back up: sizes that do not halve evenly, the padding that follows, and patches cut to the middle."""

import pytest
import torch
from torch.nn import functional as F

from posegan.layers.fitted_up import FittedUpConv, sizes_up, tile_patches
from posegan.layers.sizes import halved


def test_the_published_sizes():
    assert sizes_up((128, 64), 4) == [(16, 8), (32, 16), (64, 32), (128, 64)]
    assert sizes_up((256, 176), 5) == [(16, 12), (32, 22), (64, 44), (128, 88), (256, 176)]


@pytest.mark.parametrize("size", [(128, 64), (256, 176), (256, 256), (512, 352), (100, 46), (90, 62)])
@pytest.mark.parametrize("doublings", [1, 3, 5])
def test_every_even_size_is_reached_with_paddings_of_one_or_two(size, doublings):
    before = halved(size, doublings)
    for after in sizes_up(size, doublings):
        assert all(2 * a - b in (0, 2) for a, b in zip(before, after, strict=True))
        before = after
    assert before == size


@pytest.mark.parametrize(
    ("size", "padding"), [((16, 12), (1, 1)), ((16, 10), (1, 2)), ((14, 12), (2, 1)), ((14, 10), (2, 2))]
)
def test_the_convolution_is_padded_to_the_size(size, padding):
    torch.manual_seed(0)
    layer, x = FittedUpConv(3, 2), torch.randn(2, 3, 8, 6)
    wanted = F.conv_transpose2d(x, layer.conv.weight, layer.conv.bias, stride=2, padding=padding)
    assert layer(x, size).shape == (2, 2, *size)
    assert torch.equal(layer(x, size), wanted)
    wide = layer(x, (16, 12))  # the pixels that are left out are those at the ends
    top, left = padding[0] - 1, padding[1] - 1
    torch.testing.assert_close(layer(x, size), wide[..., top : 16 - top, left : 12 - left])


@pytest.mark.parametrize("size", [(16, 13), (16, 11), (16, 8), (18, 12)])
def test_no_other_size_can_be_reached(size):
    with pytest.raises(ValueError, match="cannot be doubled"):
        FittedUpConv(1, 1)(torch.zeros(1, 1, 8, 6), size)


def test_patches_are_repeated_and_cut_to_the_middle():
    patches = torch.arange(48.0).view(1, 1, 8, 6)
    tiled = tile_patches(patches, 4, (32, 22))
    assert tiled.shape == (1, 1, 32, 22)
    for y, x in ((0, 0), (0, 2), (0, 3), (3, 21), (4, 6), (31, 21)):
        assert tiled[0, 0, y, x] == patches[0, 0, y // 4, (x + 1) // 4]  # 24 columns lose one at each side


def test_patches_that_cannot_cover_the_map_are_refused():
    with pytest.raises(ValueError, match="do not cover"):
        tile_patches(torch.zeros(1, 1, 8, 6), 2, (16, 14))
