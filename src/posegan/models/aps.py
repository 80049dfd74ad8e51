"""APS: Huang et al., "Generating Person Images with Appearance-aware Pose Stylizer", IJCAI 2020.

The target pose grows into a picture in small steps, at each of which the photo's appearance is given to it patch by
patch (AdaPN). Built after the released code; the stylizer is in layers/stylizer.py, losses and discriminators are
PATN's (two_discriminators.py). The rows of the paper's ablation are options; docs/models/aps.md defines them.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from posegan.config import require_at_least
from posegan.errors import UserError
from posegan.layers.adapn import Modulation
from posegan.layers.init import normal_002
from posegan.layers.patch_resnet import Norm, has_bias, norm_layer
from posegan.layers.sizes import halved
from posegan.layers.stylizer import PlainDecoder, PoseStylizer
from posegan.models.base import Features, Generator, Output, register_model
from posegan.models.patn import PoseAttentionEncoder
from posegan.models.two_discriminators import JOINTS, TwoDiscriminatorConfig, TwoDiscriminatorGAN, require_below_one
from posegan.pose import Pose, Size
from posegan.pose.heatmap import render_heatmap

STYLE_HEIGHT = 8  # pixels of the smallest map, from which the number of levels follows
MOST_CHANNELS = 8  # widths
PATN_BLOCKS, PATN_DROPOUT = 9, 0.5  # of the encoder `patn`


@dataclass(frozen=True)
class APSConfig(TwoDiscriminatorConfig):
    """Settings of APS; the defaults are the published model for Market-1501."""

    levels: int | None = None
    """Halvings of the encoder and doublings of the decoder; empty: counted from the height (128: 4, 256: 5)."""
    encoder: Literal["attention", "conv", "patn"] = "attention"
    """How the photo is seen: gated by its pose, by convolutions alone, or through PATN's transfer blocks."""
    decoder: Literal["aps", "deconv"] = "aps"
    """The pose stylizer, or plain transposed convolutions."""
    content: Literal["pose", "constant"] = "pose"
    """What the stylizer starts from: the target's heatmaps, or a learned constant (the paper's StyleGAN row)."""
    modulation: Modulation = "adapn"
    """Scale and shift of features per patch (adapn) or per channel (adain)."""
    attention: bool = True
    """Whether the pose gates the encoder's and the stylizer's features; off, all gates are 1."""
    foreground: bool = True
    """Whether the last layer sees the foreground beside the full image."""
    dropout: float = 0.5
    """Dropout on the foreground after each level (published: 0 for DeepFashion)."""
    constant_steps: int = 8_400
    """Steps at the full learning rate: 400 epochs of 4,000 pairs at batch 192."""
    decay_steps: int = 8_400
    """Steps in which it then falls to 0 along a line: 400 epochs."""
    epoch_steps: int = 21
    """Steps of an epoch, within which the learning rate stays."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 0, "dropout")
        require_below_one(self, "dropout")
        if self.levels is not None:
            require_at_least("model", self, 2 if self.encoder == "patn" else 1, "levels")
        if min(halved(self.size, self.halvings)) < 2:  # the reflection padding of a 3x3 convolution needs 2
            most = max(1, math.ceil(math.log2(min(self.size))) - 1)
            raise UserError(
                f"model.levels is {self.halvings} for photos of {list(self.size)}, which leaves a map one pixel wide: "
                f"set it to {most} at most, or enlarge model.size."
            )
        if self.decoder == "deconv":
            for key, value in (("content", "pose"), ("modulation", "adapn"), ("foreground", True)):
                if getattr(self, key) != value:
                    raise UserError(f"model.{key} is an option of the decoder aps, not of deconv: leave it out.")

    @property
    def halvings(self) -> int:
        """The number of levels."""
        least = 2 if self.encoder == "patn" else 1
        return max(least, round(math.log2(self.size[0] / STYLE_HEIGHT))) if self.levels is None else self.levels

    def channels(self, level: int) -> int:
        """Return the channels of maps that are `level` times halved."""
        return self.width * min(1 << level, MOST_CHANNELS)


def conv_block(inputs: int, outputs: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Return conv 3, norm, ReLU: reflection padding at stride 1, zeros at stride 2."""
    mode: Literal["reflect", "zeros"] = "reflect" if stride == 1 else "zeros"
    conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, padding_mode=mode, bias=has_bias(norm))
    return nn.Sequential(conv, norm_layer(norm, outputs), nn.ReLU())


def in_node(inputs: int, outputs: int, norm: Norm) -> nn.Sequential:
    """Return conv 7 with reflection padding, norm, ReLU."""
    conv = nn.Conv2d(inputs, outputs, 7, padding=3, padding_mode="reflect", bias=has_bias(norm))
    return nn.Sequential(conv, norm_layer(norm, outputs), nn.ReLU())


