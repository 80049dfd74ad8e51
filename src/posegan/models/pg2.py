"""PG2: Ma et al., "Pose Guided Person Image Generation", NIPS 2017.

A first network draws a coarse picture from the photo and the target pose; a second one, trained against a
discriminator while the first is frozen, adds a difference map. Built after the released TensorFlow code;
docs/models/pg2.md tells where the paper's text differs.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.config import require_above_zero, require_at_least
from posegan.layers.dcgan import DCGANDiscriminator
from posegan.layers.init import glorot_uniform
from posegan.layers.residual_unet import ResidualUNet, unet_blocks
from posegan.layers.sizes import SameConv2d
from posegan.losses import discriminator_adversarial, generator_adversarial
from posegan.models.agreement import AgreementConfig
from posegan.models.base import (
    Adam,
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
from posegan.pose.heatmap import render_discs
from posegan.pose.mask import pose_mask

JOINTS = len(COCO18)
Scheme = Literal["triplet", "triplet_joint", "pair"]
RefineSkips = Literal["inner", "all"]


@dataclass(frozen=True)
class PG2Config(AgreementConfig):
    """Settings of PG2; the defaults are those of the released model for Market-1501."""

    width: int = 128
    """Channels of the first layer of both generators; the published models have 128."""
    latent: int = 64
    """Numbers that the first generator's bottleneck passes on."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer; the published models have 64."""
    radius: float = 4.0
    """Radius in pixels of the joints' discs and of the limbs in the mask that weights the loss."""
    refine_skips: RefineSkips = "inner"
    """Skips of the second generator: all, or all but the one of full resolution (as on Market-1501)."""
    scheme: Scheme = "triplet"
    """What the discriminator judges: single photos, the source as a second fake (released), or pairs (paper)."""
    reconstruction_weight: float = 10.0
    """Weight of the second stage's masked L1 (50 on DeepFashion)."""
    coarse_steps: int = 22_000
    """Steps of the first stage, which trains the coarse generator alone; the rest of the run is the second stage."""
    batches: Literal["shared", "independent"] = "shared"
    """`independent` draws a batch for each update of the second stage as the released code does."""
    lr: float = 2e-5
    """Learning rate of the three Adam optimisers (constant)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width", "latent", "discriminator_width")
        require_at_least("model", self, 0, "coarse_steps")
        require_above_zero("model", self, "radius", "lr")


def masked_l1(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return mean (|image - target| * (1 + mask)) of (B, 3, H, W) photos and a (B, H, W) mask of zeros and ones."""
    return ((image - target).float().abs() * (1 + mask[:, None].float())).mean()


def _two_convs(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
    )


