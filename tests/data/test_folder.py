from pathlib import Path

import pytest
import torch
from PIL import Image

from posegan.data import NoPairsError, PhotoFolderDataset, pack_photos
from posegan.data.folder import PersonCrop, person_boxes
from posegan.errors import UserError
from posegan.images import to_bytes
from posegan.pose import Pose
from posegan.pose.io import save_annotations

from .tiny import JOINTS_X, JOINTS_Y, write_photo

STANDING = Pose(torch.tensor([JOINTS_X, JOINTS_Y]).T.float(), torch.ones(18, dtype=torch.bool))
ODD = 20  # position of the person in the large photos


def make(root: Path) -> Path:
    """Write two people with two photos each, of three sizes."""
    sizes = {"ann/1.jpg": (128, 64), "ann/2.png": (300, 200), "bob ö/1.jpg": (300, 200), "bob ö/2.jpg": (128, 70)}
    poses = {}
    for seed, (name, size) in enumerate(sizes.items()):
        write_photo(root / name, size, seed)
        poses[name] = STANDING if size[0] == 128 else STANDING.resize((128, 64), (256, 128)).crop(-ODD, -ODD)
    save_annotations(root / "annotations.csv", poses)
    return root


def test_photos_of_any_size_become_pairs_of_one_size(tmp_path: Path):
    data = PhotoFolderDataset(make(tmp_path), (64, 32))
    assert data.pair_names() == [
        ("ann/1.jpg", "ann/2.png"), ("ann/2.png", "ann/1.jpg"),
        ("bob ö/1.jpg", "bob ö/2.jpg"), ("bob ö/2.jpg", "bob ö/1.jpg"),
    ]  # fmt: skip
    batch = data.batch(torch.arange(4))
    assert batch.size == (64, 32) and batch.source_image.abs().max() <= 1
    assert data.poses.inside((64, 32)).visible.all()
    # the same person at twice the size comes out alike
    assert (data.poses.xy[0] - data.poses.xy[1]).abs().max() < 1


def test_folders_below_a_persons_are_theirs_and_one_person_is_in_one_split(tmp_path: Path):
    names = [f"p{person}/{when}/{i}.jpg" for person in range(10) for when in ("morning", "evening") for i in (1, 2)]
    for seed, name in enumerate(names):
        write_photo(tmp_path / name, (128, 64), seed)
    save_annotations(tmp_path / "annotations.csv", dict.fromkeys(names, STANDING))
    pairs = [PhotoFolderDataset(tmp_path, (64, 32), split).pair_names() for split in ("train", "validation")]
    assert [len(split) for split in pairs] == [9 * 4 * 3, 4 * 3]
    train, validation = ({name.partition("/")[0] for pair in split for name in pair} for split in pairs)
    assert not train & validation


def test_folders_that_are_all_in_one_folder_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    names = [f"photos/p{person}/{i}.jpg" for person in range(2) for i in (1, 2)]
    for seed, name in enumerate(names):
        write_photo(tmp_path / name, (128, 64), seed)
    save_annotations(tmp_path / "annotations.csv", dict.fromkeys(names, STANDING))
    for _ in range(2):
        PhotoFolderDataset(tmp_path, (64, 32))
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "in the folder 'photos' and so of one person; if it has a folder for each person, put" in told


def test_joints_follow_their_pixels():
    """Joints are drawn as discs into the photo; after the cut their brightest pixels lie where the pose says."""
    pose = STANDING.resize((128, 64), (384, 192)).crop(-30, -50)[None]
    height, width = 500, 300
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    crop = PersonCrop(person_boxes(pose, torch.tensor([[width, height]]), (128, 64)), (128, 64))
    for joint in (0, 4, 7, 10, 13):
        near = (x - pose.xy[0, joint, 0]).square() + (y - pose.xy[0, joint, 1]).square() < 5**2
        made = crop(0, (near * 255).to(torch.uint8).expand(3, -1, -1))[0].float()
        centre = torch.stack([(made.sum(0) * torch.arange(64)).sum(), (made.sum(1) * torch.arange(128)).sum()])
        assert (centre / made.sum() - crop.poses(pose).xy[0, joint]).abs().max() < 0.1


