"""A convolution of a vector that stands at every pixel, without making that map: how an embedding enters a U-Net."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def tiled_conv(conv: nn.Conv2d, vector: Tensor, maps: Tensor) -> Tensor:
    """Return conv(cat(vector at every pixel, maps)) for a vector (B, E) and maps (B, C, H, W), H and W at least 2.

    conv: 3x3, padding 1, stride 1. The tiled half differs only between corners, edges and the inside, so a 3x3 map of
    the vector holds all nine cases, and its result is stretched: its cost does not depend on H and W.
    """
    split = vector.shape[1]
    cases = F.conv2d(vector[:, :, None, None].expand(-1, -1, 3, 3), conv.weight[:, :split], conv.bias, padding=1)
    tiled = _stretch(_stretch(cases, 2, maps.shape[2]), 3, maps.shape[3])
    return tiled + F.conv2d(maps, conv.weight[:, split:], padding=1)


def _stretch(cases: Tensor, axis: int, length: int) -> Tensor:
    """Return the three slices of an axis as `length` of them: the first, the middle one repeated, the last."""
    first, middle, last = cases.split(1, axis)
    shape = list(middle.shape)
    shape[axis] = length - 2
    return torch.cat([first, middle.expand(shape), last], axis)
