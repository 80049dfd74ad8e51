"""The network of the detector `builtin`: one crop of one person in, the places of the 18 joints and how sure they are.

A small residual hourglass with one logit map a joint at half the crop's resolution (cf. Newell et al., ECCV 2016). A
map's softmax is where the joint is, provided that it is seen; whether it is seen is a logit of its own. It knows no
photos: the search for the person is in detect/builtin.py, the training in recipes/detector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegan.pose import COCO18, Size

CROP: Size = (128, 64)  # what the network sees
STRIDE = 2  # pixels of the crop for one place of a map
WINDOW = 3  # places on each side of a map's peak that count for the joint's position
JOINTS = len(COCO18)


@dataclass(frozen=True)
class CropConfig:
    """How large the network is; the defaults have 0.6 million weights."""

    stem: int = 16
    """Channels at half the crop's resolution."""
    fine: int = 24
    """Channels at a quarter of the resolution, before and after the coarser ones."""
    middle: int = 64
    """Channels at an eighth."""
    coarse: int = 144
    """Channels at a sixteenth, where the network sees the whole person."""


class CropNetwork(nn.Module):
    """Crops (B, 3, 128, 64) in [-1, 1] to logit maps (B, 18, 64, 32) and logits (B, 18) that the joint is seen."""

    def __init__(self, config: CropConfig = CropConfig()) -> None:
        super().__init__()
        c = config
        self.stem = _conv(3, c.stem, 2)
        self.fine = nn.Sequential(_conv(c.stem, c.fine, 2), _Residual(c.fine))
        self.middle = nn.Sequential(_conv(c.fine, c.middle, 2), _Residual(c.middle))
        self.coarse = nn.Sequential(_conv(c.middle, c.coarse, 2), _Residual(c.coarse))
        self.from_coarse = nn.Conv2d(c.coarse, c.middle, 1)
        self.middle_up = _Residual(c.middle)
        self.from_middle = nn.Conv2d(c.middle, c.fine, 1)
        self.fine_up = _Residual(c.fine)
        self.maps = nn.Conv2d(c.fine, 4 * JOINTS, 1)
        self.near = nn.Parameter(torch.zeros(JOINTS, c.fine))  # what speaks for a joint where it would be
        self.whole = nn.Linear(c.coarse, JOINTS)  # and in the whole crop

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps and the logits of crops."""
        fine = self.fine(self.stem(crop))  # (B, fine, 32, 16)
        middle = self.middle(fine)  # (B, middle, 16, 8)
        coarse = self.coarse(middle)  # (B, coarse, 8, 4)
        middle = self.middle_up(middle + _twice(self.from_coarse(coarse)))
        fine = self.fine_up(fine + _twice(self.from_middle(middle)))
        maps = F.pixel_shuffle(self.maps(fine), 2)  # (B, 18, 64, 32)
        share = maps.flatten(2).softmax(-1).view_as(maps)
        share = 4 * F.avg_pool2d(share, 2)  # (B, 18, 32, 16); the sum, whose own option torch's ONNX exporter drops
        there = share.flatten(2) @ fine.flatten(2).transpose(1, 2)  # (B, 18, fine)
        return maps, (there * self.near).sum(-1) + self.whole(coarse.mean((2, 3)))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels, 1)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _conv(inside: int, outside: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def joints_of(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the places (B, 18, 2), x and y in pixels of the crop, that logit maps (B, 18, h, w) speak for.

    The mean of a map's softmax in the square of WINDOW places around its peak; and the share (B, 18) of it that lies in
    there, which is small where a map does not decide.
    """
    height, width = maps.shape[-2:]
    share = maps.flatten(2).softmax(-1)
    peak = share.argmax(-1, keepdim=True)
    rows, columns = torch.arange(height, device=maps.device), torch.arange(width, device=maps.device)
    near_y = ((rows - peak // width).abs() <= WINDOW)[..., :, None]  # (B, 18, h, 1)
    near_x = ((columns - peak % width).abs() <= WINDOW)[..., None, :]
    share = share.view_as(maps) * (near_y & near_x)
    decided = share.sum((-2, -1))
    share = share / decided[..., None, None]
    place = torch.stack([(share.sum(-2) * columns).sum(-1), (share.sum(-1) * rows).sum(-1)], -1)
    return STRIDE * (place + 0.5) - 0.5, decided
