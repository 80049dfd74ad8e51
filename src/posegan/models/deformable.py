"""Deformable GAN: Siarohin et al., "Deformable GANs for Pose-based Human Image Generation", CVPR 2018.

A U-Net whose skip connections are moved from the source to the target pose, part by part. Built after the released
Keras code, which made the published numbers; docs/models/deformable.md tells where the paper's text differs.
`warp: none` with `reconstruction: pixels` is the paper's baseline, `mask` its DSC and full models.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.config import require_above_zero, require_at_least
from posegan.layers.blocks import DownBlock, NormFactory, UpBlock
from posegan.layers.features import FeatureNetwork, load_features, require_tap
from posegan.layers.init import glorot_uniform
from posegan.layers.norms import SampleNorm
from posegan.layers.warp import Aggregation, Sampling, warp_by_parts
from posegan.losses import discriminator_adversarial, generator_adversarial, nearest_neighbour_loss, require_window
from posegan.models.agreement import AgreementConfig
from posegan.models.base import (
    FallingRateConfig,
    Features,
    Generator,
    Losses,
    Output,
    Phase,
    ReposeModel,
    StepContext,
    Update,
    register_model,
)
from posegan.pose import COCO18, Pose, Size
from posegan.pose.affine import full_affine, part_affines
from posegan.pose.heatmap import render_heatmap
from posegan.pose.parts import part_masks

JOINTS = len(COCO18)
WARPED_SKIPS = 4  # resolutions 1, 1/2, 1/4, 1/8; deeper skips stay where they are


@dataclass(frozen=True)
class DeformableConfig(FallingRateConfig, AgreementConfig):
    """Settings of Deformable GAN; the defaults are the published full model for Market-1501."""

    warp: Literal["none", "full", "mask", "stn"] = "mask"
    """How skips move: not at all (one encoder), by one affine, by ten masked part affines, or by a learned affine."""
    width: int = 64
    """Channels of the first layer; the published models have 64."""
    sigma: float = 6.0
    """Standard deviation of the joint heatmaps in pixels."""
    sampling: Sampling = "nearest"
    """Interpolation of the part warps; the released code samples the nearest pixel."""
    aggregation: Aggregation = "max"
    """How the parts are joined."""
    norm: Literal["sample", "instance"] = "sample"
    """`sample` as published (over C, H, W with scalar affine), `instance` is the usual per-channel norm."""
    reconstruction: Literal["pixels", "features", "nearest"] = "nearest"
    """L1 on pixels, L1 on features, or the nearest-neighbour search on features."""
    reconstruction_weight: float = 0.01
    """Weight of the reconstruction loss: 100 for pixels; 0.5 and 0.01 for features of caffe-range VGG19."""
    window: int = 3
    """Side of the search window of the nearest-neighbour loss in pixels (5 at 256x256)."""
    feature_layer: str = "relu1_2"
    """Feature map that the reconstruction loss compares (relu2_1 for `features`)."""
    features: Literal["none", "vgg19", "vgg19_caffe", "vgg19_distilled"] = "vgg19_caffe"
    """Frozen network of the reconstruction loss; `none` searches on the pixels themselves."""
    features_path: str | None = None
    """File of that network's weights; torchvision's are downloaded if this is empty."""
    batches: Literal["shared", "independent"] = "shared"
    """`independent` draws three batches a step as the released code does, `shared` uses one generator pass."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width")
        require_above_zero("model", self, "sigma")
        require_tap("model.feature_layer", self.feature_layer)
        require_window("model.window", self.window)


def norm_layer(kind: str) -> NormFactory:
    """Return what makes the norm of that name for a number of channels."""
    if kind == "sample":
        return lambda channels: SampleNorm()
    return lambda channels: nn.InstanceNorm2d(channels, affine=True)


def encoder_channels(size: Size, width: int) -> list[int]:
    """Return the channels of each encoder layer: 64, 128, 256, 512, ... down to a bottleneck 4 pixels high."""
    halvings = max(4, round(math.log2(size[0])) - 2)
    return [min(width * 2**i, width * 8) for i in range(halvings + 1)]


class Encoder(nn.Module):
    """(B, C, H, W) -> one feature map per layer, each at half the resolution of the one before."""

    def __init__(self, inputs: int, channels: list[int], norm: NormFactory) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, channels[0], 3, padding=1)
        last = len(channels) - 1
        self.blocks = nn.ModuleList(
            DownBlock(channels[i - 1], channels[i], norm if i < last else None) for i in range(1, len(channels))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.first(x)]  # (B, width, H, W)
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps


