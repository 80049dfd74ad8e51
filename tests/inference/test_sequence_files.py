"""Where a sequence comes from, and what is said when it cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from posegan.errors import UserError
from posegan.images import write_gif, write_png
from posegan.inference.detected import find_person
from posegan.inference.sequence_files import RATE, find_sequence, walk_for
from posegan.inference.sequences import PoseSequence, bundled_sequences, fit_sequence, follow
from posegan.pose import Pose, write_openpose
from tests.inference.walks import COLOUR, FRAME, Looking, as_json, as_photos, pictures, walk
from tests.small_world import SIZE, standing


def test_photos_with_poses_beside_them(tmp_path: Path) -> None:
    found = find_sequence(as_photos(tmp_path, walk(11)), standing())
    assert found.sequence.size == FRAME
    assert found.sequence.seconds == pytest.approx(11 / RATE)
    torch.testing.assert_close(found.sequence.poses.xy, walk(11).xy)  # f10 after f9
    assert not found.bundled
    assert found.left_out == 0


def test_openpose_files_and_one_file_of_them(tmp_path: Path) -> None:
    for i in range(3):
        write_openpose(tmp_path / "walk" / f"{i}.json", [walk()[i]])
    as_json(tmp_path / "walk.json", walk(3))
    (tmp_path / "frames.json").write_text(json.dumps({"frames": json.loads((tmp_path / "walk.json").read_text())}))
    fitted = [
        fit_sequence(find_sequence(tmp_path / name, standing(), rate=24).sequence, SIZE)
        for name in ("walk", "walk.json", "frames.json")
    ]
    assert torch.equal(fitted[0].xy, fitted[1].xy)
    assert torch.equal(fitted[0].xy, fitted[2].xy)
    of_photos = fit_sequence(PoseSequence(walk(3).crop(-500, -500), (2000, 2000), 1), SIZE)
    torch.testing.assert_close(fitted[0].xy, of_photos.xy, atol=1.5, rtol=0)  # boxes are whole pixels
    assert find_sequence(tmp_path / "walk.json", standing(), rate=24).sequence.seconds == 3 / 24


def test_the_same_person_is_followed_among_several(tmp_path: Path) -> None:
    poses, other = walk(4), Pose(walk(4).xy + torch.tensor([300.0, 0.0]), walk(4).visible)
    few = Pose(other[0].xy, other[0].visible & (torch.arange(18) < 6))
    for i in range(4):
        write_openpose(tmp_path / f"{i}.json", [few if i == 0 else other[i], poses[i]])
    found = find_sequence(tmp_path, standing()).sequence
    torch.testing.assert_close(found.poses.xy - found.poses.xy[:1], poses.xy - poses.xy[:1], atol=1e-3, rtol=0)


def test_short_gaps_keep_their_time_and_longer_ones_are_left_out(tmp_path: Path) -> None:
    poses = walk(11)
    hand = torch.arange(18) != 4
    for i in range(11):
        shown = Pose(poses[i].xy, poses[i].visible & (hand if i == 4 else True))
        write_openpose(tmp_path / f"{i}.json", [] if i in (0, 2, 3, 5, 6, 7, 10) else [shown])
    found = find_sequence(tmp_path, standing(), rate=4)  # two frames in half a second
    assert (found.bridged, found.left_out) == (2, 5)
    kept = found.sequence
    assert kept.seconds == 6 / 4
    moved = (kept.poses.xy - kept.poses.xy[0])[:, hand]
    wanted = poses.xy[1] + (poses.xy[4] - poses.xy[1]) / 3  # a third of the way
    wanted = torch.stack([poses.xy[1], wanted, *poses.xy[[4, 8, 9]]])[:, hand] - poses.xy[1, hand]
    torch.testing.assert_close(moved[[0, 1, 3, 4, 5]], wanted, atol=1e-2, rtol=0)
    assert kept.poses.visible[:, 4].tolist() == [True, False, False, False, True, True]


def test_photos_of_several_sizes_are_cut_each_by_itself(tmp_path: Path) -> None:
    for i, scale in enumerate((1, 2, 3)):
        size = (FRAME[0] * scale, FRAME[1] * scale)
        write_png(tmp_path / f"{i}.png", torch.zeros(3, *size, dtype=torch.uint8))
        write_openpose(tmp_path / f"{i}.json", [walk()[0].resize(FRAME, size)])
    poses = find_sequence(tmp_path, standing()).sequence.poses
    torch.testing.assert_close(poses.xy, poses.xy[:1].expand(3, -1, -1), atol=6, rtol=0)  # of 512


@pytest.mark.usefixtures("blind")
def test_plain_photos_need_a_detector_that_finds_somebody(tmp_path: Path) -> None:
    as_photos(tmp_path, walk(3), annotated=False)
    with pytest.raises(UserError, match="gives 0 poses, an animation needs two"):
        find_sequence(tmp_path, standing())
    write_png(tmp_path / "f1.png", torch.full((3, *FRAME), COLOUR, dtype=torch.uint8))
    found = find_sequence(tmp_path, standing(), detector=Looking())
    assert len(found.sequence.poses) == 3
    assert (found.bridged, found.left_out) == (1, 0)
    assert (found.sequence.poses.xy[0] - walk(1)[0].xy)[1:14].abs().max() < 4


def test_the_detector_looks_closer() -> None:
    detector, picture = Looking(), pictures(walk(2))
    first = find_person(detector, picture[0])
    assert first is not None
    assert detector.seen[0] == FRAME
    assert detector.seen[1][1] < FRAME[1]
    detector.seen.clear()
    again = find_person(detector, picture[1], first)
    assert again is not None
    assert len(detector.seen) == 1  # at once where the person was
    assert detector.seen[0][1] < FRAME[1]
    assert (again.xy - walk(2)[1].xy)[1:14].abs().max() < 4
    moved = torch.full((3, *FRAME), COLOUR, dtype=torch.uint8)
    assert find_person(detector, moved, first) is None


def test_bundled_walks(tmp_path: Path) -> None:
    found = find_sequence("walk-left", standing())
    assert found.bundled
    assert found.sequence is not None
    assert torch.equal(found.sequence.poses.xy, bundled_sequences()["walk-left"].poses.xy)
    assert find_sequence("walk-left", standing(), rate=8).sequence.seconds == 2


@pytest.mark.parametrize(
    ("pose", "name"), [("front", "walk-front"), ("back", "walk-away"), ("left", "walk-left"), ("right", "walk-right")]
)
def test_walk_goes_where_the_person_faces(pose: str, name: str) -> None:
    assert walk_for(standing(pose)) == name


def test_the_camera_goes_with_somebody_who_crosses_the_picture() -> None:
    poses = walk(16)
    step = torch.stack([8 * torch.arange(16.0), torch.zeros(16)], -1)[:, None]
    crossing = PoseSequence(Pose(poses.xy + step, poses.visible), (160, 500), 1.1)
    still = follow(PoseSequence(poses, FRAME, 1.1))
    assert torch.equal(still.poses.xy, poses.xy)
    followed = follow(crossing)
    hips = followed.poses.xy[:, [8, 11], 0].mean(1)
    assert float(hips.max() - hips.min()) < 5  # of 120
    torch.testing.assert_close(
        followed.poses.xy[..., 1] - followed.poses.xy[:1, :1, 1],
        poses.xy[..., 1] - poses.xy[:1, :1, 1],
        atol=1e-3,
        rtol=0,
    )
    tall = [float(fit_sequence(s, SIZE).xy[..., 1].max()) for s in (crossing, followed)]
    assert tall[1] > tall[0]


@pytest.mark.parametrize("kind", ["png", "json"])
def test_an_animation_among_the_frames_is_none_of_them(kind: str, tmp_path: Path) -> None:
    as_photos(tmp_path, walk(4))
    for file in tmp_path.glob("*.png") if kind == "json" else ():
        file.unlink()
    write_gif(tmp_path / "walk.gif", pictures(walk(4)))
    found = find_sequence(tmp_path, standing())
    assert len(found.sequence.poses) == 4
    assert [("walk.gif" in told) for told in found.unreadable] == ([True] if kind == "png" else [])


@pytest.mark.parametrize("kind", ["png", "json"])
def test_files_of_a_folder_that_cannot_be_read_are_left_out_and_told(kind: str, tmp_path: Path) -> None:
    as_photos(tmp_path, walk(4))
    for file in tmp_path.glob("*.png") if kind == "json" else ():
        file.unlink()
    files = sorted(tmp_path.glob(f"*.{kind}"))
    files[1].write_text("damaged")
    (tmp_path / "IMG_1.heic").touch()
    found = find_sequence(tmp_path, standing())
    assert len(found.sequence.poses) == 3
    assert found.left_out == 0
    assert str(files[1]) in found.unreadable[0]
    assert len(found.unreadable) == (2 if kind == "png" else 1)  # the other: formats that are not read
    for file in files[1:]:
        file.write_text("damaged")
    with pytest.raises(UserError, match=rf"gives 1 poses \(. files left out, the first: {files[1]} is n.*needs two"):
        find_sequence(tmp_path, standing())
    files[0].write_text("damaged")
    with pytest.raises(UserError, match=f"None of the 4 files in .* can be used, the first: {files[0]}"):
        find_sequence(tmp_path, standing())


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("wlak", "Unknown sequence 'wlak'; did you mean 'walk'"),
        ("gone.json", "cannot be opened"),
        ("gone.mp4", "There is no video"),
        ("pose.txt", "is no pose sequence"),
        ("one.json", "gives 1 poses, an animation needs two"),
        ("text.json", "is no JSON file"),
        ("number.json", "holds no list of OpenPose frames"),
        ("damaged.json", "damaged.json, frame 2 is no OpenPose"),
        ("empty", "holds no photos and no OpenPose"),
    ],
)
def test_what_is_no_sequence(name: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_openpose(tmp_path / "one.json", [walk()[0]])
    (tmp_path / "text.json").write_text("walk")
    (tmp_path / "number.json").write_text("3")
    as_json(tmp_path / "damaged.json", walk(2))
    frames = json.loads((tmp_path / "damaged.json").read_text())
    (tmp_path / "damaged.json").write_text(json.dumps([frames[0], {"persons": 3}]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=complaint):
        find_sequence(name, standing())
