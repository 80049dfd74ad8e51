"""Legs told apart: right and left joints that one clearer leg drew to one place."""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.detect.crop_network import STRIDE, joints_of
from posegan.detect.legs import legs_apart

NAMES = {"right_hip": 8, "left_hip": 11, "right_knee": 9, "left_knee": 12, "right_ankle": 10, "left_ankle": 13}
PLACES = {2: (12, 10), 8: (13, 26), 11: (19, 26), 9: (12, 40), 12: (20, 40), 10: (12, 54), 13: (20, 54)}  # (x, y)


def crop_place(joint: int) -> Tensor:
    return STRIDE * (torch.tensor(PLACES[joint]) + 0.5) - 0.5


def maps_of(**seen: dict[int, float]) -> Tensor:
    """Return logit maps with a peak a joint at its place; seen: logits at the places of other joints instead."""
    maps = torch.full((1, 18, 64, 32), -20.0)
    for joint, (x, y) in PLACES.items():
        maps[0, joint, y, x] = 0.0
    for name, peaks in seen.items():
        joint = NAMES[name]
        maps[0, joint] = -20.0
        for other, logit in peaks.items():
            x, y = PLACES[other]
            maps[0, joint, y, x] = logit
    return maps


def read(maps: Tensor) -> tuple[Tensor, Tensor]:
    xy, decided = legs_apart(maps, *joints_of(maps))
    return xy[0], decided[0]


def test_two_ankles_on_one_foot_get_a_foot_each() -> None:
    maps = maps_of(right_ankle={10: 0.0, 13: 0.5}, left_ankle={10: -1.0, 13: 1.0})
    before, _ = joints_of(maps)
    assert torch.allclose(before[0, 10], before[0, 13], atol=0.01)  # both on the left foot
    after, decided = read(maps)
    torch.testing.assert_close(after[10], crop_place(10), atol=0.01, rtol=0)
    torch.testing.assert_close(after[13], crop_place(13), atol=0.01, rtol=0)
    assert decided[[10, 13]].tolist() == [decided[10]] * 2 and 0.99 < float(decided[10]) <= 1.0001
    others = [joint for joint in range(18) if joint not in (10, 13)]
    assert torch.equal(after[others], before[0, others])


def test_the_knee_above_decides_where_the_maps_do_not() -> None:
    same = {10: 0.0, 13: 0.3}
    after, _ = read(maps_of(right_ankle=same, left_ankle=same))
    torch.testing.assert_close(after[[10, 13]], torch.stack([crop_place(10), crop_place(13)]), atol=0.01, rtol=0)


def test_knees_are_told_apart_before_the_ankles_below() -> None:
    """Both legs were seen in the left one."""
    maps = maps_of(
        right_knee={9: 0.0, 12: 0.5},
        left_knee={9: -1.0, 12: 1.0},
        right_ankle={10: 0.0, 13: 0.5},
        left_ankle={10: 0.0, 13: 0.5},
    )
    after, _ = read(maps)
    for joint in (9, 12, 10, 13):
        torch.testing.assert_close(after[joint], crop_place(joint), atol=0.01, rtol=0)


def test_one_place_stays_one() -> None:
    """In a view from the side both ankles may be at one place, and a faint second one is nothing."""
    for faint in (-20.0, -3.0):
        maps = maps_of(right_ankle={13: 0.0, 10: faint}, left_ankle={13: 0.0, 10: faint})
        before, share = joints_of(maps)
        after, decided = read(maps)
        assert torch.equal(after, before[0]) and torch.equal(decided, share[0])


def test_legs_that_are_apart_stay_even_crossed() -> None:
    maps = maps_of(right_ankle={13: 0.0}, left_ankle={10: 0.0})
    before, share = joints_of(maps)
    after, decided = read(maps)
    assert torch.equal(after, before[0]) and torch.equal(decided, share[0])


def test_every_crop_is_read_on_its_own() -> None:
    maps = torch.cat([maps_of(right_ankle={10: 0.0, 13: 0.5}, left_ankle={13: 1.0}), maps_of()])
    xy, _ = legs_apart(maps, *joints_of(maps))
    alone, _ = legs_apart(maps[:1], *joints_of(maps[:1]))
    assert torch.equal(xy[:1], alone)
