"""Decoders that come back to the size of a photo whose sides do not halve evenly. It knows no network.

A convolution of stride 2 halves 11 pixels to 6, a transposed one doubles 6 to 12. The maps on the way back have even
sides, and where a doubled map is two pixels too long, the transposed convolution leaves out one at each end.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.sizes import halved
from posegan.pose import Size


def sizes_up(size: Size, doublings: int) -> list[Size]:
    """Return the sizes of the maps after each doubling from halved(size, doublings) up to `size`, whose sides are even.

    256x176 in five doublings: 16x12, 32x22, 64x44, 128x88, 256x176, from maps of 8x6.
    """
    sizes = [halved(size, level) for level in reversed(range(doublings))]
    return [(height + height % 2, width + width % 2) for height, width in sizes]


class FittedUpConv(nn.Module):
    """Transposed conv 4 of stride 2 with bias: (B, C, h, w) -> (B, C', H, W), where H is 2h or 2h - 2, W 2w or 2w - 2.

    The padding is 1, or 2 where the result is the shorter one. Raises ValueError for another size.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Return the features at that size."""
        excess = [2 * x.shape[-2] - size[0], 2 * x.shape[-1] - size[1]]
        if not all(e in (0, 2) for e in excess):
            raise ValueError(f"a map of {tuple(x.shape[-2:])} cannot be doubled to {size}")
        padding = [1 + e // 2 for e in excess]
        return F.conv_transpose2d(x, self.conv.weight, self.conv.bias, stride=2, padding=padding)


def tile_patches(patches: Tensor, factor: int, size: Size) -> Tensor:
    """Return (B, C, h, w) values with each repeated over factor x factor pixels, then cut to the middle `size`.

    Raises ValueError if the repeated values are smaller than that.
    """
    height, width = factor * patches.shape[-2], factor * patches.shape[-1]
    if height < size[0] or width < size[1]:
        raise ValueError(f"{tuple(patches.shape[-2:])} patches of {factor} pixels do not cover {size}")
    tiled = F.interpolate(patches, scale_factor=factor, mode="nearest")
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return tiled[..., top : top + size[0], left : left + size[1]]
