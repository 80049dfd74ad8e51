"""Photos and poses of any size in the model's frame."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posegan.errors import UserError
from posegan.inference.framing import fit_photo, fit_pose
from posegan.pose import Pose
from tests.small_world import SIZE, standing


def marked(pose: Pose, joint: int, size: tuple[int, int]) -> torch.Tensor:
    """Return a black photo with a white square around one joint."""
    x, y = pose.xy[joint].round().int().tolist()
    image = torch.zeros(3, *size, dtype=torch.uint8)
    image[:, max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
    return image


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(0.6, 4),
    left=st.integers(0, 90),
    top=st.integers(0, 60),
    right=st.integers(0, 90),
    joint=st.integers(2, 13),
)
def test_joints_follow_the_photo(scale: float, left: int, top: int, right: int, joint: int) -> None:
    person = (round(128 * scale), round(64 * scale))
    pose = standing("walking").resize(SIZE, person).crop(-left, -top)
    size = (person[0] + top, person[1] + left + right)
    made, moved = fit_photo(marked(pose, joint, size), pose, SIZE)
    assert made.shape == (3, *SIZE)
    bright = (made[0] > 127).nonzero().float()
    if len(bright) > 4:  # the square may be cut off at the edge
        centre = bright.mean(0).flip(0)
        assert (centre - moved.xy[joint]).abs().max() < 1.5
    assert bool(moved.visible[1:14].all())


def test_the_person_is_framed_alike_in_every_photo() -> None:
    pose = standing("front")
    _, small = fit_photo(torch.zeros(3, 200, 300, dtype=torch.uint8), pose.crop(-100, -40), SIZE)
    _, large = fit_photo(
        torch.zeros(3, 800, 1200, dtype=torch.uint8), pose.crop(-100, -40).resize((200, 300), (800, 1200)), SIZE
    )
    assert (small.xy - large.xy).abs().max() < 2


def test_pose_of_another_frame() -> None:
    pose = standing("back")
    assert torch.equal(fit_pose(pose, SIZE, SIZE).xy, pose.xy)
    known = fit_pose(pose.crop(-300, -200), (600, 800), SIZE)
    unknown = fit_pose(pose.crop(-300, -200), None, SIZE)
    torch.testing.assert_close(known.xy, unknown.xy, atol=0.01, rtol=0)
    _, of_photo = fit_photo(torch.zeros(3, 600, 800, dtype=torch.uint8), pose.crop(-300, -200), SIZE)
    torch.testing.assert_close(known.xy, of_photo.xy)


def test_nobody_in_the_frame() -> None:
    with pytest.raises(UserError, match="no joint inside its photo"):
        fit_photo(torch.zeros(3, 50, 50, dtype=torch.uint8), standing().crop(-500, 0), SIZE)
    with pytest.raises(UserError, match="no joint"):
        fit_pose(Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool)), None, SIZE)
