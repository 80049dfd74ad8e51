"""VUNet: A Variational U-Net for Conditional Appearance and Shape Generation (Esser, Sutter, Ommer, CVPR 2018).

The decoder draws a stick figure; how the person looks reaches it only through latents at its two lowest resolutions,
inferred from crops of the body parts. It is trained to redraw single photos, and re-poses by exchanging the figure.
The networks are in layers/variational_unet.py, the crops in layers/part_crops.py, the figure in pose/stickman.py.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.config import require_above_zero, require_at_least
from posegan.errors import UserError, unknown_name
from posegan.layers.features import KINDS, FeatureNetwork, load_features
from posegan.layers.part_crops import CROPS, crop_parts
from posegan.layers.variational_unet import Decoder, Posterior, PyramidEncoder
from posegan.layers.weight_norm import initialise_by_data
from posegan.losses import gram_loss, perceptual_loss, unit_gaussian_kl
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
    line_to_zero,
    register_model,
)
from posegan.pose import Pose, Size
from posegan.pose.stickman import render_stickman

LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
CAFFE = KINDS["vgg19_caffe"]  # the range in which the input itself is compared
BYTE = 127.5  # grey levels of 0..255 per unit of [-1, 1]
KL_AT_START = 1e-6


@dataclass(frozen=True)
class VUNetConfig(AgreementConfig):
    """Settings of VUNet; the defaults are those of the released code for Market-1501."""

    width: int = 32
    """Channels at full resolution; they double down to four times as many. The published models have 32."""
    bottleneck_factor: int | None = None
    """The deepest maps are 2^this pixels wide; empty: such that there are 7 resolutions (1 at 128 rows, 2 at 256)."""
    box_factor: int | None = None
    """The part crops are 1 / 2^this of the photo's height; empty: 64 pixels (1 at 128 rows, 2 at 256)."""
    latent_scales: int = 2
    """How many of the lowest resolutions have a latent."""
    dropout: float = 0.1
    """Dropout in the residual blocks."""
    reconstruction_weight: float = 5.0
    """Weight of the pixel, feature and Gram losses together."""
    feature_scales: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    """Factors of the features relu1_2 to relu5_2 before they are compared; 1 belongs to the range of vgg19_caffe."""
    gram_weight: float = 0.0
    """Weight of the Gram losses of the second round, which starts from the first one's weights (0.05; fashion 0.1)."""
    gram_layers: tuple[str, ...] = ("relu1_2", "relu2_2")
    """Features of the Gram losses; `input` is the photo itself (published for fashion: all five features and it)."""
    kl_weight: float = 1.0
    """Weight of the divergence of posterior and prior at the end."""
    kl_start: int = 50_000
    """Step up to which that weight is 1e-6."""
    kl_full: int = 75_000
    """Step from which it is kl_weight, after a linear rise."""
    lr: float = 1e-3
    """Learning rate of Adam at first."""
    lr_decay_start: int = 1_000
    """Step from which it falls along a line."""
    lr_decay_end: int = 100_000
    """Step at which it is 0."""
    features: Literal["none", "vgg19", "vgg19_caffe", "vgg19_distilled"] = "vgg19_caffe"
    """Frozen network of the feature and Gram losses; `none` compares pixels only."""
    features_path: str | None = None
    """File of that network's weights; torchvision's are downloaded if this is empty."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("model", self, 1, "width", "latent_scales", "lr_decay_start", "kl_start")
        require_at_least("model", self, 0, "dropout", "reconstruction_weight", "gram_weight", "kl_weight")
        require_above_zero("model", self, "lr")
        for first, last in (("kl_start", "kl_full"), ("lr_decay_start", "lr_decay_end")):
            if getattr(self, last) <= getattr(self, first):
                raise UserError(f"model.{last} is {getattr(self, last)}: it must be above model.{first}.")
        if self.dropout >= 1:
            raise UserError(f"model.dropout is {self.dropout}: it must be below 1.")
        for name in self.gram_layers:
            if name not in ("input", *LAYERS):
                raise unknown_name("layer in model.gram_layers:", name, ("input", *LAYERS))
        if self.gram_weight > 0 and self.features == "none":
            raise UserError("model.gram_weight needs a feature network: set model.features, or gram_weight to 0.")
        if self.bottleneck_factor is not None:
            require_at_least("model", self, 1, "bottleneck_factor")
        if self.box_factor is not None:
            require_at_least("model", self, 0, "box_factor")
        bottom, box = self.factors
        if self.latent_scales > self.resolutions - box:
            raise UserError(
                f"model.size {list(self.size)}, bottleneck_factor {bottom} and box_factor {box} leave the part crops "
                f"{max(self.resolutions - box, 0)} resolutions, fewer than latent_scales {self.latent_scales}: "
                "lower the factors."
            )

    @property
    def side(self) -> int:
        """Height and width of the square that photos are stretched to: the power of two nearest to their height."""
        return 1 << round(math.log2(self.size[0]))

    @property
    def factors(self) -> tuple[int, int]:
        """The bottleneck and the box factor, counted from the side where they are not given."""
        spare = round(math.log2(self.side)) - 6
        bottom = max(spare, 1) if self.bottleneck_factor is None else self.bottleneck_factor
        return bottom, max(spare, 0) if self.box_factor is None else self.box_factor

    @property
    def resolutions(self) -> int:
        """How many resolutions the shape encoder and the decoder have, from the side down to the bottleneck."""
        return 1 + round(math.log2(self.side)) - self.factors[0]

    @property
    def channels(self) -> list[int]:
        """Channels of each resolution, full resolution first."""
        return [min(self.width * 2**i, self.width * 4) for i in range(self.resolutions)]


class VUNetGenerator(Generator):
    """Shape encoder, appearance encoder, posterior, and the decoder with the prior.

    It is a `Sampler` of people's appearance, in poses that are given.
    """

    def __init__(self, config: VUNetConfig) -> None:
        super().__init__()
        channels, (_, box) = config.channels, config.factors
        self.side = config.side
        self.stretch_to = (config.side, config.side)
        self.crop_side = config.side >> box
        self.latent_scales = config.latent_scales
        self.shape = PyramidEncoder(3, channels, config.dropout)
        self.appearance = PyramidEncoder(3 * len(CROPS), channels[box:], config.dropout)
        upwards = channels[::-1]
        self.posterior = Posterior(upwards[: config.latent_scales], config.dropout)
        self.decoder = Decoder(upwards, config.latent_scales, config.dropout)

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the latents, lowest resolution first: the means, in training the samples and then the means."""
        maps = self.appearance(crop_parts(source, source_pose, self.crop_side))
        means, samples = self.posterior(maps[: -self.latent_scales - 1 : -1])
        return (*samples, *means) if self.training else tuple(means)

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos; aux: the linear `square` before it is cut to [-1, 1], in training `posterior` and `prior`.

        posterior, prior: the means of each latent.
        """
        samples, means = features[: self.latent_scales], features[self.latent_scales :]
        image, prior = self.decoder(self._shape_maps(target_pose), samples, judge=self.training)
        latents = {"posterior": means, "prior": prior} if self.training else {}
        return Output(image.clamp(-1, 1), {"square": [image], **latents})

    def sample(self, target_pose: Pose, size: Size) -> Tensor:
        """Return photos as `Sampler.sample`; the prior, which sees the pose, draws the appearance."""
        image, _ = self.decoder(self._shape_maps(self.fit_pose(target_pose, size)), None, judge=False)
        return self.restore(image.clamp(-1, 1), size)

    def _shape_maps(self, pose: Pose) -> list[tuple[Tensor, Tensor]]:
        maps: list[tuple[Tensor, Tensor]] = self.shape(render_stickman(pose, (self.side, self.side)))
        return maps[::-1]


@register_model("vunet")
class VUNet(ReposeModel):
    """The generator and its three losses; there is no discriminator."""

    Config = VUNetConfig

    def __init__(self, config: VUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = VUNetGenerator(config)
        self.discriminators = nn.ModuleDict()
        self.features: FeatureNetwork | None = None  # frozen, loaded by `phases`, in no state_dict

    def initialise(self, batches: Iterable[Batch]) -> None:
        """Set every layer's gain and bias so that its outputs on these photos have mean 0 and variance 1."""
        photos = [(b.source_image, b.source_pose) for b in batches]
        image = torch.cat([image for image, _ in photos])
        pose = Pose(torch.cat([p.xy for _, p in photos]), torch.cat([p.visible for _, p in photos]))
        self.generator.train()  # with dropout and noise
        initialise_by_data(self.generator, lambda: self.generator(image, pose, pose))

    def phases(self) -> list[Phase]:
        """One phase, in which each photo is its own target."""
        config = self.config
        if config.features != "none" and self.features is None:
            self.features = load_features(config.features, config.features_path)
        falling = partial(line_to_zero, start=config.lr_decay_start, end=config.lr_decay_end)
        adam = Adam(config.lr, beta1=0.5, beta2=0.9, schedule=falling)
        update = Update("generator", (self.generator,), self.losses, adam)
        return [Phase("reconstruction", (update,), self_reconstruction=1.0)]

    def kl_weight(self, step: int) -> float:
        """Return the weight of the divergence at a step: 1e-6, then a line to the full weight."""
        start, full = self.config.kl_start, self.config.kl_full
        risen = min(1.0, max(0.0, (step - start) / (full - start)))
        return KL_AT_START + risen * (self.config.kl_weight - KL_AT_START)

    def losses(self, context: StepContext) -> Losses:
        """L1 on pixels of 0..255 and on features, their Gram matrices if asked, and the divergence of both latents."""
        config, output = self.config, context.generate()
        square, batch = output.aux["square"][0], context.batches[0]
        target = self.generator.fit(batch.target_image)
        weight = config.reconstruction_weight
        losses = {"g_pixel": weight * BYTE * F.l1_loss(square.float(), target)}
        losses |= config.agreement_losses(self.generator.restore(square, batch.size), batch.target_image)
        if self.features is not None:
            losses |= self._feature_losses(self.features, square, target)
        if "prior" in output.aux:  # in training only
            pairs = zip(output.aux["posterior"], output.aux["prior"], strict=True)
            divergence = torch.stack([unit_gaussian_kl(q, p) for q, p in pairs]).sum()
            losses["g_kl"] = self.kl_weight(context.step) * divergence
        return losses

    def _feature_losses(self, network: FeatureNetwork, image: Tensor, target: Tensor) -> Losses:
        config = self.config
        scales = dict(zip(LAYERS, config.feature_scales, strict=True))
        with torch.no_grad():
            wanted = network(target, LAYERS)
        found = network(image, LAYERS)
        distance = len(LAYERS) * perceptual_loss(found, wanted, scales)  # a sum over the layers
        losses = {"g_perceptual": config.reconstruction_weight * distance}
        if config.gram_weight > 0:
            shift = image.new_tensor(CAFFE.shift)[:, None, None]
            found["input"], wanted["input"] = (x * BYTE + shift for x in (image, target))
            grams = [
                scales.get(layer, 1.0) ** 2 * gram_loss(found[layer], wanted[layer]) for layer in config.gram_layers
            ]
            losses["g_gram"] = config.reconstruction_weight * config.gram_weight * torch.stack(grams).sum()
        return losses
