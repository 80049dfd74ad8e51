"""The stick figure against a pixel-by-pixel drawing, and what is drawn where and when."""

import math

import pytest
import torch
from skimage.draw import polygon2mask
from torch import Tensor

from posegan.pose import Pose
from posegan.pose.stickman import render_stickman

from ..pairs import standing
from .people import random_people, without

SQUARE = (128, 128)
GREY = 127 / 127.5 - 1


def person(missing: tuple[int, ...] = ()) -> Pose:
    return standing(missing=missing).resize((128, 64), SQUARE)


def seen(figure: Tensor) -> Tensor:
    return figure > -1


def slow_lines(pose: Pose, chain: list[tuple[int, int]], radius: float, size: tuple[int, int]) -> Tensor:
    """One person, one channel, one pixel at a time."""
    drawn = torch.zeros(size, dtype=torch.bool)
    for a, b in chain:
        if not (pose.visible[0, a] and pose.visible[0, b]):
            continue
        (ax, ay), (bx, by) = ([math.trunc(v) for v in pose.xy[0, j].tolist()] for j in (a, b))
        for y in range(size[0]):
            for x in range(size[1]):
                length = (bx - ax) ** 2 + (by - ay) ** 2
                t = 0.0 if not length else min(1.0, max(0.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
                distance = math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))
                drawn[y, x] |= distance < radius - 1e-4 or drawn[y, x]
    return drawn


@pytest.mark.parametrize("seed", range(3))
def test_limbs_are_pixels_near_the_segments_of_each_side(seed: int) -> None:
    size = (48, 48)
    pose = without(random_people(1, seed, size, seen=0.9), 0)  # no nose: limbs only
    right = [(10, 9), (9, 8), (8, 2), (2, 3), (3, 4)]
    left = [(13, 12), (12, 11), (11, 5), (5, 6), (6, 7)]
    figure = render_stickman(pose, size)
    for channel, chain in ((0, right), (1, left)):
        expected = slow_lines(pose, chain, 0.5, size)  # int(3 * 48 / 128) is one pixel
        assert (seen(figure[0, channel]) ^ expected).sum() <= 2  # a distance of exactly the radius may round


@pytest.mark.parametrize(("side", "across"), [(128, 3), (256, 5), (512, 11), (32, 1)])
def test_lines_are_pixels_closer_than_half_the_thickness(side: int, across: int) -> None:
    """Int(3 * side / 128) is 3, 6, 12 and 0, of which 1 is made: distances below 1.5, 3, 6 and 0.5."""
    xy = torch.zeros(1, 18, 2)
    xy[0, 10], xy[0, 9] = torch.tensor([side / 2, side / 4]), torch.tensor([side / 2, side * 3 / 4])
    visible = torch.zeros(1, 18, dtype=torch.bool)
    visible[0, [9, 10]] = True
    figure = render_stickman(Pose(xy, visible), (side, side))
    assert seen(figure[0, 0, side // 2]).sum() == across
    assert not seen(figure[0, 1:]).any()


def test_values_and_the_order_of_painting() -> None:
    figure = render_stickman(person(), SQUARE)[0]
    pose = person()
    wrist_right, wrist_left = (pose.xy[0, j].int().tolist() for j in (4, 7))
    nose = pose.xy[0, 0].int().tolist()
    assert figure.unique().tolist() == pytest.approx([-1.0, GREY, 1.0])
    assert figure[0, wrist_right[1], wrist_right[0]] == 1
    assert figure[1, wrist_left[1], wrist_left[0]] == 1
    assert figure[0, wrist_left[1], wrist_left[0]] == figure[1, wrist_right[1], wrist_right[0]] == -1
    middle = (nose[1] + 28) // 2  # between nose and neck
    assert figure[0, middle, nose[0]] == pytest.approx(GREY)
    assert figure[1, middle, nose[0]] == pytest.approx(GREY)
    assert (figure[:2, nose[1], nose[0]] == 1).all()  # the eyes' lines lie over the neck's
    assert figure[2, 50, 64] == 1
    assert figure[2, 50, 20] == -1


def test_the_neck_line_lies_over_limbs() -> None:
    """A right wrist that is held before the neck."""
    pose = person()
    xy = pose.xy.clone()
    xy[0, 3], xy[0, 4] = torch.tensor([30.0, 42.0]), torch.tensor([100.0, 42.0])
    figure = render_stickman(Pose(xy, pose.visible), (128, 128))[0]
    assert figure[0, 42, 40] == 1
    x = int(xy[0, 0, 0])
    y = (int(xy[0, 0, 1]) + int((xy[0, 2, 1] + xy[0, 5, 1]) / 2)) // 2
    assert figure[0, y, x] == pytest.approx(GREY)


def test_the_neck_is_the_middle_of_the_shoulders() -> None:
    pose = person()
    xy = pose.xy.clone()
    xy[0, 1] = 5.0
    assert torch.equal(render_stickman(Pose(xy, pose.visible), SQUARE), render_stickman(person(), SQUARE))
    assert torch.equal(render_stickman(person((1,)), SQUARE), render_stickman(person(), SQUARE))


@pytest.mark.parametrize("missing", [0, 14, 15])
def test_eyes_are_drawn_only_if_both_and_the_nose_are_there(missing: int) -> None:
    whole, part = (render_stickman(person(m), SQUARE)[0] for m in ((), (missing,)))
    bare = render_stickman(person((14, 15)) if missing else person((0,)), SQUARE)[0]
    assert torch.equal(part, bare)
    assert not torch.equal(part, whole)


@pytest.mark.parametrize("missing", [2, 5, 8, 11])
def test_the_torso_needs_all_four_corners(missing: int) -> None:
    assert not seen(render_stickman(person((missing,)), SQUARE)[0, 2]).any()


@pytest.mark.parametrize("crossed", [False, True], ids=["plain", "crossed"])
def test_the_torso_is_filled_by_the_even_odd_rule(crossed: bool) -> None:
    corners = {11: (90, 100), 5: (100, 30), 2: (30, 34), 8: (40, 90)}  # left hip, left shoulder, right shoulder, hip
    if crossed:
        corners[5], corners[2] = corners[2], corners[5]
    xy = torch.zeros(1, 18, 2)
    for joint, place in corners.items():
        xy[0, joint] = torch.tensor(place, dtype=torch.float32)
    figure = render_stickman(Pose(xy, torch.ones(1, 18, dtype=torch.bool)), SQUARE)[0, 2]
    expected = torch.from_numpy(polygon2mask(SQUARE, [corners[j][::-1] for j in (11, 5, 2, 8)]))
    assert expected.sum() > 800
    different = seen(figure) ^ expected
    grown = torch.nn.functional.max_pool2d(expected[None].float(), 3, 1, 1)[0] > 0
    assert different.sum() < 160  # the rim only
    assert not (seen(figure) & ~grown).any()


def test_nobody_is_drawn_as_background_and_batches_keep_their_shape() -> None:
    nobody = Pose(torch.zeros(2, 3, 18, 2), torch.zeros(2, 3, 18, dtype=torch.bool))
    figure = render_stickman(nobody, (32, 16))
    assert figure.shape == (2, 3, 3, 32, 16)
    assert (figure == -1).all()
    pose = random_people(4, 0, SQUARE)
    for i in range(4):
        assert torch.equal(render_stickman(pose, SQUARE)[i], render_stickman(pose[i], SQUARE))
