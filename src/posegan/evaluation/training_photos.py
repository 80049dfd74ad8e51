"""The training photos of a benchmarked data set: what FID is compared with and a floor copies from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posegan.data.dataset import PosePairDataset
from posegan.data.photos import PhotoSource
from posegan.errors import UserError
from posegan.evaluation.rows import NearestTrainingPose
from posegan.evaluation.store import hash_of
from posegan.evaluation.survey import pose_bytes
from posegan.inference.open_data import kind_of, open_data


@dataclass(frozen=True, eq=False)
class TrainingPhotos:
    """All annotated training photos, and the row that copies those that are in a training pair."""

    photos: PhotoSource
    key: str
    row: NearestTrainingPose


def training_photos(data: str | Path, dataset: PosePairDataset, count: int) -> TrainingPhotos:
    """Return the training photos that belong to the first `count` pairs of a data set opened from `data`.

    Raises UserError, which says why, if there are none that a fair floor could copy from.
    """
    kind = kind_of(data)
    if kind == "synthetic":
        raise UserError("synthetic people have no training photos.")
    try:
        training = open_data(data, dataset.size, split="train" if kind == "folder" else "train+validation")
    except UserError as error:
        raise UserError(f"the data set has no training photos ({error})") from error
    places = training.pairs.flatten().unique().long()
    names = [training.names[i] for i in places.tolist()]
    if {*names} & {name for pair in dataset.pair_names()[:count] for name in pair}:
        raise UserError("the measured pairs are training photos themselves.")
    poses = training.poses[places]
    key = hash_of(training.names, names, pose_bytes(poses))
    return TrainingPhotos(training.photos, key, NearestTrainingPose(training.photos, poses, places, key))