def test_boxes_have_the_aspect_hold_the_person_and_stay_inside_where_they_can():
    generator = torch.Generator().manual_seed(0)
    poses = Pose(torch.rand(50, 18, 2, generator=generator) * 100 + 150, torch.rand(50, 18, generator=generator) < 0.7)
    frames = torch.tensor([[400, 400]]).repeat(50, 1)
    for size in ((128, 64), (256, 256), (64, 128)):
        left, top, width, height = person_boxes(poses, frames, size).unbind(1)
        assert (width * size[0] - height * size[1]).abs().max() <= max(size)
        assert (left >= 0).all() and (top >= 0).all() and (left + width <= 400).all() and (top + height <= 400).all()
        framed = PersonCrop(torch.stack([left, top, width, height], 1), size).poses(poses)
        assert torch.equal(framed.inside(size).visible, poses.visible)


def test_what_lies_beyond_the_photo_has_the_colour_of_its_edge():
    photo = torch.full((3, 50, 100), 200, dtype=torch.uint8)
    photo[:, 20:30, 40:60] = 0
    crop = PersonCrop(torch.tensor([[25, -25, 50, 100]]), (100, 50))
    made = crop(0, photo)
    assert (made[:, :40] == 200).all() and (made[:, -40:] == 200).all() and made[0, 45:55, 15:35].max() == 0


def test_nobody_in_the_photo_gives_the_whole_photo():
    nobody = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool))
    assert person_boxes(nobody, torch.tensor([[64, 128]]), (128, 64)).tolist() == [[0, 0, 64, 128]]


def test_photos_turned_by_exif_are_cut_upright(tmp_path: Path):
    root = make(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(root / "ann" / "1.jpg") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(root / "ann" / "1.jpg", exif=exif, quality=100, subsampling=0)
    turned = to_bytes(PhotoFolderDataset(root)[0]["source_image"]).float()
    write_photo(root / "ann" / "1.jpg", (128, 64), 0)
    plain = to_bytes(PhotoFolderDataset(root)[0]["source_image"]).float()
    assert (turned - plain).abs().mean() < 5


def test_a_pack_gives_the_same(tmp_path: Path):
    root = make(tmp_path)
    plain = PhotoFolderDataset(root).batch(torch.arange(4))
    pack_photos(root, root / "photos.pack")
    packed = PhotoFolderDataset(root, memory=0).batch(torch.arange(4))
    assert torch.equal(packed.source_image, plain.source_image)
    assert torch.equal(packed.source_pose.xy, plain.source_pose.xy)


def test_bad_photos_and_joints_outside_are_counted(tmp_path: Path):
    root = make(tmp_path)
    (root / "bob ö" / "1.jpg").write_bytes(b"no photo")
    poses = {"ann/1.jpg": STANDING.crop(20, 0), "ann/2.png": STANDING, "bob ö/1.jpg": STANDING}
    save_annotations(root / "annotations.csv", poses)
    data = PhotoFolderDataset(root)
    assert data.names == ("ann/1.jpg", "ann/2.png") and len(data) == 2
    assert data.report.counts["unreadable photos, left out"] == 1
    assert data.report.counts["joints outside the photo, made not visible"] == 2
    assert data.report.counts["photos without annotation, left out"] == 1


def test_missing_keypoints_and_splits_are_named(tmp_path: Path):
    root = make(tmp_path)
    with pytest.raises(NoPairsError, match="too few for a validation split"):
        PhotoFolderDataset(root, split="validation")
    with pytest.raises(UserError, match="no test split"):
        PhotoFolderDataset(root, split="test")
    (root / "annotations.csv").rename(root / "elsewhere.csv")
    assert len(PhotoFolderDataset(root, annotations=root / "elsewhere.csv")) == 4
    with pytest.raises(UserError, match="find them with `posegan detect --images"):
        PhotoFolderDataset(root)


def test_a_box_that_lies_mostly_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives the picture that the whole box would give, without ever holding it in memory."""
    photo = torch.randint(0, 256, (3, 40, 300), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    boxes = torch.tensor([[20, -200, 250, 500], [-30, -10, 31, 62], [0, -280, 300, 600], [290, 5, 10, 20]])
    crop = PersonCrop(boxes, (128, 64))
    whole = []
    for limit in (float("inf"), 0):
        monkeypatch.setattr("posegan.data.folder.MOSTLY_OUTSIDE", limit)
        whole.append(torch.stack([crop(i, photo) for i in range(len(boxes))]).int())
    assert (whole[0] - whole[1]).abs().max() <= 1
    monkeypatch.undo()
    panorama = torch.zeros(3, 20, 40_000, dtype=torch.uint8)  # the whole box: 10 GB
    assert PersonCrop(torch.tensor([[0, -39_990, 40_000, 80_000]]), (128, 64))(0, panorama).shape == (3, 128, 64)
