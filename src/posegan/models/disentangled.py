"""Disentangled: Ma et al., "Disentangled Person Image Generation", CVPR 2018.

A photo becomes one embedding of its person's parts and one of its background, from which a U-Net draws it again in its
own pose; small networks that make such embeddings from noise then let people be sampled. No pairs of photos are
needed. Built after the released TensorFlow code; docs/models/disentangled.md tells what differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.config import require_above_zero, require_at_least
from posegan.errors import UserError
from posegan.layers.dcgan import DCGANDiscriminator
from posegan.layers.embedding_mlp import EmbeddingCritic, Mapper, PoseAutoEncoder
from posegan.layers.part_encoder import BACKGROUND, FOREGROUND, PartEncoder
from posegan.layers.residual_unet import ResidualUNet
from posegan.layers.tiled_conv import tiled_conv
from posegan.losses import (
    critic_wasserstein,
    discriminator_adversarial,
    generator_adversarial,
    generator_wasserstein,
    gradient_penalty,
)
from posegan.models.base import (
    Adam,
    Features,
    Generator,
    Losses,
    ModelConfig,
    Output,
    Phase,
    ReposeModel,
    RMSProp,
    StepContext,
    Update,
    register_model,
)
from posegan.pose import COCO18, Pose, Size
from posegan.pose.boxes import Growth
from posegan.pose.heatmap import render_discs

POSE = 32  # numbers in the embedding of a pose
DISC = 4.0  # radius of the joints' discs in pixels
PENALTY_WEIGHT, WEIGHT_LIMIT = 10.0, 0.01  # of the two ways to train the embeddings' critics


@dataclass(frozen=True)
class DisentangledConfig(ModelConfig):
    """Settings of Disentangled; the defaults are those of the released model for Market-1501."""

    background: bool = True
    """Encode the background apart from the person; without it (DeepFashion) the parts hold all there is."""
    crop: int = 48
    """Side in pixels to which every body part is cut out (64 on DeepFashion); a multiple of 8."""
    growth: Growth = "fixed"
    """Margins of the parts' boxes: `fixed`, or wider `by_legs`, with the nose raised (DeepFashion)."""
    mask_radius: float = 6.0
    """Radius in pixels of the limbs in the mask that parts person and background (the released converter draws 7)."""
    width: int = 128
    """Channels of the first layer of encoder and decoder; the published models have 128."""
    blocks: int = 5
    """Resolutions of the decoder and of the background's encoder."""
    latent: int = 64
    """Numbers that the decoder's bottleneck passes on."""
    hidden: int = 512
    """Width of the layers of pose auto-encoder, samplers and their critics."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer; the published models have 64."""
    reconstruction_weight: float = 20.0
    """Weight of the L1 on pixels, and of the squared distance of poses."""
    joint_pass: bool = False
    """Pass real and generated photos through the discriminator together (DeepFashion): its batch norm sees both."""
    batches: Literal["shared", "independent"] = "shared"
    """`independent` draws a batch for each of the two updates of the image phase, as the released code does."""
    sampler: Literal["gp", "clip"] = "gp"
    """How the samplers' critics are kept smooth: gradient penalty, or clipped weights and RMSProp (released runs)."""
    noise: float = 0.2
    """Standard deviation of the noise that the samplers start from."""
    critic_steps: int = 5
    """Steps of the samplers' critics to one of the samplers."""
    image_steps: int = 120_000
    """Steps of the first phase, which trains encoder, decoder and discriminator."""
    pose_steps: int = 60_000
    """Steps of the second phase, which trains the pose auto-encoder; the rest of the run trains the samplers."""
    lr: float = 2e-5
    """Learning rate of all optimisers at the start of each phase."""
    halve_every: int = 50_000
    """Steps of a phase after which the learning rate is halved; for the samplers, steps of theirs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width", "latent", "discriminator_width", "critic_steps", "halve_every")
        require_at_least("model", self, 2, "hidden", "blocks")
        require_at_least("model", self, 0, "image_steps", "pose_steps", "noise")
        require_above_zero("model", self, "mask_radius", "lr")
        if self.crop < 8 or self.crop % 8:
            raise UserError(f"model.crop is {self.crop}: it must be a multiple of 8, such as 48 or 64.")


class DisentangledGenerator(Generator):
    """All that generation needs: encoder and decoder of photos, the pose auto-encoder, and the samplers.

    It is a `FactorSampler`: `factors` takes foreground, background and pose from photos, `sample` draws the rest.
    """

    def __init__(self, config: DisentangledConfig) -> None:
        super().__init__()
        self.config = config
        self.appearance = PartEncoder(
            config.size,
            width=config.width,
            crop=config.crop,
            growth=config.growth,
            background_blocks=config.blocks if config.background else None,
            mask_radius=config.mask_radius,
        )
        inputs = self.appearance.outputs + len(COCO18)
        self.decoder = ResidualUNet(inputs, config.size, blocks=config.blocks, width=config.width, latent=config.latent)
        self.size_multiple = self.decoder.size_multiple
        self.pose = PoseAutoEncoder(POSE, config.hidden)
        background = {"background": BACKGROUND} if config.background else {}
        self.sizes = {"foreground": FOREGROUND, **background, "pose": POSE}
        self.factor_names = tuple(self.sizes)
        self.mappers = nn.ModuleDict(
            {
                name: Mapper(size, config.hidden // 2 if name == "background" else config.hidden, config.noise)
                for name, size in self.sizes.items()
            }
        )

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the embedding and, for its size only, one channel of the photo."""
        return self.appearance(source, source_pose), source[:, :1]

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos in the target pose; the values are kept in [-1, 1] in eval mode only."""
        embedding, frame = features
        return Output(self.decode(embedding, target_pose, (frame.shape[-2], frame.shape[-1])))

    def decode(self, embedding: Tensor, pose: Pose, size: Size) -> Tensor:
        """Return pictures (B, 3, H, W) of embeddings (B, n), which stand at every pixel beside the joints' discs."""
        discs = render_discs(pose, size, DISC).to(embedding.dtype)
        image: Tensor = self.decoder.after_first(tiled_conv(self.decoder.first, embedding, discs))
        return image if self.training else image.clamp(-1, 1)

    def factors(self, source: Tensor, source_pose: Pose) -> dict[str, Tensor]:
        """Return the embeddings of photos (B, 3, H, W) in [-1, 1] with poses in their pixels, as {factor: (B, n)}."""
        size = source.shape[-2], source.shape[-1]
        embedding = self.appearance(self.fit(source), self.fit_pose(source_pose, size))
        parts = embedding.tensor_split([FOREGROUND], 1) if self.config.background else (embedding,)
        return dict(zip(self.factor_names, (*parts, self.pose.encode(source_pose, size)), strict=True))

    def sample(self, target_pose: Pose, size: Size, given: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return photos (B, 3, H, W) in [-1, 1] of people who look at random, in poses (B,) of an (H, W) frame.

        given: what is not drawn, {"foreground": (B, 224) or (1, 224), "background": (B, 128) or (1, 128)}, as from
        `factors`; photos exchange their factors this way. Raises UserError if the sampler of what is drawn is not
        trained, ValueError for another factor.
        """
        given, count = dict(given or {}), len(target_pose)
        names = [name for name in self.factor_names if name != "pose"]
        if given.keys() - set(names):
            raise ValueError(f"no factors {sorted(given.keys() - set(names))}: there are {names}")
        parts = [given[name].expand(count, -1) if name in given else self._drawn(name, count) for name in names]
        frame = self.fit(target_pose.xy.new_empty(1, 1, *size)).shape
        image = self.decode(torch.cat(parts, 1), self.fit_pose(target_pose, size), (frame[-2], frame[-1]))
        return self.restore(image, size)

    def sample_pose(self, count: int, size: Size) -> Pose:
        """Return random poses (count,) in pixels of an (H, W) frame; raises UserError if their sampler is untrained."""
        return self.pose.decode(self._drawn("pose", count), size)

    def _drawn(self, name: str, count: int) -> Tensor:
        mapper = self.mappers[name]
        assert isinstance(mapper, Mapper)
        if not mapper.trained:
            raise UserError(
                f"These weights have no trained sampler of the {name}: train on into the phase 'samplers', or give a "
                f"{name}."
            )
        return mapper.draw(count)


def halving(every: int, step: int) -> float:
    """Return the factor of the learning rate after `step` steps: a half for each `every` of them."""
    return 0.5 ** (step // every)


@register_model("disentangled")
class Disentangled(ReposeModel):
    """Generator, the `photo` discriminator, a critic for each sampler, and their losses."""

    Config = DisentangledConfig
    generator: DisentangledGenerator

    def __init__(self, config: DisentangledConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = DisentangledGenerator(config)
        self.discriminators = nn.ModuleDict(
            {name: EmbeddingCritic(size, config.hidden) for name, size in self.generator.sizes.items()}
        )
        self.discriminators["photo"] = DCGANDiscriminator(config.size, width=config.discriminator_width)

    def phases(self) -> list[Phase]:
        """Photos, poses, and with both frozen the samplers; each photo is its own target throughout."""
        config, generator = self.config, self.generator
        adam = Adam(lr=config.lr, schedule=partial(halving, config.halve_every))
        image = (
            Update("image", (generator.appearance, generator.decoder), self.image_losses, adam),
            Update("discriminator", (self.discriminators["photo"],), self.discriminator_losses, adam),
        )
        pose = (Update("pose", (generator.pose,), self.pose_losses, adam),)
        # A step of this phase is one of the critics; lengths are told in steps of the samplers.
        slower = partial(halving, config.halve_every * config.critic_steps)
        drawing: Adam | RMSProp = Adam(lr=config.lr, beta2=0.9, schedule=slower)
        judging = drawing
        if config.sampler == "clip":
            drawing = RMSProp(lr=config.lr, schedule=slower)
            judging = RMSProp(lr=config.lr, schedule=slower, clip=WEIGHT_LIMIT)
        critics = tuple(self.discriminators[name] for name in generator.factor_names)
        streams = 1 if config.batches == "shared" else len(image)
        samplers = (
            Update("samplers", (generator.mappers,), self.sampler_losses, drawing, every=config.critic_steps),
            Update("critics", critics, self.critic_losses, judging),
        )
        return [
            Phase("image", image, config.image_steps, streams=streams, self_reconstruction=1.0),
            Phase("pose", pose, config.pose_steps, self_reconstruction=1.0),
            Phase("samplers", samplers, self_reconstruction=1.0),
        ]

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's logits of real and generated photos, in one pass or in two as configured."""
        photo = self.discriminators["photo"]
        if self.config.joint_pass:
            both = photo(torch.cat([real, fake])).split([len(real), len(fake)])
            return both[0], both[1]
        return photo(real), photo(fake)

    def image_losses(self, context: StepContext) -> Losses:
        """-log D(fake) and the weighted L1 over all pixels."""
        image, target = context.generate().image, context.batches[0].target_image
        logits = self.judge(target, image)[1] if self.config.joint_pass else self.discriminators["photo"](image)
        return {
            "g_adversarial": generator_adversarial(logits, "bce"),
            "g_pixel": self.config.reconstruction_weight * F.l1_loss(image, target),
        }

    def discriminator_losses(self, context: StepContext) -> Losses:
        """(-log D(real) - log(1 - D(fake))) / 2, on a batch of its own if the phase draws one."""
        stream = len(context.batches) - 1
        real, fake = self.judge(context.batches[stream].target_image, context.fake(stream))
        return {"d_adversarial": 0.5 * discriminator_adversarial(real, fake, "bce")}

    def pose_losses(self, context: StepContext) -> Losses:
        """The weighted mean squared distance of all 54 numbers, those of missing joints among them."""
        batch, coder = context.batches[0], self.generator.pose
        found = coder.decode_numbers(coder.encode(batch.source_pose, batch.size))
        wanted = coder.numbers(batch.source_pose, batch.size)
        return {"g_pose": self.config.reconstruction_weight * F.mse_loss(found, wanted)}

    def sampler_losses(self, context: StepContext) -> Losses:
        """Minus the critics' mean score of what the samplers draw, for each factor apart."""
        for mapper in self.generator.mappers.values():
            mapper.get_buffer("trained").fill_(1.0)  # weights without it refuse to draw
        return {
            f"g_sample_{name}": generator_wasserstein(self.discriminators[name](drawn))
            for name, drawn in self._draw(len(context.batches[0])).items()
        }

    def critic_losses(self, context: StepContext) -> Losses:
        """Mean score of drawn embeddings minus that of photos' for each factor, and the gradient penalties."""
        batch = context.batches[0]
        with torch.no_grad():
            real = self.generator.factors(batch.source_image, batch.source_pose)
            drawn = self._draw(len(batch))
        losses: Losses = {}
        for name in self.generator.factor_names:
            critic = self.discriminators[name]
            losses[f"d_sample_{name}"] = critic_wasserstein(critic(real[name]), critic(drawn[name]))
            if self.config.sampler == "gp":
                penalty = gradient_penalty(critic, real[name], drawn[name])
                losses[f"d_penalty_{name}"] = PENALTY_WEIGHT * penalty
        return losses

    def _draw(self, count: int) -> dict[str, Tensor]:
        drawn = {}
        for name, mapper in self.generator.mappers.items():
            assert isinstance(mapper, Mapper)
            drawn[name] = mapper.draw(count)
        return drawn
