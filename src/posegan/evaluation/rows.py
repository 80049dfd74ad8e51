"""The rows of a benchmark as makers of pictures: weights, and ceilings and floors that need none. It scores nothing.

A model has to beat the floors to have learnt anything, and none can pass the ceilings: they say what a score is worth.
"""

from __future__ import annotations

import functools
import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from posegan.batch import Batch
from posegan.data.photos import PhotoSource
from posegan.evaluation.scorers import REAL
from posegan.evaluation.scores import COPIED
from posegan.images import from_pil, to_bytes, to_pil
from posegan.inference.predictor import Predictor
from posegan.layers.part_flow import part_flow
from posegan.layers.warp import warp_by_flow
from posegan.pose import Pose
from posegan.pose.parts import torso_scale

Kind = Literal["ceiling", "model", "floor"]

JPEG_QUALITY = 75  # Pillow's default, with its 4:2:0 colours: what a careless pipeline does to a photo
UNSHARED = 1.0  # torso lengths that a joint counts which only one of two poses has


class Row(ABC):
    """One line of the table: `pictures` makes what is scored.

    name: in the table. meaning: one sentence. key: what the pictures depend on besides the pairs themselves.
    """

    name: str
    kind: Kind
    meaning: str
    key: str

    @abstractmethod
    def pictures(self, batch: Batch) -> Tensor:
        """Return one picture a pair as (B, 3, H, W) uint8."""


class RealTarget(Row):
    """Real targets against themselves."""

    name, kind, key = REAL, "ceiling", "real"
    meaning = "the target photo itself: the best that any score can be"

    def pictures(self, batch: Batch) -> Tensor:
        """Return the targets."""
        return to_bytes(batch.target_image)


class JpegTarget(Row):
    """Real targets after a JPEG round trip: what saving results as JPEG costs."""

    name, kind, key = f"real, JPEG quality {JPEG_QUALITY}", "ceiling", f"jpeg {JPEG_QUALITY}"
    meaning = f"the target photo saved as JPEG of quality {JPEG_QUALITY} and read again"

    def pictures(self, batch: Batch) -> Tensor:
        """Return the targets as JPEG leaves them."""
        return torch.stack([_through_jpeg(image) for image in batch.target_image]).to(batch.target_image.device)


def _through_jpeg(image: Tensor) -> Tensor:
    file = io.BytesIO()
    to_pil(image).save(file, "JPEG", quality=JPEG_QUALITY)
    with Image.open(file) as opened:
        return from_pil(opened)


class SourceCopied(Row):
    """The source photo as it is."""

    name, kind, key = COPIED, "floor", "source copied"
    meaning = "the source photo, not re-posed at all"

    def pictures(self, batch: Batch) -> Tensor:
        """Return the sources."""
        return to_bytes(batch.source_image)


class SourceWarped(Row):
    """The source photo moved by the ten part affines, without any learning."""

    name, kind, key = "source warped", "floor", "source warped by part_flow"
    meaning = "the source photo warped by the part affines alone: each pixel follows its nearest limb, else the torso"

    def pictures(self, batch: Batch) -> Tensor:
        """Return the sources sampled along the flow of the parts, the border repeated outside."""
        flow = part_flow(batch.source_pose, batch.target_pose, batch.size, 1)  # (B, 2, H, W)
        return to_bytes(warp_by_flow(batch.source_image, flow))


class MeanTarget(Row):
    """One grey ghost for all pairs; image: (3, H, W) uint8, the mean over the targets of all pairs."""

    name, kind, key = "mean target", "floor", "mean target"
    meaning = "the mean of all target photos of these pairs, the same picture for every pair"

    def __init__(self, image: Tensor) -> None:
        self.image = image

    def pictures(self, batch: Batch) -> Tensor:
        """Return the mean photo for every pair."""
        return self.image.to(batch.target_image.device).expand(len(batch), -1, -1, -1)


class NearestTrainingPose(Row):
    """The training photo whose pose is nearest to the target pose: retrieval without a look at the source.

    photos: a source of training photos. poses: theirs, (T,). places: (T,) indices into `photos`.
    """

    name, kind = "nearest training pose", "floor"
    meaning = "the training photo, of somebody else, whose pose is nearest to the target pose"

    def __init__(self, photos: PhotoSource, poses: Pose, places: Tensor, key: str) -> None:
        self.photos, self.poses, self.places = photos, poses, places
        self.key = f"nearest training pose {UNSHARED} {key}"

    def pictures(self, batch: Batch) -> Tensor:
        """Return the nearest training photos, the first of equally near ones."""
        nearest = pose_distances(batch.target_pose.to("cpu"), self.poses).argmin(1)
        return self.photos.read(self.places[nearest]).to(batch.target_image.device)


def pose_distances(wanted: Pose, others: Pose) -> Tensor:
    """Return how far poses (T,) are from wanted ones (B,), in torso lengths of the wanted: (B, T).

    The mean, over the joints that either pose has, of the distance in pixels of those that both have divided by the
    wanted pose's torso length, and of UNSHARED for those that only one has. Infinite if no joint is shared.
    """
    scale = torso_scale(wanted).float().clamp_min(1.0)[:, None]  # (B, 1)
    total, shared, either = (torch.zeros(len(wanted), len(others)) for _ in range(3))
    for joint in range(wanted.visible.shape[-1]):  # joint by joint: (B, T, 18, 2) would not fit into a cache
        both = wanted.visible[:, joint, None] & others.visible[:, joint]  # (B, T)
        one = wanted.visible[:, joint, None] ^ others.visible[:, joint]
        gap = (wanted.xy[:, joint, None] - others.xy[:, joint]).square().sum(-1).sqrt() / scale
        total += torch.where(both, gap, UNSHARED * one)
        shared += both
        either += both | one
    return torch.where(shared > 0, total / either.clamp_min(1), torch.inf)


@dataclass(eq=False)
class Weights(Row):
    """What a weight file makes of the sources; it is loaded when the first picture is wanted, also in other processes.

    label: the row's name. path: the file. sha256: its. device: as `Predictor.load` takes it.
    """

    label: str
    path: Path
    sha256: str
    model: str
    device: str = "cpu"
    kind: Kind = "model"

    def __post_init__(self) -> None:
        self.name, self.key = self.label, f"weights {self.sha256} on {torch.device(self.device).type}"
        self.meaning = f"photos made by the model `{self.model}`"

    @functools.cached_property
    def predictor(self) -> Predictor:
        """The weights, ready to be used."""
        return Predictor.load(self.path, self.device)

    def release(self) -> None:
        """Forget the loaded weights: a benchmark of many models holds one at a time."""
        self.__dict__.pop("predictor", None)

    def pictures(self, batch: Batch) -> Tensor:
        """Return the generated photos."""
        return to_bytes(self.predictor.repose(batch.source_image, batch.source_pose, batch.target_pose))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "predictor"}
