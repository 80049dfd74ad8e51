"""SD-GAN, the stacked deformable GAN of Lin, Yu and Sibogeng, a report of Peking University.

Deformable GAN's two encoders and warped skips; its decoder draws the photo at several scales, each judged by a
discriminator of its own. Built after the text; docs/models/sdgan.md tells what the text leaves open and how the
released code differs. Encoders, warps and blocks are those of deformable.py.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.config import require_above_zero, require_at_least
from posegan.errors import UserError
from posegan.layers.blocks import NormFactory
from posegan.layers.init import glorot_uniform
from posegan.layers.warp import Sampling
from posegan.losses import discriminator_adversarial, generator_adversarial
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
from posegan.models.deformable import (
    JOINTS,
    WARPED_SKIPS,
    Discriminator,
    Encoder,
    UpPath,
    encoder_channels,
    frame_of,
    norm_layer,
    warp_skips,
)
from posegan.pose import Pose
from posegan.pose.affine import part_affines
from posegan.pose.heatmap import render_heatmap
from posegan.pose.parts import part_masks

MOST_SCALES = 4  # the discriminator of a further one would have no layer between its first and its last


@dataclass(frozen=True)
class SDGANConfig(FallingRateConfig, AgreementConfig):
    """Settings of SD-GAN; the defaults are the paper's three scales for Market-1501."""

    scales: int = 3
    """Number of decoders, of pictures and of discriminators; each picture has half the size of the next (1 to 4)."""
    attention: Literal["none", "gate"] = "none"
    """`gate` weighs each pixel of a warped skip by what the pose says there: our reading of an undescribed module."""
    width: int = 64
    """Channels of the first layer; the paper's networks have 64."""
    sigma: float = 6.0
    """Standard deviation of the joint heatmaps in pixels of the full photo."""
    sampling: Sampling = "nearest"
    """Interpolation of the part warps; the released code is bilinear."""
    norm: Literal["sample", "instance"] = "sample"
    """`sample` as in Deformable GAN (over C, H, W with scalar affine), `instance` is the usual per-channel norm."""
    pixel_weight: float = 100.0
    """Weight of the L1 distance at each scale."""
    adversarial_weight: float = 1.0
    """Weight of the generator's adversarial loss at each scale."""
    batches: Literal["shared", "independent"] = "shared"
    """`independent` draws three batches a step as the released code does, `shared` uses one generator pass."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width", "scales")
        require_above_zero("model", self, "sigma")
        if self.scales > MOST_SCALES:
            raise UserError(f"model.scales is {self.scales}: it must be at most {MOST_SCALES}.")


class StackedDecoder(UpPath):
    """Skips and the latent code of the target pose -> one picture in [-1, 1] per scale, the lowest first.

    l_i = DC_i(l_{i-1}) are the steps of Deformable GAN's decoder; y_i = G_i(l_i, Up_i(h_b)).
    """

    def __init__(self, skips: list[int], width: int, norm: NormFactory, scales: int, code: int) -> None:
        super().__init__(skips, width, norm)
        channels = self.channels[-scales:]
        self.codes = nn.ModuleList(nn.Conv2d(code, width, 1) for _ in channels)
        self.heads = nn.ModuleList(nn.Conv2d(c + width, 3, 3, padding=1) for c in channels)

    def forward(self, skips: list[Tensor], code: Tensor) -> list[Tensor]:
        pictures = []
        for level, project, head in zip(self.climb(skips)[-len(self.heads) :], self.codes, self.heads, strict=True):
            # 1x1 first, then up: the same as the other way round, on few pixels.
            up = F.interpolate(project(code), level.shape[-2:], mode="bilinear", align_corners=False)
            pictures.append(torch.tanh(head(F.relu(torch.cat([level, up], 1)))))
        return pictures


class Gate(nn.Module):
    """Warped source features and target pose features (B, C, h, w) -> their weights (B, 1, h, w) in (0, 2), at first 1.

    The gate of Attention U-Net (Oktay et al. 2018) with 3x3 instead of 1x1 kernels.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.joint = nn.Conv2d(2 * channels, hidden, 3, padding=1)
        self.last = nn.Conv2d(hidden, 1, 1)

    def start_open(self) -> None:
        """Zero the last layer, so that every weight is 1."""
        nn.init.zeros_(self.last.weight)

    def forward(self, warped: Tensor, pose: Tensor) -> Tensor:
        return 2 * torch.sigmoid(self.last(F.relu(self.joint(torch.cat([warped, pose], 1)))))


