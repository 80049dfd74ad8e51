"""Retargeting: against numerical integration, and on synthetic people whose true proportions are known."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from posegan.data.synthetic import body, kinematics, motion
from posegan.pose import Pose
from posegan.pose.retarget import (
    FORESHORTENING,
    NOISE,
    SHARE,
    SPREAD,
    UPRIGHT,
    Build,
    estimate_build,
    retarget,
)
from tests.small_world import standing

LIMBS = ((2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13))
EVERYTHING = torch.ones(18, dtype=torch.bool)


def bodies(count: int, seed: int, spread: float) -> body.Shape:
    """Return adults and children whose bone lengths differ by `spread` (of the logarithm) on top of their own ways."""
    generator = torch.Generator().manual_seed(seed)
    shape = body.sample_shape(torch.arange(count) + 1000 * seed)
    bones = ("thigh", "shin", "trunk", "upper_arm", "forearm")
    longer = {b: getattr(shape, b) * torch.exp(spread * torch.randn(count, generator=generator)) for b in bones}
    return dataclasses.replace(shape, **longer)


def photographed(shape: body.Shape, seed: int) -> tuple[Pose, Tensor]:
    """Return how a camera sees people in poses of all kinds, and the true lengths (B, 6) of torso and limbs."""
    count = len(shape.thigh)
    skeleton = kinematics.pose_skeleton(shape, motion.sample_motion(torch.arange(count) + seed))
    joints, _ = kinematics.coco_joints(shape, skeleton)
    turn = 2 * math.pi * torch.rand(count, 1, generator=torch.Generator().manual_seed(seed))
    x = joints[..., 0] * turn.cos() + joints[..., 2] * turn.sin()
    scale = 105 / shape.stature[:, None]
    pose = Pose(torch.stack([32 + x * scale, 120 - joints[..., 1] * scale], -1), EVERYTHING.expand(count, 18))
    hips = (joints[:, 8] + joints[:, 11]) / 2
    neck, face = joints[:, 1], joints[:, [0, 14, 15, 16, 17]].mean(1)
    true = [neck - hips, face - neck, *(joints[:, b] - joints[:, a] for a, b in ((2, 3), (3, 4), (8, 9), (9, 10)))]
    return pose, torch.stack([vector.norm(dim=-1) for vector in true], -1)


def shares(lengths: Tensor) -> Tensor:
    """Return logarithms of lengths as shares of the height."""
    return (lengths / lengths[..., UPRIGHT].sum(-1, keepdim=True)).log()


def test_limbs_come_closer_to_the_other_body() -> None:
    (mine, true_mine), (other, true_other) = (
        photographed(bodies(1500, 1, 0.06), 1),
        photographed(bodies(1500, 2, 0.06), 2),
    )
    own, wanted = estimate_build(mine), estimate_build(other)
    change = shares(wanted.lengths) - shares(own.lengths)
    before = (shares(true_other) - shares(true_mine)).abs().mean(0)
    after = (shares(true_other) - shares(true_mine) - change).abs().mean(0)
    assert bool((after < 0.8 * before)[[0, 2, 3, 4, 5]].all()), after / before
    assert after[1] < before[1]  # of the head one view tells least


def test_the_same_body_stays_nearly_the_same() -> None:
    shape = bodies(1500, 1, 0.0)
    first, second = (estimate_build(photographed(shape, seed)[0]) for seed in (1, 2))
    assert (shares(first.lengths) - shares(second.lengths)).abs().mean() < 0.025


def test_the_estimate_is_the_expected_deviation() -> None:
    """Against a sum over a grid of deviations and foreshortenings, for upper arms from hardly there to far too long."""
    limb = 2
    for factor in (0.05, 0.5, 0.8, 0.95, 1.0, 1.1, 1.4):
        pose = standing_stick(factor)
        found = estimate_build(pose).lengths[limb] / (100 * SHARE[limb])
        observed = math.log(factor)
        deviation = torch.linspace(-0.6, 0.6, 1201, dtype=torch.float64)[:, None]
        hidden = torch.linspace(0, 5, 20001, dtype=torch.float64)[None]
        error = observed - deviation + hidden
        log_weight = (
            -deviation.square() / 2 / SPREAD[limb] ** 2
            - error.square() / 2 / NOISE[limb] ** 2
            - hidden / FORESHORTENING[limb]
        )
        weight = (log_weight - log_weight.max()).exp()
        expected = ((weight * deviation).sum() / weight.sum()).exp()
        assert found == pytest.approx(float(expected), rel=2e-3)


def standing_stick(arm: float = 1.0) -> Pose:
    """Return the average body upright, 100 px from ankle to neck, its upper arms as long as `arm` times the usual."""
    xy = torch.zeros(18, 2)
    torso, head, upper, fore, thigh, shin = (100 * share for share in SHARE)
    xy[[14, 15, 16, 17, 0], 1] = -head
    for shoulder, elbow, wrist, hip, knee, ankle, side in ((2, 3, 4, 8, 9, 10, -1), (5, 6, 7, 11, 12, 13, 1)):
        xy[shoulder] = torch.tensor([15.0 * side, 0])
        xy[elbow] = torch.tensor([15.0 * side, arm * upper])
        xy[wrist] = torch.tensor([15.0 * side, arm * upper + fore])
        xy[hip] = torch.tensor([8.0 * side, torso])
        xy[knee] = torch.tensor([8.0 * side, torso + thigh])
        xy[ankle] = torch.tensor([8.0 * side, torso + thigh + shin])
    return Pose(xy, EVERYTHING)


def test_lengths_and_directions_by_hand() -> None:
    pose = standing("walking")
    own = Build(torch.tensor([40.0, 17, 23, 20, 30, 30]))
    wanted = Build(torch.tensor([80.0, 30, 69, 40, 80, 40]))  # twice the height: only shares count
    made = retarget(pose, own, wanted)
    for a, b in LIMBS:
        ratio = {3: 1.5, 4: 1.0, 9: 4 / 3, 10: 2 / 3}[b if b in (3, 4, 9, 10) else b - 3]
        before, after = pose.xy[b] - pose.xy[a], made.xy[b] - made.xy[a]
        torch.testing.assert_close(after, before * ratio, atol=1e-4, rtol=0)
    middle = [p.xy[[8, 11]].mean(0) for p in (pose, made)]
    torch.testing.assert_close(*middle)
    for a, b in ((8, 11), (2, 5)):
        torch.testing.assert_close(made.xy[b] - made.xy[a], pose.xy[b] - pose.xy[a], atol=1e-4, rtol=0)


@settings(max_examples=30, deadline=None)
@given(lost=st.sets(st.integers(0, 17), max_size=16), seed=st.integers(0, 1000))
def test_missing_joints_stay_missing_and_break_nothing(lost: set[int], seed: int) -> None:
    whole, _ = photographed(bodies(2, seed, 0.06), seed)
    visible = whole.visible.clone()
    visible[0, list(lost)] = False
    pose = Pose(whole.xy, visible)
    build = estimate_build(pose)
    assert bool(build.lengths.isfinite().all())
    torch.testing.assert_close(retarget(pose, build, build).xy, pose.xy, atol=1e-3, rtol=0)
    made = retarget(pose, build, Build(build.lengths[[1, 0]]))
    assert torch.equal(made.visible, pose.visible)
    assert bool(made.xy.isfinite().all())
    alone = retarget(pose[0], Build(build.lengths[0]), Build(build.lengths[1]))
    torch.testing.assert_close(alone.xy, made.xy[0], atol=1e-3, rtol=0)
    mirrored = retarget(pose.flip(64), build, Build(build.lengths[[1, 0]]))
    torch.testing.assert_close(mirrored.xy, made.flip(64).xy, atol=1e-2, rtol=0)


def test_nobody_changes_nothing() -> None:
    nobody = Pose(torch.zeros(18, 2), ~EVERYTHING)
    pose = standing()
    for own, wanted in ((nobody, pose), (pose, nobody)):
        made = retarget(pose, estimate_build(own), estimate_build(wanted))
        assert torch.equal(made.xy, pose.xy)


def test_without_hips_the_neck_stays() -> None:
    pose = Pose(standing().xy, EVERYTHING & (torch.arange(18) != 8) & (torch.arange(18) != 11))
    made = retarget(
        pose, Build(torch.tensor([40.0, 17, 23, 20, 30, 30])), Build(torch.tensor([50.0, 17, 46, 20, 25, 25]))
    )
    assert torch.equal(made.xy[1], pose.xy[1])
    torch.testing.assert_close(made.xy[3] - made.xy[2], 2 * (pose.xy[3] - pose.xy[2]), atol=1e-4, rtol=0)


def test_a_limb_that_points_at_the_camera_is_taken_to_be_of_usual_length() -> None:
    lengths = estimate_build(standing_stick(0.1)).lengths
    assert lengths[2] == pytest.approx(100 * SHARE[2], rel=0.03)
    assert estimate_build(standing_stick(1.2)).lengths[2] > 1.07 * 100 * SHARE[2]


def test_several_photos_of_one_body_tell_more_than_one() -> None:
    """Two estimates from eight photos each agree better than two from one photo each, joints placed a pixel wrong."""
    shape, noise = bodies(100, 3, 0.08), torch.Generator().manual_seed(0)
    poses = [photographed(shape, seed)[0].xy for seed in range(20, 36)]
    xy = torch.stack([p + torch.randn(p.shape, generator=noise) for p in poses])  # (16, B, 18, 2)
    seen = torch.ones(xy.shape[:-1], dtype=torch.bool)

    def gap(photos: int) -> float:
        sets = [Pose(xy[part], seen[part]) for part in (slice(photos), slice(8, 8 + photos))]
        halves = [
            torch.stack([estimate_build(Pose(s.xy[:, i], s.visible[:, i]), together=True).lengths for i in range(100)])
            for s in sets
        ]
        return float((shares(halves[0]) - shares(halves[1])).abs().mean())

    assert gap(8) < 0.5 * gap(1)
