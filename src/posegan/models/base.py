"""What every model is: a generator, discriminators and phases of updates. The one training loop runs any of them.

Nothing here knows a particular paper, a file, a device or a data set.
"""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.config import build, require_above_zero, require_at_least
from posegan.errors import UserError, unknown_name
from posegan.pose import Pose, Size
from posegan.registry import Registry

Losses = dict[str, Tensor]  # name -> weighted scalar; the loop adds them up
Features = tuple[Tensor, ...]  # what `encode` keeps of a photo
Made = TypeVar("Made")


@dataclass(frozen=True)
class Output:
    """What a generator returns: image (B, 3, H, W) in [-1, 1], and its intermediate results for losses and reports."""

    image: Tensor
    aux: Mapping[str, Sequence[Tensor]] = field(default_factory=dict)


class Generator(nn.Module, ABC):
    """Photo, its pose and a target pose in, the photo in the target pose out.

    Subclasses write `encode` and `render`, for photos in a frame that suits them; a photo is encoded once for many
    poses. `forward` brings photos into that frame and back. Most designs take any size that `size_multiple` divides:
    the right and bottom edge is repeated and cut off again, so that pixels keep their coordinates. A design that takes
    one size only says so in `stretch_to`: photos and poses are stretched to it, and the result back.
    """

    size_multiple: int = 1
    stretch_to: Size | None = None

    @property
    def parameter_count(self) -> int:
        """The number of weights."""
        return count_parameters(self)

    def forward(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Output:
        """Return generated photos for source photos, both (B, 3, H, W) in [-1, 1], and poses in their pixels."""
        size = source.shape[-2], source.shape[-1]
        poses = self.fit_pose(source_pose, size), self.fit_pose(target_pose, size)
        output = self.render(self.encode(self.fit(source), poses[0]), *poses)
        return Output(self.restore(output.image, size), output.aux)

    def fit(self, image: Tensor) -> Tensor:
        """Return photos in the frame that `encode` takes."""
        height, width = image.shape[-2:]
        frame = self.fit_size((height, width))
        if self.stretch_to is not None:
            return _resize(image, frame)
        right, bottom = frame[1] - width, frame[0] - height
        return F.pad(image, (0, right, 0, bottom), mode="replicate") if right or bottom else image

    def fit_size(self, size: Size) -> Size:
        """Return the size of the frame that `encode` takes, for photos of (H, W)."""
        multiple = self.size_multiple
        return self.stretch_to or (size[0] + -size[0] % multiple, size[1] + -size[1] % multiple)

    def fit_pose(self, pose: Pose, size: Size) -> Pose:
        """Return poses of photos of (H, W) in the frame that `encode` and `render` take."""
        return pose if self.stretch_to is None else pose.resize(size, self.stretch_to)

    def restore(self, image: Tensor, size: Size) -> Tensor:
        """Return rendered photos in the (H, W) frame that they were fitted from."""
        return image[..., : size[0], : size[1]] if self.stretch_to is None else _resize(image, size)

    @abstractmethod
    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return all that `render` needs of source photos."""

    @abstractmethod
    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return photos in the target pose from what `encode` returned."""

    def render_together(self, features: Features, source_pose: Pose, target_pose: Pose, shares: Tensor) -> Output:
        """Return photos of one person in poses (T,) from what `encode` returned for K photos of them, of poses (K,).

        shares: (T, K, H, W) in the frame of `encode`, how much of each pixel is to come from each photo; what is left
        to 1 is the first one's. Here, each pose is rendered from the photo with the largest share; a generator that can
        mix what it knows of them does better.
        """
        best = shares.flatten(2).sum(-1).argmax(1)
        return self.render(tuple(f[best] for f in features), source_pose[best], target_pose)


def _resize(image: Tensor, size: Size) -> Tensor:
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False)


@runtime_checkable
class Sampler(Protocol):
    """What a generator also offers if it can make up people whom no photo shows."""

    def sample(self, target_pose: Pose, size: Size) -> Tensor:
        """Return photos (B, 3, H, W) in [-1, 1] of made-up people in poses (B,) of an (H, W) frame.

        Chance comes from torch's global generator.
        """


