"""Animations: the person in every pose, a background that stands still, files that say what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.errors import UserError
from posegan.images import from_pil, read_photo, to_bytes
from posegan.inference import animate as module
from posegan.inference.animate import animate, animate_file, behind
from posegan.inference.finder import PersonFinder
from posegan.inference.matte import matte
from posegan.inference.predictor import Predictor
from posegan.inference.sequences import PoseSequence, bundled_sequences
from posegan.inference.video import write_mp4
from posegan.pose import Pose
from tests.inference.walks import FRAME, Looking, as_json, as_photos, pictures, walk
from tests.small_world import SIZE, photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


@pytest.fixture(scope="module")
def person(predictor: Predictor) -> tuple[Tensor, Pose]:
    return predictor.prepare(photo(3, standing()), standing())


WALK = bundled_sequences()["walk-front"]


def test_every_frame_is_the_predictors(
    predictor: Predictor, person: tuple[Tensor, Pose], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)  # 16 frames in six batches
    made = animate(predictor, *person, WALK, retarget=False, smoothing=False, background="generated")
    assert torch.equal(made.poses.xy, WALK.poses.xy)
    assert made.frames.shape == (16, 3, *SIZE)
    source, pose = person
    for i in (0, 7, 15):
        wanted = predictor.repose(source[None], Pose.stack([pose]), WALK.poses[i : i + 1])[0]
        torch.testing.assert_close(made.frames[i], to_bytes(wanted), atol=1, rtol=0)
    assert made.seconds == WALK.seconds
    assert made.flicker is not None


def test_retargeting_and_smoothing_change_the_poses(predictor: Predictor, person: tuple[Tensor, Pose]) -> None:
    plain = animate(predictor, *person, WALK, retarget=False, smoothing=False)
    fitted = animate(predictor, *person, WALK, smoothing=False)
    smoothed = animate(predictor, *person, WALK, retarget=False)
    assert 0.2 < float((fitted.poses.xy - plain.poses.xy).abs().max()) < 10
    assert 0.2 < float((smoothed.poses.xy - plain.poses.xy).abs().max()) < 10
    assert torch.equal(fitted.poses.visible, plain.poses.visible)


def test_a_steady_background_stands_still(predictor: Predictor, person: tuple[Tensor, Pose]) -> None:
    made = {kind: animate(predictor, *person, WALK, background=kind) for kind in ("generated", "steady", "photo")}
    assert made["steady"].flicker is not None
    assert made["generated"].flicker is not None
    assert made["steady"].flicker[0] < 0.2 * made["generated"].flicker[0]
    assert made["steady"].flicker[1] == pytest.approx(made["generated"].flicker[1], rel=0.2)
    far = (matte(made["photo"].poses, SIZE).amax(0) < 0.001) & (matte(Pose.stack([person[1]]), SIZE)[0] < 0.001)
    assert int(far.sum()) > 100
    still = made["photo"].frames[:, :, far]
    assert torch.equal(still, to_bytes(person[0])[:, far].expand(16, -1, -1))


def test_before_the_photos_background_they_walk_where_they_stood(predictor: Predictor) -> None:
    small = standing().resize(SIZE, (90, 45)).crop(-12, -30)  # feet at about 0.9 of the photo's height
    made = animate(predictor, *predictor.prepare(photo(3, small), small), WALK, background="photo")
    ankles = torch.stack([made.poses.xy[:, joint, 1] for joint in (10, 13)])
    assert float(ankles.amax(0).median()) == pytest.approx(float(small.xy[[10, 13], 1].max()), abs=1.0)
    heights = made.poses.xy[..., 1].amax(1) - made.poses.xy[..., 1].amin(1)
    assert float(heights.mean()) == pytest.approx(float(small.xy[:, 1].max() - small.xy[:, 1].min()), rel=0.1)


def test_what_is_behind_is_what_the_freest_frames_show() -> None:
    frames = torch.arange(12.0).view(12, 1, 1, 1).expand(12, 3, 4, 2).clone()
    share = torch.ones(12, 4, 2)
    share[[2, 7, 9], :, 0] = 0.0  # free in three frames
    share[[5, 6, 11], :, 1] = 0.4  # half hidden at best
    found = behind(frames, share)
    assert found.shape == (1, 3, 4, 2)
    assert found[0, 0, 0].tolist() == [7.0, 6.0]


def test_guessed_joints_are_told(predictor: Predictor, person: tuple[Tensor, Pose]) -> None:
    lost = Pose(WALK.poses.xy, WALK.poses.visible & (torch.arange(18) != 10))
    sequence = PoseSequence(lost, WALK.size, WALK.seconds)
    assert animate(predictor, *person, sequence).guessed == ()
    made = animate(predictor, *person, sequence, guess=True)
    assert made.guessed == ("right_ankle",)
    assert bool(made.poses.visible[:, 10].all())


def read_gif(path: Path) -> tuple[Tensor, dict[str, object]]:
    with Image.open(path) as picture:
        frames = []
        for i in range(picture.n_frames):
            picture.seek(i)
            frames.append(from_pil(picture.convert("RGB")))
        return torch.stack(frames), dict(picture.info)


def test_a_gif_says_what_it_is(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    made, found = animate_file(predictor, source, "walk", tmp_path / "new" / "a.gif")
    frames, said = read_gif(tmp_path / "new" / "a.gif")
    assert frames.shape == (16, 3, *SIZE)
    assert float((frames.float() - to_bytes(made.frames).float()).abs().mean()) < 10
    assert said["duration"] == pytest.approx(1000 * WALK.seconds / 16, abs=10)
    told = json.loads(bytes(said["comment"]))  # type: ignore[call-overload]
    assert told["Description"].startswith("AI-generated")
    assert told["posegan:weights-sha256"] == predictor.sha256
    assert found.bundled
    animate_file(predictor, source, "walk", tmp_path / "b.gif", metadata=False, beside=True, rate=20)
    frames, said = read_gif(tmp_path / "b.gif")
    assert frames.shape == (16, 3, 132, 200)
    assert not said.get("comment")
    assert said["duration"] == 50
    photo_shown = frames[0, :, 2:130, 2:66].float()
    assert float((photo_shown - read_photo(source).float()).abs().mean()) < 12  # a palette of 256


def test_poses_from_a_video(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    write_mp4(tmp_path / "walk.mp4", torch.stack(pictures(walk(5))), 10)
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    made, found = animate_file(
        predictor, source, tmp_path / "walk.mp4", tmp_path / "a.mp4", finder=PersonFinder(Looking()), smoothing=False
    )
    assert len(made.frames) == 5
    assert made.seconds == 0.5
    assert found.sequence.size == FRAME
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert file.metadata["Description"].startswith("AI-generated")
        assert file.streams.video[0].average_rate == 10


def test_from_photos_and_json(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    as_photos(tmp_path / "photos", walk(4))
    as_json(tmp_path / "walk.json", walk(4))
    for poses in ("photos", "walk.json"):
        made, _ = animate_file(predictor, source, tmp_path / poses, tmp_path / "a.gif", rate=8)
        assert made.seconds == 0.5
        assert bool(made.poses.visible[:, 1:14].all())
        assert made.flicker is not None


def test_where_an_animation_cannot_go(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    with pytest.raises(UserError, match=r"ends in \.gif or \.mp4"):
        animate_file(predictor, source, "walk", tmp_path / "a.png")
    with pytest.raises(UserError, match="is a folder"):
        animate_file(predictor, source, "walk", tmp_path)
    (tmp_path / "own.gif").write_bytes(source.read_bytes())
    with pytest.raises(UserError, match="would be lost"):
        animate_file(predictor, tmp_path / "own.gif", "walk", tmp_path / "own.gif", source_pose=standing())
