"""The one-euro filter against the published algorithm written out, and what it does to a noisy walk."""

from __future__ import annotations

import math

import pytest
import torch

from posegan.data import SyntheticPeople
from posegan.pose import Pose
from posegan.pose.smooth import LOWEST_CUTOFF, SPEED_CUTOFF, SPEED_WEIGHT, one_euro, smooth


def reference(points: list[tuple[float, float]], rate: float) -> list[tuple[float, float]]:
    """Return the filtered points of one joint, as in Casiez et al. 2012, section 3, with the speed in the plane."""

    def alpha(cutoff: float) -> float:
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau * rate)

    x, v = points[0], (0.0, 0.0)
    out = [x]
    for p in points[1:]:
        a = alpha(SPEED_CUTOFF)
        v = tuple(a * (p[i] - x[i]) * rate + (1 - a) * v[i] for i in (0, 1))
        a = alpha(LOWEST_CUTOFF + SPEED_WEIGHT * math.hypot(*v))
        x = tuple(a * p[i] + (1 - a) * x[i] for i in (0, 1))
        out.append(x)
    return out


def test_the_filter_is_the_published_one() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(20, 3, 2, generator=generator).cumsum(0) * 0.05
    found = one_euro(values, torch.ones(20, 3, dtype=torch.bool), 25.0)
    for joint in range(3):
        wanted = torch.tensor(reference([tuple(p) for p in values[:, joint].tolist()], 25.0))
        torch.testing.assert_close(found[:, joint], wanted, atol=1e-5, rtol=0)


def test_a_noisy_walk_becomes_steadier_and_nearer_to_the_truth() -> None:
    walk = SyntheticPeople(1).walk(4, 32, view=8528, background=0).pose
    noise = torch.randn(walk.xy.shape, generator=torch.Generator().manual_seed(1))
    seen = walk.visible

    def jerk(xy: torch.Tensor) -> float:
        return float((xy[2:] - 2 * xy[1:-1] + xy[:-2])[seen[1:-1]].norm(dim=-1).mean())

    noisy = Pose(walk.xy + noise, seen)
    found = smooth(noisy, 29)
    assert torch.equal(found.visible, seen)
    assert jerk(found.xy) < 0.5 * jerk(noisy.xy)
    error = [(p.xy - walk.xy)[seen].norm(dim=-1).mean() for p in (noisy, found)]
    assert error[1] < 0.75 * error[0]
    lag = ((found.xy[1:] - walk.xy[1:]) * (walk.xy[1:] - walk.xy[:-1]))[seen[1:]].sum(-1).mean()
    assert abs(float(lag)) < 0.5  # neither behind nor ahead


def test_it_does_not_depend_on_the_photos_size() -> None:
    walk = SyntheticPeople(1).walk(4, 12, view=8528, background=0).pose
    large = smooth(Pose(walk.xy * 7, walk.visible), 15)
    torch.testing.assert_close(large.xy / 7, smooth(walk, 15).xy, atol=1e-3, rtol=0)


def test_a_joint_that_comes_back_starts_afresh() -> None:
    walk = SyntheticPeople(1).walk(4, 9, view=8528, background=0).pose
    seen = walk.visible.clone()
    seen[4, 3] = False
    found = smooth(Pose(walk.xy, seen), 15)
    assert torch.equal(found.visible, seen)
    before = smooth(Pose(walk.xy[:4], seen[:4]), 15).xy[:, 3]
    torch.testing.assert_close(found.xy[:4, 3], before, atol=0.05, rtol=0)  # but for the unit, which all frames set


def test_what_is_no_sequence() -> None:
    walk = SyntheticPeople(1).walk(4, 2, view=8528, background=0).pose
    with pytest.raises(ValueError, match=r"poses \(T,\)"):
        smooth(walk[0], 15)
    with pytest.raises(ValueError, match="above 0"):
        smooth(walk, 0)
    assert len(smooth(walk[:0], 15)) == 0
    torch.testing.assert_close(smooth(walk[:1], 15).xy, walk[:1].xy)
