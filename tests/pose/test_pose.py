"""`Pose` and `COCO18`: the algebra of frames and mirrors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posegan.pose import COCO18, Pose, render_heatmap

from .people import FRAME, poses, random_people, without


def same(a: Pose, b: Pose, tolerance: float = 1e-3) -> bool:
    return torch.equal(a.visible, b.visible) and torch.allclose(a.xy, b.xy, rtol=0, atol=tolerance)


def test_the_skeleton_is_openpose_order_with_nineteen_edges_and_a_mirror_of_its_names():
    assert [COCO18.index(n) for n in ("nose", "neck", "right_hip", "right_eye", "left_ear")] == [0, 1, 8, 14, 17]
    assert len(COCO18) == 18
    assert len(set(COCO18.edges)) == 19
    for joint, mirrored in enumerate(COCO18.flip):
        assert COCO18.flip[mirrored] == joint
        assert {COCO18.joints[joint].split("_")[-1]} == {COCO18.joints[mirrored].split("_")[-1]}


def test_a_missing_joint_has_coordinates_zero_whatever_was_given():
    pose = Pose(torch.full((18, 2), torch.nan), torch.zeros(18))
    assert torch.equal(pose.xy, torch.zeros(18, 2))
    assert pose.visible.dtype == torch.bool


@pytest.mark.parametrize(
    ("xy", "visible"), [((18, 3), (18,)), ((2, 18, 2), (18,)), ((17, 2), (17,)), ((18, 2), (18, 1))]
)
def test_shapes_that_do_not_belong_together_are_refused(xy, visible):
    with pytest.raises(ValueError, match=r"a pose needs xy \(\.\.\., 18, 2\)"):
        Pose(torch.zeros(xy), torch.zeros(visible))


@settings(max_examples=40, deadline=None)
@given(poses(), st.integers(1, 300))
def test_flip_twice_is_identity(pose, width):
    assert same(pose.flip(width).flip(width), pose, 0)


@settings(max_examples=40, deadline=None)
@given(poses(), st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 5), st.integers(1, 5))
def test_crop_and_resize_commute(pose, left, top, kx, ky):
    old, new = (120, 60), (120 * ky, 60 * kx)
    assert same(pose.crop(left, top).resize(old, new), pose.resize(old, new).crop(left * kx, top * ky))


@settings(max_examples=40, deadline=None)
@given(poses(), st.integers(1, 5))
def test_resize_keeps_the_corners_of_pixels_and_goes_back(pose, k):
    larger = pose.resize((10, 10), (10 * k, 10 * k))
    assert same(larger.resize((10 * k, 10 * k), (10, 10)), pose)
    corner = Pose(torch.full((18, 2), -0.5), torch.ones(18)).resize((10, 10), (10 * k, 10 * k))
    assert torch.equal(corner.xy, torch.full((18, 2), -0.5))


def test_flip_mirrors_the_picture_of_the_pose_and_swaps_the_sides():
    people = random_people(3, 0)
    mirrored = render_heatmap(people, FRAME)[:, list(COCO18.flip)].flip(-1)
    assert torch.allclose(render_heatmap(people.flip(FRAME[1]), FRAME), mirrored, atol=1e-5)


def test_inside_drops_the_joints_outside_the_frame():
    xy = torch.tensor([[0.0, 0.0], [63.4, 127.4], [63.6, 5], [5, 127.6], [-0.6, 5], [5, -0.6]])
    pose = Pose(torch.cat([xy, torch.zeros(12, 2)]), torch.ones(18))
    assert pose.inside(FRAME).visible[:6].tolist() == [True, True, False, False, False, False]


def test_valid_means_the_four_torso_joints():
    people = random_people(2, 0, seen=0)
    assert people.valid.tolist() == [True, True]
    for joint in (2, 5, 8, 11):
        assert not without(people, joint).valid.any()


def test_batches_stack_index_and_move():
    people = random_people(4, 0)
    assert len(people) == 4
    assert same(Pose.stack([people[i] for i in range(4)]), people, 0)
    assert people[1:3].batch_shape == (2,)
    assert people[torch.tensor([2])].batch_shape == (1,)
    assert same(people.to("cpu"), people, 0)
