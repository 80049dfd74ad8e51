from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from posegan.batch import Batch
from posegan.data import MarketPoseDataset, NoPairsError, PosePairDataset
from posegan.errors import UserError
from posegan.images import read_photo, to_signed
from posegan.pose.heatmap import render_heatmap
from posegan.pose.io import load_annotations

from .tiny import HEADER, make_market, market_names, row, write_photo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a Market-1501 folder that the test may spoil: 3 people, 3 photos each, 18 pairs."""
    return make_market(tmp_path / "market")


def open_all(root: Path, **options) -> MarketPoseDataset:
    return MarketPoseDataset(root, "train+validation", **options)


def annotate(root: Path, *rows: str) -> None:
    (root / "market-annotation-train.csv").write_text("\n".join([HEADER, *rows]) + "\n")


def test_an_item_holds_images_poses_names_and_maps(market: Path):
    people = open_all(market)
    assert len(people) == 12 * 3 * 2
    item = people[1]
    assert set(item) == {
        "source_image", "target_image", "source_pose_map", "target_pose_map",
        "source_pose", "target_pose", "source_name", "target_name",
    }  # fmt: skip
    names = market_names()
    assert (item["source_name"], item["target_name"]) == (names[0], names[2]) == people.pair_names()[1]
    folder = market / "bounding_box_train"
    assert torch.equal(item["target_image"], to_signed(read_photo(folder / names[2])))
    assert item["source_image"].shape == (3, 128, 64) and item["source_image"].abs().max() <= 1
    pose = load_annotations(market / "market-annotation-train.csv")[names[2]]
    assert torch.equal(item["target_pose"].xy, pose.xy) and torch.equal(item["target_pose"].visible, pose.visible)
    assert torch.equal(item["target_pose_map"], render_heatmap(pose, (128, 64)))


def test_items_without_maps_and_from_the_end(market: Path):
    people = open_all(market, maps=False)
    assert "source_pose_map" not in people[0]
    assert people[-1]["source_name"] == people[len(people) - 1]["source_name"]
    with pytest.raises(IndexError):
        people[len(people)]


def test_a_batch_equals_its_items(market: Path):
    people = open_all(market)
    indices = torch.tensor([5, 0, 5, 71, 30])
    batch = people.batch(indices)
    assert isinstance(batch, Batch) and batch.size == (128, 64)
    for row_, index in enumerate(indices.tolist()):
        item = people[index]
        for name in ("source_image", "target_image"):
            assert torch.equal(getattr(batch, name)[row_], item[name])
        for name in ("source_pose", "target_pose"):
            assert torch.equal(getattr(batch, name).xy[row_], item[name].xy)
        assert (batch.source_names[row_], batch.target_names[row_]) == (item["source_name"], item["target_name"])


def test_flipped_pairs_mirror_both_photos_and_both_poses(market: Path):
    people = open_all(market)
    indices, flip = torch.tensor([3, 4, 5]), torch.tensor([True, False, True])
    plain, flipped = people.batch(indices), people.batch(indices, flip)
    for i, mirrored in enumerate(flip.tolist()):
        for image in ("source_image", "target_image"):
            one, other = getattr(plain, image)[i], getattr(flipped, image)[i]
            assert torch.equal(other, one.flip(-1) if mirrored else one)
        for name in ("source_pose", "target_pose"):
            one, other = getattr(plain, name)[i], getattr(flipped, name)[i]
            assert torch.equal(other.xy, one.flip(64).xy if mirrored else one.xy)
            assert torch.equal(other.visible, one.flip(64).visible if mirrored else one.visible)


def test_torch_loaders_batch_the_items(market: Path):
    batch = next(iter(DataLoader(open_all(market), batch_size=4)))
    assert batch["source_image"].shape == (4, 3, 128, 64)
    assert batch["target_pose"].batch_shape == (4,)


def test_pieces_that_do_not_belong_together_are_refused(market: Path):
    people = open_all(market)
    with pytest.raises(ValueError, match="poses"):
        PosePairDataset(people.photos, people.poses[:3], people.pairs)
    with pytest.raises(ValueError, match="pairs"):
        PosePairDataset(people.photos, people.poses, people.pairs.T)


def test_annotated_photos_that_are_missing_are_left_out_and_counted(root: Path):
    (root / "bounding_box_train" / market_names()[0]).unlink()
    people = open_all(root)
    assert len(people) == 2 + 6 + 6
    assert people.report.counts == {"annotated photos missing, left out": 1}
    assert market_names()[0] in people.report.text()


def test_photos_without_annotation_are_counted(root: Path):
    write_photo(root / "bounding_box_train" / "0009_c1s1_000001_00.jpg")
    people = open_all(root)
    assert len(people) == 18 and people.report.counts == {"photos without annotation, left out": 1}


def test_joints_outside_the_photo_become_invisible_and_are_counted(root: Path):
    names = market_names()
    annotate(root, row(names[0], dx=20), *map(row, names[1:]))
    people = open_all(root)
    assert people.report.counts == {"joints outside the photo, made not visible": 2}  # both are of the left arm
    assert people.poses[0].visible.sum() == 16 and people.poses[0].xy.max() < 128
    assert names[0] in people.report.text()


def test_a_person_with_one_photo_is_in_no_pair_and_counted(root: Path):
    annotate(root, *(row(name) for name in market_names()[:4]))
    people = open_all(root)
    assert len(people) == 6
    assert people.report.counts["people with a single usable photo, in no pair"] == 1
    assert "0002" in people.report.text()


def test_people_without_a_torso_and_distractors_are_counted(root: Path):
    names = market_names()
    (root / "bounding_box_train" / names[8]).rename(root / "bounding_box_train" / "0000_c1s1_000001_00.jpg")
    annotate(root, *(row(n) for n in names[:3]), row(names[3], missing=[8]), row("0000_c1s1_000001_00.jpg"))
    people = open_all(root)
    assert len(people) == 6
    assert people.report.counts["photos in no pair (a shoulder or hip is not visible, or a distractor)"] == 2


def test_no_pair_at_all_is_an_error_that_says_why(root: Path):
    annotate(root, row(market_names()[0]), row(market_names()[3]))
    with pytest.raises(NoPairsError, match="2 people with a single usable photo"):
        open_all(root)


def test_no_annotated_photo_at_all_is_an_error(root: Path):
    annotate(root, row("0001_other.jpg"))
    with pytest.raises(UserError, match="None of the 1 photos"):
        open_all(root)


def test_malformed_and_duplicate_rows_stop_with_file_and_line(root: Path):
    names = market_names()
    for bad in ("0003_c1s1.jpg: [1]: [2]", row(names[0])):
        annotate(root, row(names[0]), row(names[1]), bad)
        with pytest.raises(UserError, match=r"market-annotation-train\.csv, line 4"):
            open_all(root)


def test_bad_photos_stop_a_batch_by_name_unless_verified_away(root: Path):
    names = market_names()
    (root / "bounding_box_train" / names[0]).write_bytes(b"\xff\xd8 no photo")
    write_photo(root / "bounding_box_train" / names[4], (64, 64))
    people = open_all(root)
    with pytest.raises(UserError, match=names[0]):
        people.batch(torch.tensor([0]))
    with pytest.raises(UserError, match=f"{names[4]} is 64x64"):
        people.batch(torch.tensor([6]))
    checked = open_all(root, check=True)
    assert len(checked) == 2 + 2 + 6
    assert checked.report.counts == {"unreadable photos, left out": 1, "photos of another size, left out": 1}
    assert checked.report.totals["pairs"] == 10
    checked.batch(torch.arange(10))


def test_verifying_away_the_last_pair_is_an_error(root: Path):
    for photo in (root / "bounding_box_train").iterdir():
        photo.write_bytes(b"\xff\xd8")
    with pytest.raises(NoPairsError, match="9 unreadable photos"):
        open_all(root, check=True)
