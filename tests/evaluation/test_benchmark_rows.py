"""Floors and ceilings against the slow, obvious way to make them."""

from __future__ import annotations

import io
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.data import MarketPoseDataset
from posegan.evaluation.rows import (
    JpegTarget,
    MeanTarget,
    NearestTrainingPose,
    RealTarget,
    SourceCopied,
    SourceWarped,
    Weights,
    pose_distances,
)
from posegan.evaluation.survey import survey, training_photos
from posegan.images import from_pil, to_bytes, to_pil
from posegan.pose import Pose
from posegan.pose.parts import torso_scale

from ..pairs import pairs
from ..small_world import write_market


def some_poses(count: int, seed: int) -> Pose:
    g = torch.Generator().manual_seed(seed)
    xy = torch.rand(count, 18, 2, generator=g) * torch.tensor([63.0, 127.0])
    return Pose(xy, torch.rand(count, 18, generator=g) > 0.3)


def slow_distance(wanted: Pose, other: Pose) -> float:
    total, shared, either = 0.0, 0, 0
    scale = max(float(torso_scale(wanted)), 1.0)
    for joint in range(18):
        a, b = bool(wanted.visible[joint]), bool(other.visible[joint])
        if a and b:
            total += float((wanted.xy[joint] - other.xy[joint]).norm()) / scale
        elif a or b:
            total += 1
        shared, either = shared + (a and b), either + (a or b)
    return total / either if shared else float("inf")


def test_pose_distances() -> None:
    wanted, others = some_poses(4, 0), some_poses(6, 1)
    others.visible[2] = False  # nothing in common
    found = pose_distances(wanted, others)
    for i in range(4):
        for k in range(6):
            assert float(found[i, k]) == pytest.approx(slow_distance(wanted[i], others[k]), rel=1e-5)
    assert (found[:, 2] == torch.inf).all()
    assert (pose_distances(wanted, wanted).diagonal() == 0).all()


def test_real_copied_jpeg() -> None:
    batch = pairs(3)
    torch.testing.assert_close(RealTarget().pictures(batch), to_bytes(batch.target_image))
    torch.testing.assert_close(SourceCopied().pictures(batch), to_bytes(batch.source_image))
    file = io.BytesIO()
    to_pil(batch.target_image[1]).save(file, "JPEG", quality=75)
    torch.testing.assert_close(JpegTarget().pictures(batch)[1], from_pil(Image.open(file)))


def test_a_source_in_its_own_pose_is_not_warped() -> None:
    batch = replace(pairs(2), target_pose=pairs(2).source_pose)
    gap = SourceWarped().pictures(batch).int() - to_bytes(batch.source_image).int()
    assert gap.abs().max() <= 1
    other = pairs(2)
    assert (SourceWarped().pictures(other).int() - to_bytes(other.source_image).int()).abs().float().mean() > 1


def test_mean_target_and_fingerprint(market: Path) -> None:
    dataset = MarketPoseDataset(market, "test", maps=False)
    known = survey(dataset, 4)
    targets: Tensor = to_bytes(dataset.batch(torch.arange(4)).target_image).double()
    torch.testing.assert_close(known.mean_target, targets.mean(0).round().to(torch.uint8))
    assert torch.equal(MeanTarget(known.mean_target).pictures(dataset.batch(torch.arange(2)))[1], known.mean_target)
    assert survey(dataset, 4).fingerprint == known.fingerprint != survey(dataset, 5).fingerprint
    photos = sorted((market / "bounding_box_test").iterdir())
    shutil.copy(photos[-1], photos[0])
    assert survey(MarketPoseDataset(market, "test", maps=False), 4).fingerprint != known.fingerprint
    dataset.poses.xy[int(dataset.pairs[0, 0])] += 1
    assert survey(dataset, 4).fingerprint != known.fingerprint


def test_nearest_training_pose_is_a_photo_of_somebody_else_in_that_pose(market: Path) -> None:
    dataset = MarketPoseDataset(market, "test", maps=False)
    found = training_photos(market, dataset, 6)
    assert isinstance(found.row, NearestTrainingPose)
    batch = dataset.batch(torch.arange(6))
    training = MarketPoseDataset(market, "train+validation", maps=False)
    for i, picture in enumerate(found.row.pictures(batch)):
        name = batch.target_names[i]
        same = next(n for n in training.names if n.split("_")[2] == name.split("_")[2])  # the same bundled pose
        assert torch.equal(picture, training.photos.read(torch.tensor([training.names.index(same)]))[0])


def test_training_photos_are_never_of_people_who_are_measured(tmp_path: Path) -> None:
    market = write_market(tmp_path, 7)
    measured = MarketPoseDataset(market, "validation", maps=False)
    found = training_photos(market, measured, len(measured), "validation")
    training = MarketPoseDataset(market, "train", maps=False)
    used = {name for pair in training.pair_names() for name in pair}
    assert set(found.photos.names) == used
    assert not used & {name for pair in measured.pair_names() for name in pair}
    place = training.names.index(found.photos.names[1])
    assert torch.equal(found.photos.read(torch.tensor([1])), training.photos.read(torch.tensor([place])))
    tested = training_photos(market, MarketPoseDataset(market, "test", maps=False), 6)
    assert set(tested.photos.names) == set(training.names)


def test_weights_travel_without_the_loaded_model(weights: Path) -> None:
    row = Weights("tiny", weights, "0" * 64, "posegan")
    batch = pairs(1)
    made = row.pictures(batch)
    sent = pickle.dumps(row)
    assert len(sent) < 2000
    assert torch.equal(pickle.loads(sent).pictures(batch), made)
