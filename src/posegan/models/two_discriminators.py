"""The training frame that PATN and APS share: two discriminators, two image pools, one perceptual loss.

One discriminator compares the photo with the source photo (appearance), the other with the target pose (shape). No
model is registered here; a model gives its generator. Losses and schedule are those of PATN's released code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.config import require_above_zero, require_at_least
from posegan.errors import UserError
from posegan.layers.features import FeatureNetwork, load_features
from posegan.layers.image_pool import ImagePool
from posegan.layers.patch_resnet import Norm, ResnetDiscriminator
from posegan.losses import discriminator_adversarial, generator_adversarial, perceptual_loss
from posegan.models.agreement import AgreementConfig
from posegan.models.base import Adam, Generator, Losses, Phase, ReposeModel, StepContext, Update
from posegan.pose import COCO18
from posegan.pose.heatmap import render_heatmap

JOINTS = len(COCO18)
CHANNELS = {"appearance": 3 + 3, "shape": 3 + JOINTS}  # photo and source photo, photo and target heatmaps
FEATURE_LAYER = "relu1_2"
MEAN_SQUARE = {"bce": 1.0, "lsgan": 2.0}  # the released LSGAN is the plain mean square, ours has the factor 1/2


@dataclass(frozen=True)
class TwoDiscriminatorConfig(AgreementConfig):
    """Settings of the shared training frame; the defaults are PATN's for Market-1501."""

    width: int = 64
    """Channels of the first layer of all networks; the published models have 64."""
    norm: Norm = "batch"
    """`batch` with affine, or `instance` without, its statistics always the picture's own; published: instance for
    DeepFashion."""
    sigma: float = 6.0
    """Standard deviation of the joint heatmaps in pixels."""
    discriminator_dropout: float = 0.5
    """Dropout in the residual blocks of the discriminators."""
    gan_loss: Literal["bce", "lsgan"] = "bce"
    """Form of the adversarial loss; published: lsgan for DeepFashion."""
    gan_weight: float = 5.0
    """Weight of the adversarial losses, also of the discriminators' own."""
    pixel_weight: float = 10.0
    """Weight of the L1 distance on pixels (1 for DeepFashion)."""
    perceptual_weight: float = 10.0
    """Weight of the L1 distance on the features relu1_2 (1 for DeepFashion)."""
    pool: int = 50
    """Old fakes that each discriminator's pool holds; 0 shows only new ones (published for DeepFashion)."""
    features: Literal["none", "vgg19", "vgg19_caffe", "vgg19_distilled"] = "vgg19"
    """Frozen network of the perceptual loss; `none` leaves that loss out."""
    features_path: str | None = None
    """File of that network's weights; torchvision's are downloaded if this is empty."""
    lr: float = 2e-4
    """Learning rate of the three Adam optimisers before it decays."""
    constant_steps: int = 62_500
    """Steps at that learning rate: 500 epochs of 4,000 pairs."""
    decay_steps: int = 25_000
    """Steps in which it then falls to 0 along a line: 200 epochs."""
    epoch_steps: int = 125
    """Steps of an epoch, within which the learning rate stays."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width", "epoch_steps")
        require_at_least("model", self, 0, "gan_weight", "pixel_weight", "perceptual_weight", "discriminator_dropout")
        require_at_least("model", self, 0, "pool", "constant_steps", "decay_steps")
        require_above_zero("model", self, "sigma", "lr")
        require_below_one(self, "discriminator_dropout")


def require_below_one(config: object, key: str) -> None:
    """Raise UserError if that share of the model's config is not below 1."""
    value = getattr(config, key)
    if value >= 1:
        raise UserError(f"model.{key} is {value}: it must be below 1.")


def learning_rate_factor(step: int, config: TwoDiscriminatorConfig) -> float:
    """Return the factor of the learning rate at a step: 1, then a line to 0, in stairs of one epoch.

    As in the released code the line begins one epoch early, and the last epoch has a learning rate of 0.
    """
    epoch = step // config.epoch_steps
    constant, decay = config.constant_steps / config.epoch_steps, config.decay_steps / config.epoch_steps
    return max(0.0, 1 - max(0.0, epoch + 2 - constant) / (decay + 1))


class TwoDiscriminatorGAN(ReposeModel):
    """A generator with an appearance and a shape discriminator, their pools and their losses."""

    def __init__(self, config: TwoDiscriminatorConfig, generator: Generator) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.discriminators = nn.ModuleDict(
            {
                name: ResnetDiscriminator(channels, config.width, config.norm, dropout=config.discriminator_dropout)
                for name, channels in CHANNELS.items()
            }
        )
        self.pools = nn.ModuleDict(
            {name: ImagePool(config.pool, (channels, *config.size)) for name, channels in CHANNELS.items()}
        )
        self.features: FeatureNetwork | None = None  # frozen, loaded by `phases`, in no state_dict

    def phases(self) -> list[Phase]:
        """One phase on shared batches: generator, appearance, shape, all on the fakes made before the first update.

        Where a batch is split (training.accumulate), each update makes fakes of its own.
        """
        config = self.config
        if config.features != "none" and self.features is None:
            self.features = load_features(config.features, config.features_path)
        adam = Adam(lr=config.lr, schedule=partial(learning_rate_factor, config=config))
        judges = (
            Update(name, (self.discriminators[name],), partial(self.discriminator_losses, name), adam)
            for name in CHANNELS
        )
        return [Phase("adversarial", (Update("generator", (self.generator,), self.generator_losses, adam), *judges))]

    def _pair(self, name: str, batch: Batch, photo: Tensor) -> Tensor:
        """Return photo and condition as the discriminator of that name sees them: (B, 6 or 21, H, W)."""
        if name == "appearance":
            return torch.cat([photo, batch.source_image], 1)
        return torch.cat([photo, render_heatmap(batch.target_pose, batch.size, self.config.sigma)], 1)

    def generator_losses(self, context: StepContext) -> Losses:
        """Half the adversarial weight for each discriminator, L1 on pixels and L1 on features."""
        config, batch = self.config, context.batches[0]
        image, target = context.generate().image, batch.target_image
        losses = {}
        for name, judge in self.discriminators.items():
            adversarial = MEAN_SQUARE[config.gan_loss] * generator_adversarial(
                judge(self._pair(name, batch, image)), config.gan_loss
            )
            losses[f"g_{name}"] = config.gan_weight / 2 * adversarial
        losses["g_pixel"] = config.pixel_weight * F.l1_loss(image, target)
        losses |= config.agreement_losses(image, target)
        if self.features is not None:
            losses["g_perceptual"] = config.perceptual_weight * self._perceptual(self.features, image, target)
        return losses

    def _perceptual(self, features: FeatureNetwork, image: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(target, (FEATURE_LAYER,))
        return perceptual_loss(features(image, (FEATURE_LAYER,)), wanted)

    def discriminator_losses(self, name: str, context: StepContext) -> Losses:
        """Half the adversarial weight times (real as real plus pooled fake as fake).

        Real and fake go through in passes of their own, because batch norm would mix them.
        """
        config, batch, judge = self.config, context.batches[0], self.discriminators[name]
        real = judge(self._pair(name, batch, batch.target_image))
        fake = judge(self.pools[name](self._pair(name, batch, context.fake())))
        adversarial = MEAN_SQUARE[config.gan_loss] * discriminator_adversarial(real, fake, config.gan_loss)
        return {f"d_{name}": config.gan_weight / 2 * adversarial}
