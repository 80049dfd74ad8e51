"""Target poses for the person of a photo: limb lengths, place, and what is guessed."""

from __future__ import annotations

import pytest
import torch

from posegan.inference.targets import CROWN, SMALLEST, fit_body, place_on, with_guesses
from posegan.pose import Pose
from posegan.pose.retarget import FACE, estimate_build
from tests.small_world import SIZE, standing


def long_legged(pose: Pose, by: float = 1.3) -> Pose:
    xy = pose.xy.clone()
    for hip, knee, ankle in ((8, 9, 10), (11, 12, 13)):
        thigh, shin = pose.xy[knee] - pose.xy[hip], pose.xy[ankle] - pose.xy[knee]
        xy[knee] = xy[hip] + by * thigh
        xy[ankle] = xy[knee] + by * shin
    return Pose(xy, pose.visible)


def leg_share(pose: Pose) -> float:
    lengths = estimate_build(pose).lengths
    return float(lengths[4:].sum() / lengths[0])


def test_the_targets_limbs_become_the_sources() -> None:
    source, target = long_legged(standing().resize((128, 64), (96, 48))), standing("walking")
    made = fit_body(Pose.stack([target]), source, SIZE)[0]
    assert leg_share(source) > 1.05 * leg_share(target)
    assert leg_share(made) > leg_share(target)
    assert torch.equal(made.visible, target.visible)
    same = fit_body(Pose.stack([target]), target, SIZE)[0]
    torch.testing.assert_close(same.xy, target.xy, atol=1e-3, rtol=0)


def test_nobody_is_pushed_out_of_the_frame() -> None:
    target = standing("walking")
    low = Pose(target.xy + torch.tensor([0.0, 127 - float(target.xy[:, 1].max())]), target.visible)
    short = Pose(long_legged(standing(), 0.6).xy, standing().visible)
    for source in (long_legged(standing().resize((128, 64), (96, 48))), short):
        made = fit_body(Pose.stack([low, target]), source, SIZE)
        assert torch.equal(made.visible, torch.stack([target.visible] * 2))
        move = made.xy - fit_body(Pose.stack([target, target]), source, (500, 500)).xy
        assert float(move[1][target.visible].std(0).max()) < 1e-3  # all joints alike


def test_a_person_is_placed_where_the_other_stood() -> None:
    photo = (600, 800)
    source = standing("front").resize(SIZE, (400, 200)).crop(-500, -150)
    target = standing("arms-up").resize(SIZE, (90, 45)).crop(-3, -7)
    made = place_on(Pose.stack([target]), source)[0]
    assert bool(made.inside(photo).visible[made.visible].all())
    height = [float(estimate_build(pose).height) for pose in (source, made)]
    assert abs(height[1] / height[0] - 1) < 0.02
    assert float(made.xy[[10, 13], 1].max()) == float(source.xy[[10, 13], 1].max())
    torch.testing.assert_close(made.xy[[8, 11], 0].mean(), source.xy[[8, 11], 0].mean(), atol=1e-2, rtol=0)
    back = place_on(Pose.stack([source]), source)[0]
    torch.testing.assert_close(back.xy, source.xy, atol=1e-2, rtol=0)
    kept = place_on(Pose.stack([target]), source, limbs=False)[0]
    scale = (kept.xy[3] - kept.xy[2]).norm() / (target.xy[3] - target.xy[2]).norm()
    larger = scale * (target.xy - target.xy[1])
    torch.testing.assert_close((kept.xy - kept.xy[1])[1:14], larger[1:14], atol=1e-2, rtol=0)


def test_a_walk_does_not_float() -> None:
    """The lowest ankle of most frames is where the photo's was, not that of the one foot nearest to the camera."""
    source = standing("front").resize(SIZE, (400, 200)).crop(-500, -300)
    steps = Pose.stack([standing("front")] * 5)
    lift = torch.tensor([0.0, -2.0, 9.0, 1.0, 0.0])[:, None]
    steps.xy[:, [10, 13], 1] += lift
    made = place_on(steps, source)
    low = made.xy[:, [10, 13], 1].amax(1)
    assert float(low.median()) == pytest.approx(float(source.xy[[10, 13], 1].max()), abs=1e-2)
    assert float(low.max()) > float(low.median()) + 10


@pytest.mark.parametrize(
    ("room", "stretched", "whole"), [(300, 20, True), (20, 20, False), (-40, 8, False), (20, 60, False)]
)
def test_heads_stay_in_the_photo(room: int, stretched: int, whole: bool) -> None:
    """room: pixels above the crown of the photo's person. A pose with a longer neck is shrunk, but not to a dwarf."""
    source = standing("front").resize(SIZE, (400, 200))
    crown = CROWN * float(estimate_build(source).height)
    source = source.crop(0, float(source.xy[list(FACE), 1].min()) - crown - room)
    tall = Pose(standing("front").xy.clone(), standing("front").visible)
    tall.xy[list(FACE), 1] -= stretched
    made, free = (place_on(Pose.stack([tall]), at, limbs=False)[0] for at in (source, source.crop(0, -1000)))
    smaller = float((made.xy[10] - made.xy[1]).norm() / (free.xy[10] - free.xy[1]).norm())
    top = float(made.xy[list(FACE), 1].min()) - crown
    assert float(made.xy[[10, 13], 1].max()) == pytest.approx(float(source.xy[[10, 13], 1].max()), abs=1e-2)
    assert SMALLEST - 1e-3 <= smaller <= 1 + 1e-3
    assert (smaller > 0.999) == whole
    if smaller > SMALLEST + 1e-3 and not whole:
        assert top == pytest.approx(max(min(room, 0), -crown), abs=0.15 * crown)


def test_half_a_person_is_placed_by_what_both_show() -> None:
    source = Pose(standing().xy, standing().visible & (torch.arange(18) < 8))  # head and arms
    made = place_on(Pose.stack([standing("walking")]), source)[0]
    torch.testing.assert_close(made.xy[1], source.xy[1], atol=1e-2, rtol=0)
    nobody = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))
    assert not place_on(Pose.stack([nobody]), source).visible.any()


def test_guesses_stay_in_the_photo() -> None:
    whole = standing()
    lost = Pose(whole.xy, whole.visible & (torch.arange(18) != 10) & (torch.arange(18) != 4))
    made, names = with_guesses(lost, SIZE)
    assert names == ("right_wrist", "right_ankle")
    assert torch.equal(made.visible, whole.visible)
    cut = with_guesses(lost, (90, 64))  # the ankle would be below the photo
    assert cut[1] == ("right_wrist",)
    assert not cut[0].visible[10]
    assert with_guesses(lost, None)[1] == names
