"""Flicker: nothing for what stands still or only moves, the right figure for what changes."""

from __future__ import annotations

import math

import pytest
import torch

from posegan.data import SyntheticPeople
from posegan.metrics.flicker import flicker
from posegan.pose import Pose, body_mask
from tests.small_world import SIZE, standing


def still(frames: int = 4) -> Pose:
    return Pose.stack([standing()] * frames)


def test_a_still_picture_does_not_flicker() -> None:
    picture = torch.randint(0, 256, (1, 3, *SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert flicker(picture.repeat(4, 1, 1, 1), still()) == pytest.approx((0, 0), abs=1e-3)


def test_changes_are_counted_where_they_are() -> None:
    frames = torch.full((3, 3, *SIZE), 100, dtype=torch.uint8)
    far = ~body_mask(standing(), SIZE, 0.4 * 31)
    frames[1] = torch.where(far, 110, frames[1])  # there and back: 10 levels each time
    outside, inside = flicker(frames, still(3))
    assert outside == pytest.approx(10, abs=0.05)
    assert inside == pytest.approx(0, abs=1e-3)
    frames[1] = torch.where(far, 100, torch.full_like(frames[1], 106))
    outside, inside = flicker(frames, still(3))
    assert outside == pytest.approx(0, abs=0.05)
    assert inside == pytest.approx(6, abs=0.05)


def test_motion_alone_costs_little() -> None:
    """Of synthetic people who walk before a steady background, whose pictures are right by construction."""
    people = SyntheticPeople(1, SIZE)
    walks = [people.walk(identity, 16, view=8528, background=identity) for identity in (900_001, 900_004)]
    for walk in walks:
        outside, inside = flicker(walk.image, walk.pose)
        plain = (walk.image[1:].float() - walk.image[:-1].float()).abs().mean(1)[body_mask(walk.pose, SIZE, 4.0)[1:]]
        assert outside < 3  # sensor noise
        assert inside < 0.8 * float(plain.mean())
        noisy = (walk.image.float() + 20 * torch.randn(16, 3, *SIZE, generator=torch.Generator().manual_seed(0))).clamp(
            0, 255
        )
        more = flicker(noisy.to(torch.uint8), walk.pose)
        assert more[0] > outside + 10
        assert more[1] > inside + 5


def test_frames_of_nobody() -> None:
    frames = torch.zeros(2, 3, *SIZE)
    nobody = Pose(torch.zeros(2, 18, 2), torch.zeros(2, 18, dtype=torch.bool))
    outside, inside = flicker(frames, nobody)
    assert outside == 0
    assert math.isnan(inside)
    with pytest.raises(ValueError, match="at least two frames"):
        flicker(frames[:1], nobody[:1])