class RefineUNet(nn.Module):
    """Coarse picture and source photo (B, 6, H, W) -> difference map (B, 3, H, W), not bounded.

    Two resolutions less than the coarse generator, neither residuals nor a bottleneck; the decoder keeps `width`
    channels. The deepest map meets itself as its first skip, as released.
    """

    def __init__(self, size: Size, width: int, skips: RefineSkips) -> None:
        super().__init__()
        blocks = max(unet_blocks(size) - 2, 1)
        channels = [width * (i + 1) for i in range(blocks)]
        self.skips = blocks if skips == "all" else blocks - 1
        self.first = nn.Conv2d(6, width, 3, padding=1)
        self.encoder = nn.ModuleList(_two_convs(before, after) for before, after in pairwise([width, *channels]))
        self.down = nn.ModuleList(SameConv2d(c, c, 3, stride=2) for c in channels[:-1])
        below = [channels[-1]] + [width] * (blocks - 1)
        beside = [c if i < self.skips else 0 for i, c in enumerate(reversed(channels))]
        self.decoder = nn.ModuleList(_two_convs(a + b, width) for a, b in zip(below, beside, strict=True))
        self.last = nn.Conv2d(width, 3, 3, padding=1)
        glorot_uniform(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return what has to be added to the coarse picture."""
        skips = [self.encoder[0](F.relu(self.first(x)))]
        for down, block in zip(self.down, self.encoder[1:], strict=True):
            skips.append(block(F.relu(down(skips[-1]))))
        x = skips[-1]
        for i, block in enumerate(self.decoder):
            if i > 0:
                x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, skips[-1 - i]], 1) if i < self.skips else x)
        difference: Tensor = self.last(x)
        return difference


class PG2Generator(Generator):
    """Both stages; the second one counts from the step on at which its training begins.

    In training mode no gradient reaches the first stage through `render`: it is frozen when the second one learns.
    """

    refining: Tensor

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.radius = config.radius
        self.coarse = ResidualUNet(3 + JOINTS, config.size, width=config.width, latent=config.latent)
        self.refine = RefineUNet(config.size, config.width, config.refine_skips)
        self.size_multiple = self.coarse.size_multiple
        self.register_buffer("refining", torch.zeros(()))  # 0 or 1; saved, so that weights of the first stage work

    def start_refining(self) -> None:
        """Let the difference map count from now on."""
        self.refining = torch.ones_like(self.refining)

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the photo itself: the target pose enters at the first layer, and the source's pose nowhere."""
        return (source,)

    def draw_coarse(self, source: Tensor, target_pose: Pose) -> Tensor:
        """Return the first stage's pictures of fitted photos, not bounded."""
        discs = render_discs(target_pose, (source.shape[-2], source.shape[-1]), self.radius).to(source.dtype)
        image: Tensor = self.coarse(torch.cat([source, discs], 1))
        return image

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos in the target pose, with `coarse` and `difference` in aux; in [-1, 1] in eval mode only."""
        (source,) = features
        with torch.no_grad() if self.training else nullcontext():
            coarse = self.draw_coarse(source, target_pose)
        difference = self.refine(torch.cat([coarse, source], 1))
        image = coarse + self.refining * difference
        if not self.training:
            image = image.clamp(-1, 1)
        return Output(image, {"coarse": [coarse], "difference": [difference]})


@register_model("pg2")
class PG2(ReposeModel):
    """Generator of two stages, the `photo` discriminator, and their losses."""

    Config = PG2Config
    generator: PG2Generator

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        self.generator = PG2Generator(config)
        channels = 6 if config.scheme == "pair" else 3
        critic = DCGANDiscriminator(config.size, in_channels=channels, width=config.discriminator_width)
        self.discriminators = nn.ModuleDict({"photo": critic})

    def phases(self) -> list[Phase]:
        """The coarse generator alone; then the refining one and the discriminator in turn."""
        config, generator = self.config, self.generator
        adam = Adam(lr=config.lr)
        coarse = (Update("coarse", (generator.coarse,), self.coarse_losses, adam),)
        refine = (
            Update("refine", (generator.refine,), self.generator_losses, adam),
            Update("discriminator", (self.discriminators,), self.discriminator_losses, adam),
        )
        streams = 1 if config.batches == "shared" else 2
        return [Phase("coarse", coarse, config.coarse_steps), Phase("refine", refine, streams=streams)]

    def _masked_l1(self, image: Tensor, batch: Batch) -> Tensor:
        return masked_l1(image, batch.target_image, pose_mask(batch.target_pose, batch.size, self.config.radius))

    def coarse_losses(self, context: StepContext) -> Losses:
        """The masked L1 of the coarse picture; the second stage is not run."""
        batch, generator = context.batches[0], self.generator
        image = generator.draw_coarse(generator.fit(batch.source_image), batch.target_pose)
        return {"g_coarse": self._masked_l1(generator.restore(image, batch.size), batch)}

    def judge(self, batch: Batch, image: Tensor, coarse: Tensor) -> dict[str, Tensor]:
        """Return the logits of what the scheme shows to the discriminator, by name, all from one pass.

        One pass, because the batch norm takes its statistics over all that is shown: the released code for
        Market-1501 shows the coarse pictures too, and uses their logits nowhere.
        """
        source, target = batch.source_image, batch.target_image
        if self.config.scheme == "pair":
            shown = {"real": torch.cat([source, target], 1), "fake": torch.cat([source, image], 1)}
        elif self.config.scheme == "triplet":
            shown = {"real": target, "source": source, "coarse": coarse, "fake": image}
        else:
            shown = {"real": target, "fake": image, "source": source}
        logits = self.discriminators["photo"](torch.cat(list(shown.values())))
        return dict(zip(shown, logits.split(len(source)), strict=True))

    def generator_losses(self, context: StepContext) -> Losses:
        """-log D(result) and the weighted masked L1; `triplet_joint` averages the first with -log D(source)."""
        self.generator.start_refining()
        batch, output = context.batches[0], context.generate()
        logits = self.judge(batch, output.image, self._coarse(output, batch))
        wanted = logits["fake"]
        if self.config.scheme == "triplet_joint":  # the sources' half reaches the generator by batch statistics only
            wanted = torch.cat([wanted, logits["source"]])
        losses = {
            "g_adversarial": generator_adversarial(wanted, "bce"),
            "g_reconstruction": self.config.reconstruction_weight * self._masked_l1(output.image, batch),
        }
        return losses | self.config.agreement_losses(output.image, batch.target_image)

    def discriminator_losses(self, context: StepContext) -> Losses:
        """Target against result, and against the source photo too in the triplet schemes; on a batch of its own if any.

        triplet: -log D(target) / 2 - log(1 - D(result)) / 4 - log(1 - D(source)) / 4; pair: the usual two terms.
        """
        self.generator.start_refining()
        stream = len(context.batches) - 1
        batch, output = context.batches[stream], context.generate(stream)
        logits = self.judge(batch, output.image.detach(), self._coarse(output, batch))
        if self.config.scheme == "pair":
            return {"d_adversarial": discriminator_adversarial(logits["real"], logits["fake"], "bce")}
        fakes = torch.cat([logits["fake"], logits["source"]])
        return {"d_adversarial": 0.5 * discriminator_adversarial(logits["real"], fakes, "bce")}

    def _coarse(self, output: Output, batch: Batch) -> Tensor:
        return self.generator.restore(output.aux["coarse"][0], batch.size).detach()
