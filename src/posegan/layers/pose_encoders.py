"""The flagship's two encoders: photo and source pose, and target pose, each to maps of falling size.

Poses enter as soft maps at half the resolution; what is done with the maps of the encoders is the model's business.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.blocks import ResidualBlock
from posegan.layers.part_flow import part_maps
from posegan.pose import COCO18, Pose, Size
from posegan.pose.heatmap import render_heatmap

POSE_CHANNELS = len(COCO18) + 9  # heatmaps of the joints, soft maps of head and limbs
POSE_STRIDE = 2  # at which poses enter


def group_norm(channels: int) -> nn.Module:
    """Return a group norm of 16 channels a group: it works at batch 1 and keeps the colour that has to be copied."""
    return nn.GroupNorm(max(1, channels // 16), channels)


def pose_maps(pose: Pose, frame: Size, sigma: float) -> Tensor:
    """Return (B, 27, H / 2, W / 2): the maps are smooth, and half the resolution costs a quarter."""
    heatmaps = render_heatmap(pose, (frame[0] // POSE_STRIDE, frame[1] // POSE_STRIDE), sigma, frame)
    return torch.cat([heatmaps, part_maps(pose, frame, POSE_STRIDE)], 1)


class Down(nn.Sequential):
    """Norm, SiLU, conv 3 stride 2, residual block: half the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        super().__init__(group_norm(inputs), nn.SiLU(), conv, ResidualBlock(outputs, group_norm))


class SourceEncoder(nn.Module):
    """Photo (B, 3, H, W) and pose maps at half the size -> `depth` + 1 maps, each half the size of the one before."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.photo = nn.Conv2d(3, widths[0], 3, padding=1)
        self.halve = nn.Conv2d(widths[0], widths[1], 3, stride=2, padding=1)
        self.pose = nn.Conv2d(POSE_CHANNELS, widths[1], 3, padding=1)
        self.block = ResidualBlock(widths[1], group_norm)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths[1:]))

    def forward(self, photo: Tensor, maps: Tensor) -> list[Tensor]:
        """Return the maps, full resolution first."""
        full = self.photo(photo)
        levels = [full, self.block(self.halve(F.silu(full)) + self.pose(maps))]
        for down in self.downs:
            levels.append(down(levels[-1]))
        return levels


class TargetEncoder(nn.Module):
    """Pose maps at half the size -> `depth` maps from half the size down."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        conv = nn.Conv2d(POSE_CHANNELS, widths[0], 3, padding=1)
        self.first = nn.Sequential(conv, ResidualBlock(widths[0], group_norm))
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))

    def forward(self, maps: Tensor) -> list[Tensor]:
        """Return the maps, the largest first."""
        levels = [self.first(maps)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        return levels