@runtime_checkable
class FactorSampler(Protocol):
    """A sampler whose pictures are made up of factors that can be drawn, or taken from photos, each on its own.

    factor_names: such as "foreground"; "pose" stands for target poses.
    """

    factor_names: tuple[str, ...]

    def factors(self, source: Tensor, source_pose: Pose) -> dict[str, Tensor]:
        """Return every factor of photos (B, 3, H, W) in [-1, 1] with poses (B,) in their pixels, as (B, n)."""

    def sample(self, target_pose: Pose, size: Size, given: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return photos as `Sampler.sample`; given: factors that are not drawn, (B, n) or (1, n), as from `factors`.

        Raises UserError if what would draw a factor was not trained.
        """

    def sample_pose(self, count: int, size: Size) -> Pose:
        """Return `count` drawn poses in pixels of an (H, W) frame; raises UserError if untrained."""


@dataclass(frozen=True)
class Adam:
    """Settings of one optimiser; `schedule` maps the step within the phase to a factor of the learning rate."""

    lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    eps: float = 1e-8
    schedule: Callable[[int], float] | None = None


@dataclass(frozen=True)
class RMSProp:
    """Settings of one optimiser, as Adam; `clip` cuts every weight to [-clip, clip] after each step.

    Clipping is for the critics of Wasserstein GANs (Arjovsky et al. 2017). The decay is TensorFlow's default.
    """

    lr: float = 2e-5
    decay: float = 0.9
    eps: float = 1e-8
    clip: float | None = None
    schedule: Callable[[int], float] | None = None


def line_to_zero(step: int, start: int, end: int) -> float:
    """Return the factor of a learning rate at a step: 1 up to `start`, then along a line to 0 at `end`."""
    return min(1.0, max(0.0, (end - step) / (end - start)))


@dataclass(frozen=True)
class Update:
    """One optimiser step: the modules it changes, the loss it lowers, and on every how many-th step it is made."""

    name: str
    modules: tuple[nn.Module, ...]
    loss: Callable[[StepContext], Losses]
    optimiser: Adam | RMSProp
    every: int = 1


@dataclass(frozen=True)
class Phase:
    """A stretch of training: its updates in order, and its number of steps (None: to the end of the run).

    streams: how many independent batches a step draws; 1 means that all updates share one batch.
    self_reconstruction: share of the pairs in which a photo is its own target, in its own pose; 1 for systems that see
        no pairs.
    """

    name: str
    updates: tuple[Update, ...]
    steps: int | None = None
    streams: int = 1
    self_reconstruction: float = 0.0


class StepContext:
    """The batches of one step and what is made of them, at most once if updates may share it: then `shared` is true."""

    def __init__(self, model: ReposeModel, batches: tuple[Batch, ...], step: int, *, share: bool = True) -> None:
        self.batches = batches
        self.step = step
        self._model = model
        self.shared = share and len(batches) == 1
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what `make` returns; if updates share, it is called once a step for all that ask by this name."""
        if not self.shared:
            return make()
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    def generate(self, stream: int = 0) -> Output:
        """Return the generator's output for a batch, with its graph."""
        batch, generator = self.batches[stream], self._model.generator

        def draw() -> Output:
            output: Output = generator(batch.source_image, batch.source_pose, batch.target_pose)
            return output

        return self.once("generate", draw)  # contexts of several streams never share, so the name needs no number

    def fake(self, stream: int = 0) -> Tensor:
        """Return the generated photos of a batch for a discriminator: no gradient reaches the generator."""
        if self.shared:
            return self.generate(stream).image.detach()
        with torch.no_grad():
            return self.generate(stream).image


class ReposeModel(nn.Module, ABC):
    """A published system: `generator`, `discriminators`, and the phases in which they are trained.

    A subclass is final, names its config dataclass in `Config` and is registered with `@register_model(name)`.
    """

    Config: ClassVar[type[Any]]
    generator: Generator
    discriminators: nn.ModuleDict

    @abstractmethod
    def phases(self) -> list[Phase]:
        """Return the phases of training in order; may load frozen feature networks, which generation never needs."""

    def initialise(self, batches: Iterable[Batch]) -> None:
        """Set weights that depend on data, before the first step."""


@dataclass(frozen=True)
class ModelConfig:
    """What all models share: the size of the photos they are built for."""

    size: Size = (128, 64)
    """Height and width of the photos in pixels; layers are counted from it, other sizes still run."""

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise UserError(f"model.size is {list(self.size)}: height and width must be at least 1.")


@dataclass(frozen=True)
class FallingRateConfig(ModelConfig):
    """Settings of models whose learning rate may fall at the end of a run, where small steps are worth more."""

    lr: float = 2e-4
    """Learning rate of the Adam optimisers at first."""
    lr_decay_start: int = 0
    """Step from which it falls along a line."""
    lr_decay_end: int = 0
    """Step at which it is 0 (0: it never falls)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_above_zero("model", self, "lr")
        require_at_least("model", self, 0, "lr_decay_start", "lr_decay_end")
        if 0 < self.lr_decay_end <= self.lr_decay_start:
            raise UserError(f"model.lr_decay_end is {self.lr_decay_end}: it must be above model.lr_decay_start, or 0.")

    def adam(self) -> Adam:
        """Return the settings of an optimiser with that rate."""
        falling = functools.partial(line_to_zero, start=self.lr_decay_start, end=self.lr_decay_end)
        return Adam(lr=self.lr, schedule=falling if self.lr_decay_end else None)


MODELS: Registry[ReposeModel] = Registry("model")
register_model = MODELS.register


def create_model(name: str, **config: Any) -> ReposeModel:
    """Return a new, untrained model of that name; `config` overrides the defaults of its config dataclass.

    Raises UserError for an unknown name or option, naming the nearest ones, and for a value of the wrong type.
    """
    model_class = MODELS.get(name)
    fields = {f.name for f in dataclasses.fields(model_class.Config) if f.init}
    for key in config:
        if key not in fields:
            raise unknown_name(f"option of model {name!r}:", key, fields)
    return model_class(build(model_class.Config, config, "model"))


def count_parameters(module: nn.Module) -> int:
    """Return the number of weights of a module."""
    return sum(p.numel() for p in module.parameters())
