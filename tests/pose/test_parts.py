"""Part masks and the torso scale against a slow reference, and the rules around them."""

import numpy as np
import pytest
import torch

from posegan.pose import PARTS, Pose, load_annotations, part_masks, torso_scale
from posegan.pose.parts import LIMBS, rectangle

from . import reference_affine, reference_masks
from .people import FRAME, random_people, without
from .test_affine import to_reference


def assert_equals_reference(people: Pose, size: tuple[int, int], edges: float = 1e-4) -> None:
    """Compare all masks; `edges` is the share of limb pixels on an edge, which only the formula surely includes."""
    expected = np.stack([reference_masks.part_masks(p, size) for p in to_reference(people)])
    actual = part_masks(people, size).bool().numpy()
    np.testing.assert_array_equal(actual[:, :2], expected[:, :2])
    assert expected[:, 2:].any((0, 2, 3)).all()  # the comparison is not empty for any part
    assert not (expected & ~actual).any()
    assert (actual & ~expected).sum() <= edges * actual[:, 2:].sum()


def test_random_people_equal_the_reference():
    assert_equals_reference(random_people(40, 0), FRAME)


def test_joints_outside_the_frame_equal_the_reference():
    people = random_people(20, 1, frame=(160, 100)).crop(20, 15)
    assert_equals_reference(people, (100, 60))


@pytest.mark.data
def test_real_people_equal_the_reference_but_for_pixels_on_an_edge(market_root):
    # Joints on whole pixels put other pixels exactly on an edge, where the reference's scan converter decides by
    # rounding.
    annotations = load_annotations(market_root / "market-annotation-test.csv")
    people = Pose.stack(list(annotations.values())[:200])
    assert_equals_reference(people[people.valid], FRAME, edges=1e-3)


def test_parts_are_named_in_channel_order_and_limbs_lie_in_left_right_pairs():
    assert len(PARTS) == 10
    assert PARTS[:2] == ("torso", "head")
    for right, left in zip(PARTS[2::2], PARTS[3::2], strict=True):
        assert right.removeprefix("right_") == left.removeprefix("left_")
    assert len(LIMBS) == 8


def test_the_mirrored_persons_limbs_are_the_mirrored_limbs():
    people = random_people(4, 2)
    limbs, mirrored = part_masks(people, FRAME)[:, 2:], part_masks(people.flip(FRAME[1]), FRAME)[:, 2:]
    assert torch.equal(mirrored[:, [i ^ 1 for i in range(8)]].flip(-1), limbs)


def test_missing_joints_and_limbs_without_length_make_empty_masks_but_the_torso_is_everywhere():
    people = random_people(2, 3, seen=1.0)
    empty = part_masks(without(people, *range(18)), FRAME)
    assert empty[:, 0].all()
    assert not empty[:, 1:].any()
    xy = people.xy.clone()
    xy[:, 4] = xy[:, 3]
    assert not part_masks(Pose(xy, people.visible), FRAME)[:, 8].any()


def test_the_torso_scale_is_the_root_mean_square_of_the_sides_that_are_there():
    people = random_people(5, 4, seen=1.0)
    expected = [reference_affine.torso_scale(p) for p in to_reference(people)]
    assert torch.allclose(torso_scale(people), torch.tensor(expected, dtype=torch.float64))
    right = (people.xy[:, 8] - people.xy[:, 2]).norm(dim=-1).double()
    assert torch.allclose(torso_scale(without(people, 11)), right)
    assert torch.equal(torso_scale(without(people, 2, 11)), torch.zeros(5, dtype=torch.float64))


def test_rectangle_edges_count():
    start, end = torch.tensor([10.0, 10.0]), torch.tensor([10.0, 20.0])
    mask = rectangle(start, end, torch.tensor(3.0), (32, 32))
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[10:21, 7:14] = True
    assert torch.equal(mask, expected)


def test_batch_shapes_are_kept():
    people = random_people(6, 5)
    masks = part_masks(people, (32, 16))
    assert masks.shape == (6, 10, 32, 16)
    assert masks.dtype == torch.float32
    grid = Pose(people.xy.reshape(2, 3, 18, 2), people.visible.reshape(2, 3, 18))
    assert torch.equal(part_masks(grid, (32, 16)), masks.reshape(2, 3, 10, 32, 16))
    assert torch.equal(part_masks(people[0], (32, 16)), masks[0])