class UpPath(nn.Module):
    """The steps up from the bottleneck that decoders share.

    channels: those of the maps that `climb` returns, in their order.
    """

    def __init__(self, skips: list[int], width: int, norm: NormFactory) -> None:
        super().__init__()
        ups = len(skips) - 1
        outputs = [min(width * 2 ** (ups - i), width * 8) for i in range(ups)]
        self.channels = [outputs[i] + skips[-2 - i] for i in range(ups)]
        inputs = [skips[-1], *self.channels]
        self.blocks = nn.ModuleList(UpBlock(inputs[i], outputs[i], norm, dropout=i < 3) for i in range(ups))

    def climb(self, skips: list[Tensor]) -> list[Tensor]:
        """Return cat(features, skip) after each doubling, full resolution last; skips come full resolution first."""
        maps = [skips[-1]]
        for block, skip in zip(self.blocks, reversed(skips[:-1]), strict=True):
            maps.append(torch.cat([block(maps[-1]), skip], 1))
        return maps[1:]


class Decoder(UpPath):
    """Skips, full resolution first -> image in [-1, 1]."""

    def __init__(self, skips: list[int], width: int, norm: NormFactory) -> None:
        super().__init__(skips, width, norm)
        self.last = nn.Conv2d(self.channels[-1], 3, 3, padding=1)

    def forward(self, skips: list[Tensor]) -> Tensor:
        return torch.tanh(self.last(F.relu(self.climb(skips)[-1])))


