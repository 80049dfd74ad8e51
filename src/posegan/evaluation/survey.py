"""What is known of the data before anything is measured: the pairs, to the pixel, and the training photos.

The mean target and the nearest training pose are floors made of it; FID is compared with the training photos.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegan.data.assemble import Split
from posegan.data.dataset import PosePairDataset
from posegan.data.photos import PhotoSource
from posegan.errors import UserError
from posegan.evaluation.rows import NearestTrainingPose
from posegan.inference.open_data import kind_of, open_data
from posegan.pose import Pose, Size

CHUNK = 512  # photos at a time


@dataclass(frozen=True, eq=False)
class Survey:
    """fingerprint: sha256 over names, photos and poses of the pairs in order. mean_target: (3, H, W) uint8."""

    fingerprint: str
    mean_target: Tensor


@dataclass(frozen=True, eq=False)
class TrainingPhotos:
    """Training photos for scores of sets, and the row that copies those that are in a training pair.

    photos: all that have joints, or where people are held out of training, those in a pair of the others. key: sha256
    over their names and the poses of those in pairs.
    """

    photos: PhotoSource
    key: str
    row: NearestTrainingPose


def survey(dataset: PosePairDataset, count: int) -> Survey:
    """Look at the first `count` pairs; every photo is read once. Raises UserError naming a photo that cannot be used.

    The mean is that of the targets of all pairs: exact sums of whole numbers, rounded once at the end.
    """
    pairs = dataset.pairs[:count].long()
    digest = hashlib.sha256(repr((dataset.size, dataset.pair_names()[:count])).encode())
    used, place = pairs.flatten().unique(return_inverse=True)
    times = torch.bincount(place.view(-1, 2)[:, 1], minlength=len(used))  # how often each photo is a target
    total = torch.zeros(3, *dataset.size, dtype=torch.int64)
    for photos, weights in zip(used.split(CHUNK), times.split(CHUNK), strict=True):
        images = dataset.photos.read(photos)
        digest.update(images.contiguous().numpy().tobytes())
        for image, weight in zip(images, weights.tolist(), strict=True):
            if weight:
                total += image.long() * weight
    digest.update(_pose_bytes(dataset.poses[used]))
    return Survey(digest.hexdigest(), (total.double() / count).round().to(torch.uint8))


def training_photos(
    data: str | Path, dataset: PosePairDataset, count: int, split: Split | None = None
) -> TrainingPhotos:
    """Return the training photos that belong to the first `count` pairs of a split of a data set opened from `data`.

    They are those of the validation people too where these are not measured.
    Raises UserError, which says why, if there are none that a fair floor could copy from.
    """
    kind = kind_of(data)
    if kind == "synthetic":
        raise UserError("synthetic people have no training photos.")
    apart: Split = "train" if kind == "folder" or split == "validation" else "train+validation"
    try:
        training = open_data(data, dataset.size, split=apart)
    except UserError as error:
        raise UserError(f"the data set has no training photos ({error})") from error
    places = training.pairs.flatten().unique().long()
    names = [training.names[i] for i in places.tolist()]
    if {*names} & {name for pair in dataset.pair_names()[:count] for name in pair}:
        raise UserError("the measured pairs are training photos themselves.")
    poses = training.poses[places]
    photos: PhotoSource = training.photos if apart == "train+validation" else Chosen(training.photos, places)
    key = hashlib.sha256(repr((photos.names, names)).encode() + _pose_bytes(poses)).hexdigest()
    return TrainingPhotos(photos, key, NearestTrainingPose(training.photos, poses, places, key))


class Chosen:
    """Some photos of a source, as a source of their own. places: (n,) int, their indices there."""

    def __init__(self, source: PhotoSource, places: Tensor) -> None:
        self.names = tuple(source.names[place] for place in places.tolist())
        self.size: Size = source.size
        self.source = source
        self.places = places

    def read(self, indices: Tensor) -> Tensor:
        """Return the photos (n,) int as (n, 3, H, W) uint8; raises UserError naming a photo that cannot be used."""
        return self.source.read(self.places[indices])


def _pose_bytes(poses: Pose) -> bytes:
    return bytes(poses.xy.contiguous().numpy().tobytes() + poses.visible.contiguous().numpy().tobytes())
