from pathlib import Path

import pytest
import torch

from posegan.data import DeepFashionPoseDataset, pack_photos, write_pairs
from posegan.errors import UserError
from posegan.images import read_photo, to_signed

from .tiny import HEADER, row, write_photo

SHIRT = ["fashionMENShirts_Polosid0000000101_1front.png", "fashionMENShirts_Polosid0000000101_2side.png"]
JACKET = ["fashionMENJackets_Vestsid0000000101_1front.png", "fashionMENJackets_Vestsid0000000101_3back.png"]


def make(root: Path, prefix: str = "fashion", width: int = 256, shift: int = 100) -> Path:
    for seed, name in enumerate(SHIRT + JACKET):
        write_photo(root / "train" / name, (256, width), seed)
    rows = [row(name, dx=shift) for name in SHIRT + JACKET]
    (root / f"{prefix}-annotation-train.csv").write_text("\n".join([HEADER, *rows]))
    return root


def test_a_pair_is_a_person_in_one_garment(tmp_path: Path):
    data = DeepFashionPoseDataset(make(tmp_path))
    assert data.pair_names() == [tuple(SHIRT), tuple(SHIRT[::-1]), tuple(JACKET), tuple(JACKET[::-1])]
    assert data[0]["source_image"].shape == (3, 256, 256) and data[0]["source_pose_map"].shape == (18, 256, 256)


def test_the_crop_cuts_photos_and_shifts_joints(tmp_path: Path):
    root = make(tmp_path)
    whole, cropped = DeepFashionPoseDataset(root), DeepFashionPoseDataset(root, (256, 176))
    photo = to_signed(read_photo(root / "train" / SHIRT[0]))
    assert torch.equal(cropped[0]["source_image"], photo[:, :, 40:216])
    assert torch.equal(cropped.poses.xy, whole.poses.xy - torch.tensor([40.0, 0.0]))
    assert cropped.poses.visible.all()


def test_joints_outside_the_crop_are_not_visible_and_counted(tmp_path: Path):
    cropped = DeepFashionPoseDataset(make(tmp_path, shift=20), (256, 176))  # the right arm lies left of column 40
    assert cropped.poses.visible.sum() == 4 * 18 - cropped.report.counts["joints outside the photo, made not visible"]
    assert not cropped.poses.visible[:, 4].any() and cropped.poses.visible[:, 2].all()


def test_resized_photos_and_keypoints_pass_as_they_are(tmp_path: Path):
    root = make(tmp_path, "fasion-resize", width=176, shift=50)
    data = DeepFashionPoseDataset(root, (256, 176))
    assert data.poses.xy[0, 0].tolist() == [82, 14]
    assert torch.equal(data[0]["source_image"], to_signed(read_photo(root / "train" / SHIRT[0])))
    with pytest.raises(UserError, match=r"fashion-annotation-train\.csv or .*fasion-annotation-train\.csv"):
        DeepFashionPoseDataset(root)


def test_the_crop_works_on_a_pack(tmp_path: Path):
    root = make(tmp_path, "fasion")
    plain = DeepFashionPoseDataset(root, (256, 176))
    pack_photos(root / "train", root / "train.pack")
    packed = DeepFashionPoseDataset(root, (256, 176), memory=0)
    assert torch.equal(packed.batch(torch.arange(4)).source_image, plain.batch(torch.arange(4)).source_image)


def test_the_test_split(tmp_path: Path):
    root = make(tmp_path)
    (root / "train").rename(root / "img")
    (root / "fashion-annotation-train.csv").rename(root / "fashion-annotation-test.csv")
    with pytest.raises(UserError, match=r"fashion-pairs-test\.csv"):
        DeepFashionPoseDataset(root, split="test")
    write_pairs(root / "fasion-pairs-test.csv", [tuple(SHIRT)])
    assert len(DeepFashionPoseDataset(root, (256, 176), "test")) == 1


def test_other_sizes_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="not 128x64"):
        DeepFashionPoseDataset(make(tmp_path), (128, 64))