class AttentionLevel(nn.Module):
    """One halving of photo and pose features: photo = u * sigmoid(v) + i, pose = v; without pose, photo = u + i.

    i and p are both streams at half the resolution, u = conv(i), v = conv(p) without norm and activation.
    """

    def __init__(self, inputs: int, outputs: int, norm: Norm, *, gated: bool) -> None:
        super().__init__()
        self.photo_down = conv_block(inputs, outputs, norm, stride=2)
        self.photo = conv_block(outputs, outputs, norm)
        self.pose_down = conv_block(inputs, outputs, norm, stride=2) if gated else None
        self.pose = (
            nn.Conv2d(outputs, outputs, 3, padding=1, padding_mode="reflect", bias=has_bias(norm)) if gated else None
        )

    def forward(self, photo: Tensor, pose: Tensor | None) -> tuple[Tensor, Tensor | None]:
        i = self.photo_down(photo)
        u = self.photo(i)
        if self.pose_down is None or self.pose is None:
            return u + i, None
        v = self.pose(self.pose_down(pose))
        return u * torch.sigmoid(v) + i, v


class StyleEncoder(nn.Module, ABC):
    """A photo and its pose -> style (B, channels, h, w); all that needs no target pose is done in `look`."""

    @abstractmethod
    def look(self, photo: Tensor, source_maps: Tensor) -> Features:
        """Return what `style` needs of photos (B, 3, H, W) and their heatmaps (B, 18, H, W)."""

    @abstractmethod
    def style(self, features: Features, source_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the style map and the masks of the encoder, averaged over channels: (B, 1, h, w) each."""


class AppearanceEncoder(StyleEncoder):
    """The paper's encoder, in which the source pose gates the photo's features at every level, or without that gate."""

    def __init__(self, config: APSConfig, *, gated: bool) -> None:
        super().__init__()
        width, norm = config.width, config.norm
        channels = [config.channels(level) for level in range(config.halvings + 1)]
        self.photo = in_node(3, width, norm)
        self.pose = in_node(JOINTS, width, norm) if gated else None
        self.levels = nn.ModuleList(AttentionLevel(a, b, norm, gated=gated) for a, b in pairwise(channels))

    def look(self, photo: Tensor, source_maps: Tensor) -> Features:
        """Return the style, then each level's mask: the target pose plays no part."""
        features, pose = self.photo(photo), self.pose(source_maps) if self.pose is not None else None
        masks = []
        for level in self.levels:
            features, pose = level(features, pose)
            masks += [] if pose is None else [torch.sigmoid(pose.detach()).mean(1, keepdim=True)]
        return (features, *masks)

    def style(self, features: Features, source_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        return features[0], list(features[1:])


class TransferEncoder(StyleEncoder):
    """PATN's stems and transfer blocks, which see both poses, then convolutions of stride 2 (an ablation)."""

    def __init__(self, config: APSConfig) -> None:
        super().__init__()
        self.encoder = PoseAttentionEncoder(config.width, PATN_BLOCKS, config.norm, PATN_DROPOUT)
        channels = [config.channels(level) for level in range(2, config.halvings + 1)]
        self.down = nn.Sequential(*(conv_block(a, b, config.norm, stride=2) for a, b in pairwise(channels)))

    def look(self, photo: Tensor, source_maps: Tensor) -> Features:
        return (self.encoder.photo(photo),)

    def style(self, features: Features, source_maps: Tensor, target_maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        moved, masks = self.encoder.transfer(features[0], source_maps, target_maps)
        return self.down(moved), [mask.detach().mean(1, keepdim=True) for mask in masks]


def new_encoder(config: APSConfig) -> StyleEncoder:
    """Return the encoder that the config names."""
    if config.encoder == "patn":
        return TransferEncoder(config)
    return AppearanceEncoder(config, gated=config.encoder == "attention" and config.attention)


def new_decoder(config: APSConfig) -> nn.Module:
    """Return the decoder that the config names: (style, target heatmaps) -> (photos, aux)."""
    levels = config.halvings
    channels, style = [config.channels(level) for level in reversed(range(levels))], config.channels(levels)
    if config.decoder == "deconv":
        return PlainDecoder(channels, style, config.norm)
    return PoseStylizer(
        channels,
        style,
        config.norm,
        config.modulation,
        start=halved(config.size, levels) if config.content == "constant" else None,
        attention=config.attention,
        foreground=config.foreground,
        dropout=config.dropout,
    )


class APSGenerator(Generator):
    """Encoder and decoder; the heatmaps of both poses are drawn here.

    Even sides are all that the decoder asks for: maps in between may be odd (layers/fitted_up.py).
    """

    size_multiple = 2

    def __init__(self, config: APSConfig) -> None:
        super().__init__()
        self.sigma = config.sigma
        self.encoder = new_encoder(config)
        self.decoder = new_decoder(config)
        normal_002(self)

    def _maps(self, pose: Pose, photo: Tensor) -> Tensor:
        size: Size = (photo.shape[-2], photo.shape[-1])
        return render_heatmap(pose, size, self.sigma).to(photo.dtype)

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the photo, whose size the smaller maps do not tell, and what the encoder makes of it."""
        return source, *self.encoder.look(source, self._maps(source_pose, source))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos; aux holds `attention` and `adapn` of the stylizer, `encoder_attention` of the encoder."""
        photo, *seen = features
        target_maps = self._maps(target_pose, photo)
        style, masks = self.encoder.style(tuple(seen), self._maps(source_pose, photo), target_maps)
        image, aux = self.decoder(style, target_maps)
        return Output(image, aux | ({"encoder_attention": masks} if masks else {}))


@register_model("aps")
class APS(TwoDiscriminatorGAN):
    """The generator in the frame of two discriminators."""

    Config = APSConfig

    def __init__(self, config: APSConfig) -> None:
        super().__init__(config, APSGenerator(config))
