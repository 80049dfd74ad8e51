"""PATN: Zhu et al., "Progressive Pose Attention Transfer for Person Image Generation", CVPR 2019.

Features of the photo go through a row of blocks that each move them a little towards the target pose: a stream of pose
features says where, by a mask. Built after the released code; losses and discriminators are in two_discriminators.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from posegan.config import require_at_least
from posegan.layers.init import normal_002
from posegan.layers.patch_resnet import Norm, has_bias, norm_layer, stem, two_convs
from posegan.models.base import Features, Generator, Output, register_model
from posegan.models.two_discriminators import JOINTS, TwoDiscriminatorConfig, TwoDiscriminatorGAN, require_below_one
from posegan.pose import Pose
from posegan.pose.heatmap import render_heatmap

STRIDE = 4  # of the features that the blocks work on


@dataclass(frozen=True)
class PATNConfig(TwoDiscriminatorConfig):
    """Settings of PATN; the defaults are the published model for Market-1501."""

    blocks: int = 9
    """Pose-attentional transfer blocks."""
    dropout: float = 0.5
    """Dropout in those blocks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "blocks")
        require_at_least("model", self, 0, "dropout")
        require_below_one(self, "dropout")


class TransferBlock(nn.Module):
    """Pose-attentional transfer block: updates photo features under a mask that the pose features make.

    photo (B, C, h, w) and pose (B, C, h, w) in the first block, (B, 2C, h, w) in the later ones.
    """

    def __init__(self, channels: int, norm: Norm, dropout: float, *, first: bool) -> None:
        super().__init__()
        self.photo = two_convs(channels, channels, norm, dropout)
        self.pose = two_convs(channels if first else 2 * channels, channels, norm, dropout, last_norm=False)

    def forward(self, photo: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the new photo features (B, C, h, w), the new pose features (B, 2C, h, w) and the mask (B, C, h, w)."""
        code = self.pose(pose)
        mask = torch.sigmoid(code)
        moved = photo + self.photo(photo) * mask
        return moved, torch.cat([code, moved], 1), mask  # the pose stream goes on from before the sigmoid


class PoseAttentionEncoder(nn.Module):
    """Two stems and the row of transfer blocks: photos and heatmaps of both poses -> features in the target pose."""

    def __init__(self, width: int, blocks: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.photo = stem(3, width, norm)
        self.pose = stem(2 * JOINTS, width, norm)
        self.blocks = nn.ModuleList(TransferBlock(4 * width, norm, dropout, first=i == 0) for i in range(blocks))

    def forward(self, photo: Tensor, source_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return (B, 4 * width, H / 4, W / 4) features and the mask of each block, from (B, 3 or 18, H, W)."""
        return self.transfer(self.photo(photo), source_maps, target_maps)

    def transfer(self, features: Tensor, source_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the same from the features that the photo's stem `photo` gave, which no pose has touched yet."""
        pose = self.pose(torch.cat([source_maps, target_maps], 1))
        masks = []
        for block in self.blocks:
            features, pose, mask = block(features, pose)
            masks.append(mask)
        return features, masks


def _decoder(width: int, norm: Norm) -> nn.Sequential:
    """Return (B, 4 * width, h, w) -> photos (B, 3, 4h, 4w) in [-1, 1]."""
    layers: list[nn.Module] = []
    for channels in (4 * width, 2 * width):
        up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1, bias=has_bias(norm))
        layers += [up, norm_layer(norm, channels // 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())


class PATNGenerator(Generator):
    """Encoder with transfer blocks, and a decoder of the photo features alone."""

    size_multiple = STRIDE

    def __init__(self, config: PATNConfig) -> None:
        super().__init__()
        self.sigma = config.sigma
        self.encoder = PoseAttentionEncoder(config.width, config.blocks, config.norm, config.dropout)
        self.decoder = _decoder(config.width, config.norm)
        normal_002(self)

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the features of the photo's stem; both poses enter the other stream, in `render`."""
        return (self.encoder.photo(source),)

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos; aux "attention" holds each block's mask, averaged over channels: (B, 1, H / 4, W / 4)."""
        size = STRIDE * features[0].shape[-2], STRIDE * features[0].shape[-1]
        maps = [render_heatmap(pose, size, self.sigma) for pose in (source_pose, target_pose)]
        moved, masks = self.encoder.transfer(features[0], *maps)
        return Output(self.decoder(moved), {"attention": [mask.mean(1, keepdim=True) for mask in masks]})


@register_model("patn")
class PATN(TwoDiscriminatorGAN):
    """The generator in the frame of two discriminators."""

    Config = PATNConfig

    def __init__(self, config: PATNConfig) -> None:
        super().__init__(config, PATNGenerator(config))
