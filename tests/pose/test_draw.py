"""Pictures of poses: what is drawn where, on what."""

import pytest
import torch

from posegan.pose import Pose, draw_pose, draw_poses
from posegan.pose.draw import EDGE_COLOURS

from .people import FRAME, random_people, without


def test_a_picture_is_uint8_and_only_the_neighbourhood_of_limbs_is_drawn():
    xy = torch.zeros(18, 2)
    xy[2], xy[3] = torch.tensor([10.0, 20.0]), torch.tensor([10.0, 60.0])
    arm = Pose(xy, (torch.arange(18) == 2) | (torch.arange(18) == 3))
    picture = draw_pose(arm, FRAME, thickness=4)
    assert picture.shape == (3, *FRAME)
    assert picture.dtype == torch.uint8
    rows, columns = picture.amax(0).nonzero().unbind(1)
    assert 17 <= rows.min() <= 19
    assert 61 <= rows.max() <= 63
    assert 7 <= columns.min() <= 8
    assert 12 <= columns.max() <= 13
    assert tuple(picture[:, 40, 10].tolist()) == EDGE_COLOURS[2]
    assert len(picture[0, 40].unique()) > 2  # smooth edges


def test_the_background_shows_and_is_not_changed():
    person = random_people(1, 0)[0]
    background = torch.full((3, *FRAME), 90, dtype=torch.uint8)
    picture = draw_pose(person, FRAME, background)
    assert (background == 90).all()
    assert (picture == 90).any()
    assert (picture != 90).any()
    signed = background.float() / 127.5 - 1
    assert torch.equal(draw_pose(person, FRAME, signed), picture)
    assert torch.equal(draw_pose(without(person, *range(18)), FRAME, background), background)


def test_right_and_left_limbs_have_colours_of_their_own():
    assert len(set(EDGE_COLOURS)) >= 18  # only the neck to nose edge has no side
    person = random_people(1, 1, seen=1.0)[0]
    assert not torch.equal(draw_pose(person, FRAME), draw_pose(person.flip(FRAME[1]), FRAME).flip(-1))


def test_batches_are_drawn_one_by_one():
    people = random_people(3, 2)
    pictures = draw_poses(people, FRAME)
    assert pictures.shape == (3, 3, *FRAME)
    assert torch.equal(pictures[1], draw_pose(people[1], FRAME))
    assert draw_poses(people[:0], FRAME).shape == (0, 3, *FRAME)
    backgrounds = torch.full((3, 3, *FRAME), 50, dtype=torch.uint8)
    assert torch.equal(draw_poses(people, FRAME, backgrounds)[2], draw_pose(people[2], FRAME, backgrounds[2]))


def test_joints_far_outside_do_no_harm():
    people = random_people(1, 3)[0]
    draw_pose(Pose(people.xy * 1000 - 20000, people.visible), FRAME)


def test_wrong_shapes_are_refused():
    people = random_people(2, 4)
    with pytest.raises(ValueError, match=r"draw_pose takes one pose, got batch shape \(2,\)"):
        draw_pose(people, FRAME)
    with pytest.raises(ValueError, match=r"the background should be \(3, 128, 64\), got \(3, 64, 128\)"):
        draw_pose(people[0], FRAME, torch.zeros(3, 64, 128, dtype=torch.uint8))
