"""Who of a photo is meant: nobody, one, several, or somebody in a box."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.detect import People
from posegan.detect.base import joint_boxes
from posegan.errors import UserError
from posegan.images import write_png
from posegan.inference.finder import PersonFinder
from posegan.inference.poses import find_pose, pose_of_photo
from posegan.inference.predictor import read_person
from posegan.pose import Pose, save_annotations, write_openpose
from tests.small_world import SIZE, photo, standing

WIDE = torch.zeros(3, 128, 200, dtype=torch.uint8)


class Crowd:
    """A detector that sees a person for every 64 columns, each smaller but surer than the one before on its left."""

    name = "crowd"

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, photo: Tensor) -> People:
        self.seen.append((photo.shape[-2], photo.shape[-1]))
        count = photo.shape[-1] // 64
        poses = [standing().resize(SIZE, (128 - 20 * i, 64)).crop(-64 * i, 0) for i in range(count)]
        pose = Pose.stack([*poses, standing()])[:count]
        return People(pose, pose.visible.float(), torch.linspace(0.5, 1, 9)[:count], joint_boxes(pose))


def test_the_largest_is_taken_and_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pose = PersonFinder(Crowd())(WIDE, "a.png")
    torch.testing.assert_close(pose.xy, standing().xy)
    said = capsys.readouterr().err
    assert said.startswith("3 people in a.png, the largest is taken: give the number of another person")
    assert "--pictures" in said


def test_another_is_taken_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    pose = PersonFinder(Crowd(), person=2)(WIDE, "a.png")
    assert 64 <= float(pose.xy[pose.visible][:, 0].min()) < float(pose.xy[pose.visible][:, 0].max()) < 128
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match=r"There is no person 4 in a\.png, the detector crowd found 3: give the box "):
        PersonFinder(Crowd(), person=4)(WIDE, "a.png")


def test_a_box_is_looked_into(capsys: pytest.CaptureFixture[str]) -> None:
    detector = Crowd()
    pose = PersonFinder(detector, box=(100, 20, 164, 120))(WIDE, "a.png")
    assert detector.seen == [(100, 64)]
    inside = standing().inside((100, 64))  # nobody's joints are outside the box
    assert torch.equal(pose.visible, inside.visible)
    torch.testing.assert_close(pose.xy, inside.crop(-100, -20).xy)
    assert capsys.readouterr().err == ""
    for box in ((0, 0, 201, 100), (100, 50, 90, 120)):
        with pytest.raises(UserError, match=r"does not lie in a\.png, which is 200x128"):
            PersonFinder(detector, box=box)(WIDE, "a.png")
    with pytest.raises(UserError, match=r"box 0,0,7,100 of a\.png is 7x100 pixels, too small .*at least 8x16"):
        PersonFinder(detector, box=(0, 0, 7, 100))(WIDE, "a.png")
    with pytest.raises(UserError, match=r"^a\.png is 200x15 pixels, too small"):
        PersonFinder(detector)(WIDE[:, :15], "a.png")


def test_nobody() -> None:
    with pytest.raises(UserError, match=r"finds nobody in a\.png: .*annotations\.csv:PHOTO as the pose\.$"):
        PersonFinder(Crowd(), box=(0, 0, 50, 100)).anybody()(WIDE[..., :50], "a.png")
    with pytest.raises(UserError, match=r"crowd finds nobody in a\.png: give the box that they are in"):
        PersonFinder(Crowd())(WIDE[..., :50], "a.png")
    with pytest.raises(UserError, match=r"in the box of a\.png"):
        PersonFinder(Crowd(), box=(0, 0, 50, 100))(WIDE, "a.png")


def test_who_asks_for_a_box_or_a_number_is_not_given_the_keypoints_beside_the_photo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "a.png", WIDE)
    save_annotations(tmp_path / "a.csv", {"a.png": standing("back")})
    for finder in (PersonFinder(Crowd(), person=2), PersonFinder(Crowd(), box=(0, 0, 200, 128))):
        _, pose = read_person(tmp_path / "a.png", None, finder)
        assert torch.equal(pose.xy, finder(WIDE, "a.png").xy)
    assert "its joints" not in capsys.readouterr().err
    _, pose = read_person(tmp_path / "a.png", None, PersonFinder(Crowd()))
    torch.testing.assert_close(pose.xy, standing("back").xy)
    assert capsys.readouterr().err == f"{tmp_path / 'a.png'}: its joints are those of {tmp_path / 'a.csv'}\n"


def test_keypoints_beside_a_photo_go_before_the_detector(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    found = pose_of_photo(tmp_path / "a.png", PersonFinder(Crowd()))
    assert found.size == SIZE
    torch.testing.assert_close(found.pose.xy, standing().xy)
    torch.testing.assert_close(find_pose(tmp_path / "a.png", finder=PersonFinder(Crowd())).pose.xy, standing().xy)
    nobody = Pose(standing().xy, torch.zeros(18) > 0)
    save_annotations(tmp_path / "a.csv", {"a.png": nobody})  # as `posegan detect` tells that it found nobody
    torch.testing.assert_close(find_pose(tmp_path / "a.png", finder=PersonFinder(Crowd())).pose.xy, standing().xy)
    write_openpose(tmp_path / "a.json", [standing("back")])
    found = pose_of_photo(tmp_path / "a.png", PersonFinder(Crowd()))
    torch.testing.assert_close(found.pose.xy, standing("back").xy)
