"""PoseGAN: two encoders, source features warped to the target pose at every skip, a discriminator pair, four losses.

The brief fixes the parts and the losses, not the layers; what is decided here, and why, is in docs/models/posegan.md.
The warp of a skip is one dense flow: that of the body parts (layers/part_flow.py) plus a learned residual that starts
at zero. A gate decides per pixel how much of the warped source is used, attention fetches what the flow cannot reach.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.config import require_above_zero, require_at_least
from posegan.errors import UserError
from posegan.layers.adapn import AdaptivePatchNorm
from posegan.layers.blocks import ResidualBlock
from posegan.layers.deformable_skip import DeformableSkip
from posegan.layers.feature_discriminator import FeatureDiscriminator, FeatureView, move_features, shift_right_down
from posegan.layers.features import FeatureNetwork, load_features, require_tap
from posegan.layers.part_flow import part_flow, resize_flow
from posegan.layers.patch_discriminator import PatchDiscriminator
from posegan.layers.pose_encoders import (
    POSE_CHANNELS,
    POSE_STRIDE,
    SourceEncoder,
    TargetEncoder,
    group_norm,
    pose_maps,
)
from posegan.losses import (
    discriminator_adversarial,
    gan_r1,
    generator_adversarial,
    nearest_neighbour_loss,
    offset_smoothness_loss,
    perceptual_loss,
    require_window,
)
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
from posegan.pose import Pose

COMPARED = ("relu1_2", "relu2_2", "relu3_2", "relu4_2")  # taps of the perceptual loss and the feature discriminator


@dataclass(frozen=True)
class PoseGANConfig(FallingRateConfig, AgreementConfig):
    """Settings of PoseGAN; the defaults are the compact model for 128x64."""

    width: int = 16
    """Channels at full resolution; they double with each halving up to 16 times this."""
    depth: int = 4
    """Halvings of the resolution; the skips are the `depth` maps above the bottleneck."""
    blocks: int = 1
    """Residual blocks per level of the decoder."""
    deform: Literal["affine", "flow", "both"] = "both"
    """What moves the skips: the body parts' affines, a learned flow, or the affines plus a learned residual flow."""
    background: Literal["torso", "still"] = "torso"
    """What pixels off the body follow before the residual: the torso as in Deformable GAN, or nothing."""
    attention: bool = True
    """Whether the target attends to the source on the maps of 1/8 of the size and below."""
    modulation: bool = False
    """Whether the moved source also normalises, scales and shifts the decoder's features, as AdaPN in APS."""
    sigma: float = 6.0
    """Standard deviation of the joint heatmaps in pixels."""
    discriminator_width: int = 32
    """Channels of the discriminators at the photo's resolution; they double with each halving."""
    spectral_norm: bool = True
    """Whether the discriminators' convolutions are spectrally normalised."""
    adversarial: Literal["bce", "lsgan", "hinge"] = "lsgan"
    """Form of the adversarial loss."""
    adversarial_weight: float = 1.0
    """Weight of the adversarial loss of the pose and of the identity discriminator; 0 leaves them out."""
    feature_adversarial_weight: float = 0.0
    """Weight of that of a third discriminator, which judges frozen features beside the moved source's; 0: none."""
    mismatch_weight: float = 0.5
    """Weight of real photos with a wrong pose or a wrong person among the discriminators' fakes."""
    r1_weight: float = 0.0
    """Weight of the pose and the identity discriminator's squared gradient at real targets (R1)."""
    self_reconstruction: float = 0.0
    """Share of the pairs of a batch in which the source is its own target."""
    pixel_weight: float = 20.0
    """Weight of the L1 distance on pixels."""
    perceptual_weight: float = 1.0
    """Weight of the L1 distance on frozen features."""
    nearest_weight: float = 0.05
    """Weight of the nearest-neighbour loss."""
    nearest_layer: str = "relu1_2"
    """Feature map that the nearest-neighbour loss searches."""
    window: int = 3
    """Side of the search window of the nearest-neighbour loss in pixels of that map."""
    smoothness_weight: float = 0.1
    """Weight of the offset smoothness, over all scales."""
    features: Literal["none", "vgg19", "vgg19_caffe", "vgg19_distilled"] = "vgg19"
    """Frozen network of the losses on features; `none`: nearest-neighbour search on pixels, no perceptual loss."""
    features_path: str | None = None
    """File of that network's weights; torchvision's are downloaded if this is empty."""
    feature_jitter: int = 0
    """Pixels by which photos are shifted at most before that network, at random, so that its pooling has no grid."""
    feature_noise: float = 0.0
    """Deviation of the noise that covers the grain of photos before that network, which a generator cannot imitate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 2, "width")
        require_at_least("model", self, 1, "depth", "discriminator_width")
        require_at_least("model", self, 0, "blocks")
        require_above_zero("model", self, "sigma")
        require_at_least("model", self, 0, "feature_jitter")
        require_at_least("model", self, 0, "r1_weight", "self_reconstruction")
        require_at_least("model", self, 0, "feature_adversarial_weight", "feature_noise")
        require_tap("model.nearest_layer", self.nearest_layer)
        require_window("model.window", self.window)
        if self.self_reconstruction > 1:
            raise UserError(f"model.self_reconstruction is {self.self_reconstruction}: it is a share, at most 1.")
        if self.feature_adversarial_weight > 0 and self.features in ("none", "vgg19_caffe"):
            raise UserError(
                f"model.feature_adversarial_weight needs features near 1, and model.features is {self.features}: take "
                "vgg19 or vgg19_distilled."
            )


def _widths(config: PoseGANConfig) -> list[int]:
    return [min(config.width * 2**i, config.width * 16) for i in range(config.depth + 1)]


class PoseGANGenerator(Generator):
    """Source encoder, target encoder, and a decoder that fetches the source through deformable skips."""

    def __init__(self, config: PoseGANConfig) -> None:
        super().__init__()
        self.config = config
        self.size_multiple = 2**config.depth
        source = _widths(config)
        target = [0, *(max(16, w // 2) for w in source[1:])]  # none at full resolution
        self.source_encoder = SourceEncoder(source)
        self.target_encoder = TargetEncoder(target[1:])
        skips, decoders, modulations = [], [], []
        above = 0  # channels that come from the level below in resolution
        for level in reversed(range(config.depth + 1)):
            guide = above + target[level]
            attends = config.attention and level >= 3
            skips.append(DeformableSkip(source[level], guide, config.deform, attends))
            out = source[max(level - 1, 0)]
            decoders.append(
                nn.Sequential(
                    nn.Conv2d(guide + source[level], out, 3, padding=1),
                    *(ResidualBlock(out, group_norm) for _ in range(config.blocks)),
                )
            )
            modulations += [AdaptivePatchNorm(out, source[level], 1)] if config.modulation else []
            above = out
        self.skips = nn.ModuleList(skips)  # deepest first, as the decoder uses them
        self.decoders = nn.ModuleList(decoders)
        self.modulations = nn.ModuleList(modulations)
        self.image = nn.Sequential(group_norm(above), nn.SiLU(), nn.Conv2d(above, 3, 3, padding=1), nn.Tanh())

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the source maps, full resolution first."""
        maps = pose_maps(source_pose, (source.shape[-2], source.shape[-1]), self.config.sigma)
        return tuple(self.source_encoder(source, maps))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos; aux: residual flows and gates, deepest first, in eval mode also what is `warped`."""
        return self._render(features, source_pose, target_pose, None)

    def render_together(self, features: Features, source_pose: Pose, target_pose: Pose, shares: Tensor) -> Output:
        """Return one person in poses (T,) as of `render`, what K photos show of them mixed by `shares` at every skip.

        The photos' features are moved by the flow of each; residual, gate and decoder are those of one photo, so that
        no weight is new.
        """
        poses, photos = shares.shape[:2]
        first = shares.new_tensor([1.0] + [0.0] * (photos - 1))[:, None, None]
        shares = shares + (1 - shares.sum(1, keepdim=True)) * first
        each = torch.arange(photos, device=shares.device).repeat(poses)  # the photos of a pose are side by side
        return self._render(tuple(f[each] for f in features), source_pose[each], target_pose, shares)

    def _render(self, features: Features, source_pose: Pose, target_pose: Pose, shares: Tensor | None) -> Output:
        frame = (features[0].shape[-2], features[0].shape[-1])
        wanted = target_pose
        if shares is not None:
            wanted = target_pose[torch.arange(len(shares), device=shares.device).repeat_interleave(shares.shape[1])]
        base = part_flow(source_pose, wanted, frame, POSE_STRIDE, still=self.config.background == "still")
        guides = self.target_encoder(pose_maps(target_pose, frame, self.config.sigma))
        out: Tensor | None = None
        flows, gates, warped = [], [], []
        for depth, level in enumerate(reversed(range(len(features)))):
            skip, decode = self.skips[depth], self.decoders[depth]
            assert isinstance(decode, nn.Sequential)
            guide = torch.cat([x for x in (out, guides[level - 1] if level else None) if x is not None], 1)
            here = shares if shares is None or level == 0 else F.avg_pool2d(shares, 2**level)
            moved, residual, gate = skip(features[level], guide, resize_flow(base, POSE_STRIDE, 2**level), here)
            flows.append(residual)
            gates.append(gate)
            warped += [] if self.training else [moved]
            out = decode[0](torch.cat([guide, moved], 1))
            if self.modulations:
                out, _ = self.modulations[depth](out, moved)
            out = decode[1:](out)
            if level:
                out = F.interpolate(out, scale_factor=2.0, mode="nearest")
        return Output(self.image(out), {"flows": flows, "gates": gates} | ({"warped": warped} if warped else {}))


@register_model("posegan")
class PoseGAN(ReposeModel):
    """Generator, a pose and an identity discriminator, one on features if asked, the brief's losses and some more."""

    Config = PoseGANConfig

    def __init__(self, config: PoseGANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = PoseGANGenerator(config)
        self.discriminators = nn.ModuleDict(
            {
                "pose": PatchDiscriminator(3, POSE_CHANNELS, config.discriminator_width, config.spectral_norm),
                "identity": PatchDiscriminator(6, 0, config.discriminator_width, config.spectral_norm),
            }
        )
        if config.feature_adversarial_weight > 0:
            width, spectral = config.discriminator_width, config.spectral_norm
            self.discriminators["features"] = FeatureDiscriminator(COMPARED, POSE_CHANNELS, width, spectral)
        self.features: FeatureNetwork | None = None  # frozen, loaded by `phases`, in no state_dict

    def phases(self) -> list[Phase]:
        """One phase on shared batches: the discriminators first, then the generator."""
        config = self.config
        if config.features != "none" and self.features is None:
            self.features = load_features(config.features, config.features_path)
        adam = config.adam()
        updates = [Update("generator", (self.generator,), self.generator_losses, adam)]
        on_photos = config.adversarial_weight > 0
        judges = tuple(judge for name, judge in self.discriminators.items() if on_photos or name == "features")
        if judges:
            updates.insert(0, Update("discriminator", judges, self.discriminator_losses, adam))
        return [Phase("adversarial", tuple(updates), self_reconstruction=config.self_reconstruction)]

    def discriminator_losses(self, context: StepContext) -> Losses:
        """Judge real photos with their pose and person against generated ones and against mismatched real ones.

        The pose discriminator sees (target, its pose) and the source reference (source, its pose) as real. Mismatches,
        a photo with the other photo's pose or with another person of the batch, teach both that realism is not enough.
        The feature discriminator sees targets, generated photos and another person's target beside the moved source.
        """
        losses = self._photo_judgements(context) if self.config.adversarial_weight > 0 else {}
        return losses | (self._feature_judgements(context) if "features" in self.discriminators else {})

    def _photo_judgements(self, context: StepContext) -> Losses:
        config, batch, fake = self.config, context.batches[0], context.fake()
        source_maps, target_maps = self._maps(batch)
        source, target = batch.source_image, batch.target_image
        if config.r1_weight > 0:
            target = target.detach().requires_grad_()
        own = (batch.source_pose.xy == batch.target_pose.xy).flatten(1).all(1)  # for these the next pair's is wrong
        wrong_maps = torch.where(own[:, None, None, None], target_maps.roll(1, 0), source_maps)
        pose = self._judge(
            "pose",
            photos=[target, source, fake, target],
            conditions=[target_maps, source_maps, target_maps, wrong_maps],
        )
        mismatches = config.mismatch_weight > 0 and len(batch) > 1
        order = batch.strangers() if mismatches else None
        strangers = [_in_order(source, order)] if order else []
        photos, conditions = [target, fake, *[target for _ in strangers]], [source, source, *strangers]
        identity = self._judge("identity", photos=photos, conditions=conditions)
        losses = {
            "d_pose": discriminator_adversarial(torch.cat(pose[:2]), pose[2], config.adversarial),
            "d_identity": discriminator_adversarial(identity[0], identity[1], config.adversarial),
        }
        if mismatches:
            wrong = discriminator_adversarial(pose[0], pose[3], config.adversarial)
            for stranger in identity[2:]:
                wrong = wrong + discriminator_adversarial(identity[0], stranger, config.adversarial)
            losses["d_mismatch"] = config.mismatch_weight * wrong
        if config.r1_weight > 0:
            losses["d_r1"] = config.r1_weight * (gan_r1(pose[0], target) + gan_r1(identity[0], target))
        return losses

    def generator_losses(self, context: StepContext) -> Losses:
        """Adversarial, pixel, perceptual, nearest-neighbour and offset-smoothness terms, weighted."""
        config, batch = self.config, context.batches[0]
        output = context.generate()
        image, target = output.image, batch.target_image
        losses = {"g_pixel": config.pixel_weight * F.l1_loss(image.float(), target)}
        losses |= config.agreement_losses(image, target)
        if config.adversarial_weight > 0:
            _, target_maps = self._maps(batch)
            for name, condition in (("pose", target_maps), ("identity", batch.source_image)):
                logits = self._judge(name, [image], [condition])[0]
                losses[f"g_{name}"] = config.adversarial_weight * generator_adversarial(logits, config.adversarial)
        losses |= self._feature_losses(context, image)
        if config.deform != "affine" and config.smoothness_weight > 0:
            losses["g_smoothness"] = config.smoothness_weight * offset_smoothness_loss(output.aux["flows"])
        return losses

    def _maps(self, batch: Batch) -> tuple[Tensor, Tensor]:
        sigma = self.config.sigma
        return pose_maps(batch.source_pose, batch.size, sigma), pose_maps(batch.target_pose, batch.size, sigma)

    def _judge(self, name: str, photos: list[Tensor], conditions: list[Tensor]) -> list[Tensor]:
        """Return one discriminator's logits for several (photo, condition) lists in one pass."""
        photo, condition = torch.cat(photos), torch.cat(conditions)
        judge = self.discriminators[name]
        logits: Tensor = judge(photo, condition) if name == "pose" else judge(torch.cat([photo, condition], 1))
        return list(logits.split([len(photo) for photo in photos]))

    def _view(self, context: StepContext, image: Tensor) -> FeatureView:
        """Return the step's photos, `image` the generated ones, through the frozen network."""
        return context.once("view", lambda: self._look(context.batches[0], image))

    def _look(self, batch: Batch, image: Tensor) -> FeatureView:
        assert self.features is not None
        config, features, taps = self.config, self.features, (*COMPARED, self.config.nearest_layer)
        x, y = (int(pixels) for pixels in torch.randint(config.feature_jitter + 1, (2,)))
        grain: Tensor | float = 0.0
        if config.feature_noise > 0:  # the same on real and generated photos
            grain = config.feature_noise * torch.randn(batch.target_image.shape, device=batch.target_image.device)
        found = features(shift_right_down(image, x, y) + grain, taps)
        with torch.no_grad():
            wanted = features(shift_right_down(batch.target_image, x, y) + grain, taps)
            if "features" not in self.discriminators:
                return FeatureView(found, wanted)
            source_pose, target_pose = batch.source_pose.crop(-x, -y), batch.target_pose.crop(-x, -y)
            still = config.background == "still"
            flow = part_flow(source_pose, target_pose, batch.size, POSE_STRIDE, still=still)
            source = features(shift_right_down(batch.source_image, x, y), COMPARED)
            moved = move_features(source, flow, POSE_STRIDE)
            return FeatureView(found, wanted, moved, pose_maps(target_pose, batch.size, config.sigma))

    def _feature_judgements(self, context: StepContext) -> Losses:
        config, judge = self.config, self.discriminators["features"]
        # The generator's update can use the same view, graph and all, if it can use the same pass of the generator.
        view = self._view(context, context.generate().image if context.shared else context.fake())
        order = context.batches[0].strangers() if config.mismatch_weight > 0 else None
        others = [{tap: _in_order(maps, order) for tap, maps in view.wanted.items()}] if order else []
        real, *fakes = judge(view, [view.wanted, {tap: maps.detach() for tap, maps in view.found.items()}, *others])
        weights = {"d_features": 1.0, "d_feature_mismatch": config.mismatch_weight}
        return {
            name: weight * mean_of(partial(discriminator_adversarial, kind=config.adversarial), real, fake)
            for (name, weight), fake in zip(weights.items(), fakes, strict=False)
        }

    def _feature_losses(self, context: StepContext, image: Tensor) -> Losses:
        config = self.config
        if self.features is None:
            target = context.batches[0].target_image
            return {"g_nearest": config.nearest_weight * nearest_neighbour_loss(image, target, config.window)}
        view = self._view(context, image)
        generated, real = ({tap: maps[tap] for tap in COMPARED} for maps in (view.found, view.wanted))
        layer = config.nearest_layer
        losses = {
            "g_perceptual": config.perceptual_weight * perceptual_loss(generated, real),
            "g_nearest": config.nearest_weight
            * nearest_neighbour_loss(view.found[layer], view.wanted[layer], config.window),
        }
        if "features" in self.discriminators:
            (logits,) = self.discriminators["features"](view, [view.found])
            fooled = mean_of(partial(generator_adversarial, kind=config.adversarial), logits)
            losses["g_features"] = config.feature_adversarial_weight * fooled
        return losses


def mean_of(loss: Callable[..., Tensor], *scales: list[Tensor]) -> Tensor:
    """Return the mean over scales of a loss of that scale's logits."""
    return torch.stack([loss(*logits) for logits in zip(*scales, strict=True)]).mean()


def _in_order(values: Tensor, order: Sequence[int]) -> Tensor:
    """Return the rows of values (B, ...) in an order; in pieces, which needs no transfer to a GPU."""
    return torch.cat([values[place : place + 1] for place in order])
