"""Where a pose comes from, and what is said when it cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from posegan.errors import UserError
from posegan.images import write_png
from posegan.inference.poses import bundled_poses, find_pose, pose_of_photo
from posegan.pose import Pose, save_annotations, write_openpose
from tests.small_world import SIZE, photo, standing


def test_bundled_poses_are_whole_people() -> None:
    poses = bundled_poses()
    assert {"front", "back", "left", "right", "walking", "sitting", "arms-up"} <= poses.keys()
    stacked = Pose.stack([framed.pose for framed in poses.values()])
    assert bool(stacked.valid.all())
    assert bool(stacked.visible[:, 1:14].all())  # neck and all limbs
    assert torch.equal(stacked.inside(SIZE).visible, stacked.visible)
    assert {framed.size for framed in poses.values()} == {SIZE}
    assert not poses["back"].pose.visible[0]  # no nose from behind
    front, back = poses["front"].pose.xy, poses["back"].pose.xy
    assert front[2, 0] < front[5, 0]  # the right shoulder is on the left of the picture
    assert back[2, 0] > back[5, 0]


def test_openpose_takes_the_person_with_most_joints(tmp_path: Path) -> None:
    few = Pose(standing().xy, standing().visible & (torch.arange(18) < 5))
    write_openpose(tmp_path / "two.json", [few, standing()])
    found = find_pose(tmp_path / "two.json")
    torch.testing.assert_close(found.pose.xy, standing().xy)
    assert found.size is None


@pytest.mark.parametrize(
    ("people", "complaint"),
    [
        ([], "holds no person"),
        ([Pose(standing().xy, torch.zeros(18) > 0)], "holds no person"),
        ([Pose(standing().xy / 128, standing().visible)], "--keypoint_scale 0"),
        ([Pose(standing().xy, torch.arange(18) < 3)], r"too few joints \(3\): a pose needs at least 4"),
        ([Pose(torch.full((18, 2), 30.0), torch.ones(18) > 0)], "all its joints at one place"),
    ],
)
def test_openpose_without_usable_person(tmp_path: Path, people: list[Pose], complaint: str) -> None:
    write_openpose(tmp_path / "a.json", people)
    with pytest.raises(UserError, match=complaint):
        find_pose(tmp_path / "a.json")


def test_row_of_an_annotation_file(tmp_path: Path) -> None:
    save_annotations(tmp_path / "a.csv", {"x.png": standing("back"), "y.png": standing()})
    found = find_pose(f"{tmp_path / 'a.csv'}:x.png")
    torch.testing.assert_close(found.pose.xy, standing("back").xy, atol=0.51, rtol=0)
    assert found.size is None
    write_png(tmp_path / "x.png", photo(1, standing()))
    assert find_pose(f"{tmp_path / 'a.csv'}:x.png").size == SIZE
    assert torch.equal(find_pose(tmp_path / "a.csv", photo_name="x.png").pose.xy, found.pose.xy)
    with pytest.raises(UserError, match=r"a\.csv has no row for the photo 'z.png'"):
        find_pose(f"{tmp_path / 'a.csv'}:z.png")
    with pytest.raises(UserError, match="holds many poses"):
        find_pose(tmp_path / "a.csv")


def test_a_row_with_too_few_joints(tmp_path: Path) -> None:
    save_annotations(tmp_path / "a.csv", {"x.png": Pose(standing().xy, torch.arange(18) == 2)})
    with pytest.raises(UserError, match=r"x.png shows too few joints \(1\)"):
        find_pose(f"{tmp_path / 'a.csv'}:x.png")
    write_png(tmp_path / "x.png", photo(1, standing()))
    with pytest.raises(UserError, match=r"x.png shows too few joints \(1\)"):
        pose_of_photo(tmp_path / "x.png")


def test_annotated_photo(market: Path, people: Path) -> None:
    found = find_pose(market / "bounding_box_train" / "0001_c1s1_000001_00.png")
    torch.testing.assert_close(found.pose.xy, standing("back").xy, atol=0.51, rtol=0)
    assert found.size == SIZE
    assert find_pose(people / "ann" / "front.png").size == (160, 120)  # by its path below the folder


def test_openpose_file_beside_the_photo_comes_first(market: Path) -> None:
    file = market / "bounding_box_train" / "0001_c1s1_000001_00.png"
    write_openpose(file.with_name(f"{file.stem}_keypoints.json"), [standing("walking")])
    torch.testing.assert_close(pose_of_photo(file).pose.xy, standing("walking").xy)


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("text", ['{"iso": 100}', "[1, 2]"])
def test_a_json_file_of_something_else_beside_a_photo_is_left_alone(tmp_path: Path, text: str) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match="finds nobody in"):
        pose_of_photo(tmp_path / "a.png")
    (tmp_path / "a.json").write_text('{"people": [')  # damaged
    with pytest.raises(UserError, match=r"a\.json"):
        pose_of_photo(tmp_path / "a.png")


@pytest.mark.usefixtures("blind")
def test_other_csv_files_beside_a_photo_are_left_alone(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    (tmp_path / "scores.csv").write_text("from,to\na.png,b.png\n")
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    with pytest.raises(UserError, match="finds nobody in"):
        pose_of_photo(tmp_path / "a.png")


@pytest.mark.usefixtures("blind")
def test_a_file_name_in_a_csv_further_up_is_not_that_of_two_photos(tmp_path: Path) -> None:
    alice, bob = (tmp_path / name / "1.png" for name in ("alice", "bob"))
    for file in (alice, bob):
        write_png(file, photo(1, standing()))
    save_annotations(tmp_path / "keypoints.csv", {"1.png": standing()})
    with pytest.raises(UserError, match="finds nobody in"):
        pose_of_photo(bob)
    save_annotations(tmp_path / "keypoints.csv", {"bob/1.png": standing()})
    assert pose_of_photo(bob).file == tmp_path / "keypoints.csv"
    with pytest.raises(UserError, match="finds nobody in"):
        pose_of_photo(alice)
    bob.unlink()
    save_annotations(tmp_path / "keypoints.csv", {"1.png": standing()})
    assert pose_of_photo(alice).file == tmp_path / "keypoints.csv"


def test_other_rows_of_a_csv_beside_a_photo_are_not_read(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    save_annotations(tmp_path / "a.csv", {"a.png": standing()})
    good = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(good.replace("\na.png", "\nb.png: [NaN]: [1]\naa.png: 1: 2\na.png"))
    torch.testing.assert_close(pose_of_photo(tmp_path / "a.png").pose.xy, standing().xy, atol=0.51, rtol=0)
    (tmp_path / "a.csv").write_text(good + "a.png: []: []\n")  # the first of two counts
    assert pose_of_photo(tmp_path / "a.png").pose.visible.any()
    (tmp_path / "a.csv").write_text(good.partition("\n")[0] + "\na.png: [1]: [1]\n")
    with pytest.raises(UserError, match=r"a\.csv, line 2: the y list has 1 numbers instead of 18"):
        pose_of_photo(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("walkin", "Unknown pose 'walkin'; did you mean 'walking'"),
        ("gone.png", "cannot be opened"),
        ("gone.json", "cannot be opened"),
        ("gone.csv:a.png", "cannot be opened"),
        ("pose.txt", "is not a pose"),
    ],
)
def test_what_is_no_pose(text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        find_pose(text)


def test_damaged_openpose_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": [1, 2]}]}))
    with pytest.raises(UserError, match="person 1"):
        find_pose(tmp_path / "a.json")
