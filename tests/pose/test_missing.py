"""Guessed joints: where they are put, and what is never guessed."""

from __future__ import annotations

import pytest
import torch

from posegan.data import SyntheticPeople
from posegan.pose import COCO18, Pose
from posegan.pose.missing import guess_missing, joint_names
from tests.small_world import standing


def without(pose: Pose, *names: str) -> Pose:
    visible = pose.visible.clone()
    visible[..., [COCO18.index(name) for name in names]] = False
    return Pose(pose.xy, visible)


def test_nothing_to_guess() -> None:
    made, guessed = guess_missing(standing())
    assert torch.equal(made.xy, standing().xy)
    assert not guessed.any()


@pytest.mark.parametrize(
    ("lost", "near"),
    [
        (("neck",), 3),
        (("left_shoulder",), 4),
        (("right_hip",), 4),
        (("right_elbow",), 6),
        (("left_wrist",), 8),
        (("left_elbow", "left_wrist"), 10),
        (("right_knee", "right_ankle"), 12),
        (("left_ankle",), 13),
        (("right_knee", "right_ankle", "left_knee", "left_ankle"), 10),
    ],
)
def test_guesses_are_near_the_truth_of_somebody_standing(lost: tuple[str, ...], near: float) -> None:
    for view in ("front", "back"):
        whole = standing(view)
        made, guessed = guess_missing(without(whole, *lost))
        assert joint_names(guessed) == tuple(n for n in COCO18.joints if n in lost)
        assert (made.xy - whole.xy).norm(dim=-1)[guessed].max() < near  # pixels of 128x64
        assert torch.equal(made.xy[~guessed], whole.xy[~guessed])


def test_the_face_and_legs_without_hips_are_never_guessed() -> None:
    made, guessed = guess_missing(without(standing(), "nose", "left_ear", "right_hip", "left_hip", "right_knee"))
    assert not guessed.any()
    assert not made.visible[[0, 8, 11, 9]].any()
    nobody = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))
    assert not guess_missing(nobody)[1].any()


def test_left_and_right_are_treated_alike() -> None:
    pose = SyntheticPeople(4, poses_per_identity=2).sample(range(8)).pose
    for lost in (("left_shoulder",), ("right_knee",), ("left_elbow", "left_wrist"), ("right_hip",)):
        made = guess_missing(without(pose, *lost))[0]
        mirrored = guess_missing(without(pose, *lost).flip(64))[0]
        torch.testing.assert_close(mirrored.xy, made.flip(64).xy, atol=1e-3, rtol=0)
        alone = [guess_missing(without(pose[i], *lost))[0].xy for i in range(8)]
        torch.testing.assert_close(torch.stack(alone), made.xy)