class Localisation(nn.Module):
    """The `stn` variant: 72 coordinates, (y, x) of source then target, -1 where missing -> an affine in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4 * JOINTS, 64), nn.LeakyReLU(0.2), nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 6)
        )

    def start_at_identity(self) -> None:
        """Zero the last layer, whose bias becomes the identity affine."""
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(self, source: Pose, target: Pose) -> Tensor:
        both = [torch.where(pose.visible[..., None], pose.xy.flip(-1), -1.0).flatten(1) for pose in (source, target)]
        matrix: Tensor = self.layers(torch.cat(both, 1))
        return matrix.reshape(-1, 2, 3)


class DeformableGenerator(Generator):
    """The U-Net with two encoders (one if nothing is warped) and deformable skips."""

    def __init__(self, config: DeformableConfig) -> None:
        super().__init__()
        self.config = config
        norm = norm_layer(config.norm)
        channels = encoder_channels(config.size, config.width)
        self.size_multiple = 2 ** (len(channels) - 1)
        if config.warp == "none":
            self.appearance = Encoder(3 + 2 * JOINTS, channels, norm)
            skips = channels
        else:
            self.appearance = Encoder(3 + JOINTS, channels, norm)
            self.pose = Encoder(JOINTS, channels, norm)
            skips = [2 * c for c in channels]
        self.decoder = Decoder(skips, config.width, norm)
        glorot_uniform(self)
        if config.warp == "stn":
            self.localisation = Localisation()
            glorot_uniform(self.localisation)
            self.localisation.start_at_identity()

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the appearance maps; for the baseline, whose one encoder needs the target too, the photo itself."""
        if self.config.warp == "none":
            return (source,)
        maps = render_heatmap(source_pose, frame_of(source), self.config.sigma).to(source.dtype)
        return tuple(self.appearance(torch.cat([source, maps], 1)))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos in the target pose; aux: in eval mode the `warped` skips, full resolution first."""
        size = frame_of(features[0])
        target_maps = render_heatmap(target_pose, size, self.config.sigma)
        if self.config.warp == "none":
            source_maps = render_heatmap(source_pose, size, self.config.sigma)
            return Output(self.decoder(self.appearance(torch.cat([features[0], source_maps, target_maps], 1))))
        pose_maps = self.pose(target_maps)
        warped = self._warp(list(features), source_pose, target_pose, size)
        image = self.decoder([torch.cat(pair, 1) for pair in zip(warped, pose_maps, strict=True)])
        return Output(image, {} if self.training else {"warped": warped[:WARPED_SKIPS]})

    def _warp(self, maps: list[Tensor], source: Pose, target: Pose, size: Size) -> list[Tensor]:
        config = self.config
        if config.warp == "stn":
            theta = self.localisation(source, target)
            return [_warp_unit(m, theta) if i < WARPED_SKIPS else m for i, m in enumerate(maps)]
        if config.warp == "mask":
            affines, masks = part_affines(source, target), part_masks(target, size)
        else:
            affines = full_affine(source, target)[:, None]
            masks = affines.new_ones(affines.shape[0], 1, *size)
        return warp_skips(maps, affines, masks, config.sampling, config.aggregation)


def frame_of(image: Tensor) -> Size:
    """Return (H, W) of a batch of pictures or maps."""
    return image.shape[-2], image.shape[-1]


def warp_skips(
    maps: list[Tensor], affines: Tensor, masks: Tensor, sampling: Sampling, aggregation: Aggregation
) -> list[Tensor]:
    """Return maps, full resolution first, the skips moved part by part, the deeper ones as they are."""
    return [
        warp_by_parts(m, affines, masks, sampling, aggregation) if i < WARPED_SKIPS else m for i, m in enumerate(maps)
    ]


def _warp_unit(features: Tensor, theta: Tensor) -> Tensor:
    """Bilinear sampling under an affine in [-1, 1] coordinates, zeros outside; gradients reach the affine."""
    grid = F.affine_grid(theta.float(), list(features.shape), align_corners=True)
    return F.grid_sample(features.float(), grid, padding_mode="zeros", align_corners=True).to(features.dtype)


class Discriminator(nn.Module):
    """Source photo and pose with a real or generated photo and pose (42 channels) -> a map of logits.

    halvings: how often the resolution is halved, 5 as published; 2 at least.
    """

    def __init__(self, width: int, norm: NormFactory, halvings: int = 5) -> None:
        super().__init__()
        self.first = nn.Conv2d(2 * (3 + JOINTS), width, 4, stride=2)  # no padding: 128x64 ends in 3x1, 256x256 in 7x7
        widths = [width * 2**i for i in range(halvings - 1)]
        middle = [DownBlock(inputs, outputs, norm) for inputs, outputs in pairwise(widths)]
        self.blocks = nn.Sequential(*middle, DownBlock(widths[-1], 1, None))
        glorot_uniform(self)

    def forward(self, source: Tensor, source_maps: Tensor, photo: Tensor, maps: Tensor) -> Tensor:
        logits: Tensor = self.blocks(self.first(torch.cat([source, source_maps, photo, maps], 1)))
        return logits


@register_model("deformable")
class DeformableGAN(ReposeModel):
    """Generator, the `call` discriminator of the published runs, and their losses."""

    Config = DeformableConfig

    def __init__(self, config: DeformableConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = DeformableGenerator(config)
        self.discriminators = nn.ModuleDict({"call": Discriminator(config.width, norm_layer(config.norm))})
        self.features: FeatureNetwork | None = None  # frozen, loaded by `phases`, in no state_dict

    def phases(self) -> list[Phase]:
        """One phase: the discriminator first, then the generator."""
        config = self.config
        if config.features != "none" and config.reconstruction != "pixels" and self.features is None:
            self.features = load_features(config.features, config.features_path)
        adam = config.adam()
        updates = (
            Update("discriminator", (self.discriminators,), self.discriminator_losses, adam),
            Update("generator", (self.generator,), self.generator_losses, adam),
        )
        return [Phase("adversarial", updates, streams=1 if config.batches == "shared" else 3)]

    def _judge(self, context: StepContext, stream: int, photo: Tensor) -> tuple[Tensor, ...]:
        batch = context.batches[stream]
        maps = [render_heatmap(p, batch.size, self.config.sigma) for p in (batch.source_pose, batch.target_pose)]
        return batch.source_image, maps[0], photo, maps[1]

    def discriminator_losses(self, context: StepContext) -> Losses:
        """-log D(real) - log(1 - D(fake)), real and fake in one pass; independent batches if the phase draws them."""
        fake_stream = 1 if len(context.batches) > 1 else 0
        real = self._judge(context, 0, context.batches[0].target_image)
        fake = self._judge(context, fake_stream, context.fake(fake_stream))
        logits = self.discriminators["call"](*(torch.cat(pair) for pair in zip(real, fake, strict=True)))
        real_logits, fake_logits = logits.split([len(real[0]), len(fake[0])])
        return {"d_adversarial": discriminator_adversarial(real_logits, fake_logits, "bce")}

    def generator_losses(self, context: StepContext) -> Losses:
        """-log D(fake) plus the weighted reconstruction loss."""
        stream = len(context.batches) - 1
        image, target = context.generate(stream).image, context.batches[stream].target_image
        logits = self.discriminators["call"](*self._judge(context, stream, image))
        losses = {
            "g_adversarial": generator_adversarial(logits, "bce"),
            "g_reconstruction": self.config.reconstruction_weight * self._reconstruction(image, target),
        }
        return losses | self.config.agreement_losses(image, target)

    def _reconstruction(self, image: Tensor, target: Tensor) -> Tensor:
        config = self.config
        if config.reconstruction != "pixels" and self.features is not None:
            layer = config.feature_layer
            with torch.no_grad():
                target = self.features(target, (layer,))[layer]
            image = self.features(image, (layer,))[layer]
        if config.reconstruction == "nearest":
            return nearest_neighbour_loss(image, target, config.window)
        return F.l1_loss(image, target)