class SDGANGenerator(Generator):
    """Two encoders, skips warped part by part, and a stacked decoder; aux["scales"] holds all its pictures."""

    def __init__(self, config: SDGANConfig) -> None:
        super().__init__()
        self.config = config
        norm = norm_layer(config.norm)
        channels = encoder_channels(config.size, config.width)
        self.size_multiple = 2 ** (len(channels) - 1)
        self.appearance = Encoder(3 + JOINTS, channels, norm)
        self.pose = Encoder(JOINTS, channels, norm)
        self.decoder = StackedDecoder([2 * c for c in channels], config.width, norm, config.scales, channels[-1])
        gated = channels[:WARPED_SKIPS] if config.attention == "gate" else []
        self.gates = nn.ModuleList(Gate(c, config.width) for c in gated)
        glorot_uniform(self)
        for gate in self.gates:
            assert isinstance(gate, Gate)
            gate.start_open()

    def forward(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos as every generator does, the smaller pictures cut to whole pixels of the photos."""
        output = super().forward(source, source_pose, target_pose)
        height, width = frame_of(source)
        smaller = [
            picture[..., : height // factor, : width // factor]
            for picture, factor in zip(output.aux["scales"][:-1], self.factors[:-1], strict=True)
        ]
        return Output(output.image, {**output.aux, "scales": [*smaller, output.image]})

    @property
    def factors(self) -> list[int]:
        """By how much each scale is smaller than the photo, the lowest scale first."""
        return [2**i for i in reversed(range(self.config.scales))]

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the appearance maps, full resolution first."""
        maps = render_heatmap(source_pose, frame_of(source), self.config.sigma).to(source.dtype)
        return tuple(self.appearance(torch.cat([source, maps], 1)))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos; aux: pictures of all scales, lowest first, any gates, in eval mode the `warped` skips."""
        frame = frame_of(features[0])
        pose_maps = self.pose(render_heatmap(target_pose, frame, self.config.sigma))
        affines, masks = part_affines(source_pose, target_pose), part_masks(target_pose, frame)
        warped = warp_skips(list(features), affines, masks, self.config.sampling, "max")
        gates = [gate(w, p) for gate, w, p in zip(self.gates, warped, pose_maps, strict=False)]
        warped = [w * gate for w, gate in zip(warped, gates, strict=False)] + warped[len(gates) :]
        skips = [torch.cat(pair, 1) for pair in zip(warped, pose_maps, strict=True)]
        pictures = self.decoder(skips, pose_maps[-1])
        aux = {"scales": pictures} | ({"attention": gates} if gates else {})
        return Output(pictures[-1], aux if self.training else aux | {"warped": warped[:WARPED_SKIPS]})


@register_model("sdgan")
class SDGAN(ReposeModel):
    """Generator, one discriminator per scale, and the losses of all scales."""

    Config = SDGANConfig
    generator: SDGANGenerator

    def __init__(self, config: SDGANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = SDGANGenerator(config)
        norm = norm_layer(config.norm)
        fewer = reversed(range(config.scales))  # halvings than Deformable GAN's discriminator
        self.discriminators = nn.ModuleDict(
            {f"scale_{i}": Discriminator(config.width, norm, 5 - k) for i, k in enumerate(fewer)}
        )

    def phases(self) -> list[Phase]:
        """One phase: the discriminators first, then the generator."""
        adam = self.config.adam()
        updates = (
            Update("discriminator", (self.discriminators,), self.discriminator_losses, adam),
            Update("generator", (self.generator,), self.generator_losses, adam),
        )
        return [Phase("adversarial", updates, streams=1 if self.config.batches == "shared" else 3)]

    def _targets(self, context: StepContext, stream: int) -> list[Tensor]:
        """Return the target photos at each scale, the lowest first."""
        return [_shrink(context.batches[stream].target_image, factor) for factor in self.generator.factors]

    def _judge(self, context: StepContext, stream: int, scale: int, photo: Tensor) -> tuple[Tensor, ...]:
        batch, factor = context.batches[stream], self.generator.factors[scale]
        source = _shrink(batch.source_image, factor)
        height, width = frame_of(source)
        frame = height * factor, width * factor
        maps = [
            render_heatmap(p, (height, width), self.config.sigma, frame) for p in (batch.source_pose, batch.target_pose)
        ]
        return source, maps[0], photo, maps[1]

    def discriminator_losses(self, context: StepContext) -> Losses:
        """-log D_i(real) - log(1 - D_i(fake)) at each scale, real and fake in one pass."""
        fake_stream = 1 if len(context.batches) > 1 else 0
        reals = self._targets(context, 0)
        fakes = context.generate(fake_stream).aux["scales"]
        losses: Losses = {}
        for i, (discriminator, real, fake) in enumerate(zip(self.discriminators.values(), reals, fakes, strict=True)):
            sides = self._judge(context, 0, i, real), self._judge(context, fake_stream, i, fake.detach())
            logits = discriminator(*(torch.cat(pair) for pair in zip(*sides, strict=True)))
            real_logits, fake_logits = logits.split([len(real), len(fake)])
            losses[f"d_adversarial_{i}"] = discriminator_adversarial(real_logits, fake_logits, "bce")
        return losses

    def generator_losses(self, context: StepContext) -> Losses:
        """-log D_i(fake) plus the weighted L1 distance at each scale."""
        config, stream = self.config, len(context.batches) - 1
        pictures, targets = context.generate(stream).aux["scales"], self._targets(context, stream)
        losses: Losses = {}
        for i, (discriminator, picture, target) in enumerate(
            zip(self.discriminators.values(), pictures, targets, strict=True)
        ):
            logits = discriminator(*self._judge(context, stream, i, picture))
            losses[f"g_adversarial_{i}"] = config.adversarial_weight * generator_adversarial(logits, "bce")
            losses[f"g_pixels_{i}"] = config.pixel_weight * F.l1_loss(picture, target)
        return losses | config.agreement_losses(pictures[-1], targets[-1])


def _shrink(photo: Tensor, factor: int) -> Tensor:
    """Return photos at 1 / factor of their size, each pixel the mean of its area; a remainder at the far edge goes."""
    return F.avg_pool2d(photo, factor) if factor > 1 else photo
