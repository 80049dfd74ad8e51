"""Body masks against a slow reference drawn with scikit-image, and the rules around them."""

import numpy as np
import pytest
import torch

from posegan.pose import Pose, body_mask, load_annotations, pose_mask
from posegan.pose.mask import BODY_LIMBS

from . import reference_masks
from .people import FRAME, random_people, without
from .test_affine import to_reference


@pytest.mark.parametrize("radius", [4.0, 6.5])
def test_body_masks_equal_the_reference(radius):
    people = random_people(8, 0, seen=0.5)
    expected = [reference_masks.body_mask(p, FRAME, radius) for p in to_reference(people)]
    assert (body_mask(people, FRAME, radius).numpy() != np.stack(expected)).sum() <= 1  # a pixel on an edge


@pytest.mark.parametrize(("radius", "whole"), [(4.0, True), (6.0, False)])
def test_pose_masks_equal_the_reference(radius, whole):
    people = random_people(4, 1, seen=0.5, whole=whole)
    expected = [reference_masks.pose_mask(p, FRAME, radius) for p in to_reference(people)]
    np.testing.assert_array_equal(pose_mask(people, FRAME, radius).numpy(), np.stack(expected))


@pytest.mark.data
def test_real_body_masks_equal_the_reference_but_for_pixels_on_an_edge(market_root):
    annotations = load_annotations(market_root / "market-annotation-test.csv")
    people = Pose.stack(list(annotations.values())[:60])
    expected = np.stack([reference_masks.body_mask(p, FRAME, 4.0) for p in to_reference(people)])
    actual = body_mask(people, FRAME).numpy()
    assert (actual != expected).sum() < 1e-3 * expected.sum()


def test_the_limbs_are_the_published_ones():
    assert list(BODY_LIMBS) == reference_masks.PAIRS
    assert len(BODY_LIMBS) == 23


def only(joint: int, x: float, y: float) -> Pose:
    xy = torch.zeros(18, 2)
    xy[joint] = torch.tensor([x, y])
    return Pose(xy, torch.arange(18) == joint)


def test_a_lone_joint_is_a_disc_in_the_metrics_mask_and_nothing_in_the_others():
    lone = only(4, 30, 60)
    assert body_mask(lone, FRAME).sum() == 45  # pixels nearer than 4
    assert not body_mask(lone, FRAME, discs="limbs").any()
    assert not pose_mask(lone, FRAME).any()


def test_limbs_without_length_are_discs():
    point = Pose(torch.full((18, 2), 30.0), torch.ones(18))
    assert torch.equal(body_mask(point, FRAME), body_mask(only(0, 30, 30), FRAME))
    assert pose_mask(point, FRAME).sum() == 49  # pixels up to 4 away


def test_closing_fills_gaps_and_does_not_eat_at_the_border():
    corner = body_mask(only(0, 0, 0), FRAME)
    assert corner[0, 0]
    assert corner.sum() == 15  # the quarter of the 45 pixels with its axes
    xy = torch.zeros(18, 2)
    xy[3], xy[10] = torch.tensor([20.0, 20.0]), torch.tensor([30.0, 20.0])  # two discs, 3 pixels between them
    pair = Pose(xy, (torch.arange(18) == 3) | (torch.arange(18) == 10))
    assert body_mask(pair, FRAME)[20, 16:35].sum() == 17


def test_nobody_is_an_empty_mask():
    nobody = without(random_people(2, 3), *range(18))
    assert not body_mask(nobody, FRAME).any()
    assert not pose_mask(nobody, FRAME).any()


def test_batch_shapes_are_kept():
    people = random_people(4, 4)
    grid = Pose(people.xy.reshape(2, 2, 18, 2), people.visible.reshape(2, 2, 18))
    for draw in (body_mask, pose_mask):
        masks = draw(people, (32, 16))
        assert masks.shape == (4, 32, 16)
        assert masks.dtype == torch.bool
        assert torch.equal(draw(grid, (32, 16)), masks.reshape(2, 2, 32, 16))
        assert torch.equal(draw(people[0], (32, 16)), masks[0])
