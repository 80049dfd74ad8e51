"""The dense flow of the body parts: which pixel follows which part, and in which pixels the flow is counted."""

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from posegan.layers.part_flow import coarse_grid, part_distances, part_flow, part_maps, resize_flow
from posegan.layers.warp import pixel_grid, sample_pixels
from posegan.pose import Pose, body_mask, part_affines
from posegan.pose.parts import torso_scale

from ..pairs import FRAME, people, standing
from ..pose.people import poses

RIGHT_FOREARM, LEFT_FOREARM = (17, 51), (47, 51)  # the middles, in pixels (x, y) of the standing person


def joined(*alike: Pose) -> Pose:
    return Pose(torch.cat([p.xy for p in alike]), torch.cat([p.visible for p in alike]))


def place(flow: Tensor, at: tuple[int, int], stride: int = 1) -> list[float]:
    """Return the source position that a target pixel (x, y) is taken from under a flow, in pixels of the frame."""
    x, y = at[0] // stride, at[1] // stride
    centre = torch.tensor([x, y]) * stride + (stride - 1) / 2
    return (centre + flow[0, :, y, x] * stride).tolist()


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_the_same_pose_does_not_move_anything(stride):
    pose = people(3, FRAME, 0, seen=0.8)
    flow = part_flow(pose, pose, FRAME, stride)
    assert flow.shape == (3, 2, 128 // stride, 64 // stride)
    assert flow.abs().max() < 1e-3


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_a_moved_person_is_fetched_from_where_it_was_with_the_background(stride):
    flow = part_flow(standing(), standing(6, -10), FRAME, stride)
    expected = torch.tensor([-6.0, 10.0])[:, None, None].expand(2, 128 // stride, 64 // stride) / stride
    torch.testing.assert_close(flow[0], expected, rtol=0, atol=1e-3)


def test_the_flow_brings_a_picture_of_the_source_to_the_target():
    source, target = standing(), standing(6, -5)
    picture = body_mask(source, FRAME)[:, None].float()
    places = pixel_grid(FRAME, picture.device) + part_flow(source, target, FRAME, 1).permute(0, 2, 3, 1)
    torch.testing.assert_close(
        sample_pixels(picture, places)[:, 0], body_mask(target, FRAME).float(), rtol=0, atol=1e-3
    )


def test_a_limb_follows_its_own_affine_and_the_rest_the_torso():
    source, target = standing(), standing()
    xy = target.xy.clone()
    xy[0, 4] = torch.tensor([2.0, 44.0])  # the right forearm is lifted to the side
    target = Pose(xy, target.visible)
    flow = part_flow(source, target, FRAME, 1)
    assert place(flow, (10, 44)) == pytest.approx([17, 51], abs=0.1)  # the middle of the forearm, there and here
    assert place(flow, LEFT_FOREARM) == pytest.approx(LEFT_FOREARM, abs=1e-3)
    assert place(flow, (60, 120)) == pytest.approx([60, 120], abs=1e-3)  # background


@pytest.mark.parametrize("part", range(1, 10))
def test_each_part_of_the_target_follows_its_affine(part):
    source, target = people(1, FRAME, 0), people(1, FRAME, 1)
    flow = part_flow(source, target, FRAME, 1)
    distances = part_distances(target, pixel_grid(FRAME, flow.device))[0]
    mine = (distances.argmin(0) == part - 1) & (distances.amin(0) < 1.4)
    assert mine.any()
    grid = pixel_grid(FRAME, flow.device)[mine]
    affine = part_affines(source, target)[0, part]
    torch.testing.assert_close(flow[0, :, mine].T, grid @ affine[:, :2].T + affine[:, 2] - grid, rtol=0, atol=1e-3)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_larger_frame_moves_alike(factor):
    """A shin that is drawn up moves its far corner of the frame beyond a thousand pixels where there are so many."""
    source, target = standing(), standing()
    target.xy[0, 10] = target.xy[0, 9] + torch.tensor([-20.0, -16.0])
    frame = FRAME[0] * factor, FRAME[1] * factor
    larger = part_flow(source.resize(FRAME, frame), target.resize(FRAME, frame), frame, factor)
    torch.testing.assert_close(larger, part_flow(source, target, FRAME, 1), rtol=0, atol=1e-2)


def test_a_fit_that_is_thrown_off_is_not_followed():
    source, target = standing(), standing()
    target.xy[0, [2, 5, 8, 11], 0] = torch.tensor([32.0, 32.01, 32.0, 32.01])  # from the side: sheared without bound
    assert part_affines(source, target)[0, 0, :, 2].abs().max() > 4 * FRAME[0]
    assert place(part_flow(source, target, FRAME, 1), (60, 120)) == [60, 120]  # as without a torso


def test_a_limb_that_the_source_lacks_comes_from_the_other_side():
    flow = part_flow(standing(missing=(4,)), standing(), FRAME, 1)
    assert place(flow, RIGHT_FOREARM) == pytest.approx(LEFT_FOREARM, abs=0.1)


def test_a_limb_that_the_source_lacks_on_both_sides_follows_the_torso():
    flow = part_flow(standing(missing=(4, 7)), standing(6, -10), FRAME, 1)
    torch.testing.assert_close(flow[0], torch.tensor([-6.0, 10.0])[:, None, None].expand(2, *FRAME), rtol=0, atol=1e-3)


def test_a_limb_that_the_target_lacks_is_not_drawn():
    lifted = standing()
    lifted.xy[0, 4] = torch.tensor([2.0, 44.0])
    assert place(part_flow(lifted, standing(missing=(4,)), FRAME, 1), RIGHT_FOREARM) == pytest.approx(
        RIGHT_FOREARM, abs=1e-3
    )


def test_nothing_moves_without_a_torso_in_common():
    everywhere = tuple(range(18))
    for source, target in ((standing(missing=everywhere), standing(9)), (standing(), standing(9, missing=everywhere))):
        assert not part_flow(source, target, FRAME, 2).any()


def test_people_of_a_batch_do_not_mix():
    source, target = people(4, FRAME, 0, 0.8), people(4, FRAME, 1, 0.8)
    whole = part_flow(source, target, FRAME, 4)
    for i in range(4):
        torch.testing.assert_close(part_flow(source[i : i + 1], target[i : i + 1], FRAME, 4), whole[i : i + 1])


@settings(max_examples=40, deadline=None)
@given(poses(), poses())
def test_odd_poses_give_finite_flows_and_maps(source, target):
    source, target = joined(source[None], standing()), joined(target[None], standing())
    flow = part_flow(source, target, FRAME, 8)
    maps = part_maps(target, FRAME, 8)
    assert flow.isfinite().all()
    assert maps.isfinite().all()
    assert flow[1].abs().max() < 1e-3  # a neighbour in the batch is not touched


@pytest.mark.parametrize("xy", [torch.zeros(1, 18, 2), torch.arange(18.0)[None, :, None].expand(1, 18, 2)])
def test_people_without_extent_give_finite_flows(xy):
    flat = Pose(xy, torch.ones(1, 18))
    for source, target in ((flat, flat), (flat, standing()), (standing(), flat)):
        assert part_flow(source, target, FRAME, 4).isfinite().all()


def test_coarse_pixels_lie_in_the_middle_of_the_fine_ones():
    fine = pixel_grid((8, 4), torch.device("cpu")).reshape(2, 4, 1, 4, 2).mean((1, 3))
    assert torch.equal(coarse_grid((8, 4), 4, torch.device("cpu")), fine)


@pytest.mark.parametrize(("have", "wanted"), [(2, 1), (2, 2), (2, 4), (2, 16), (4, 1)])
def test_a_resized_flow_points_to_the_same_place(have, wanted):
    slope = torch.tensor([[0.25, 0.5], [-0.5, 0.125]])  # a flow that is linear in the place survives any resizing

    def flow(stride: int) -> Tensor:
        return ((coarse_grid(FRAME, stride, slope.device) @ slope.T + 3.0) / stride).permute(2, 0, 1)[None]

    resized = resize_flow(flow(have), have, wanted)
    edge = have // wanted  # enlarging repeats the border
    inner = (..., slice(edge, resized.shape[-2] - edge), slice(edge, resized.shape[-1] - edge))
    torch.testing.assert_close(resized[inner], flow(wanted)[inner])


def test_distances_are_counted_in_half_widths_from_the_bone():
    pose = standing()
    grid = torch.tensor([[[17.0, 51.0], [17 + 14 / 2, 51 + 2 / 2], [26.0, 116.0], [26.0, 120.0]]])
    forearm, calf = part_distances(pose, grid)[0, [7, 3], 0]
    width = 0.2 * torso_scale(pose).item()
    assert forearm[0].item() == pytest.approx(0, abs=1e-3)
    assert forearm[1].item() == pytest.approx(50**0.5 / width, rel=1e-4)  # the bone runs along (-2, 14)
    assert calf[2:].tolist() == pytest.approx([0, 4 / width], abs=1e-3)  # beyond the ankle


def test_maps_are_one_on_the_bone_and_zero_for_missing_parts():
    maps = part_maps(standing(missing=(3,)), FRAME, 1)[0]
    assert maps.shape == (9, *FRAME)
    assert maps.min() >= 0
    assert maps[3, 103, 26] == 1  # the middle of the right calf
    assert 0.5 < maps[0, 20, 32] <= 1  # between face and neck
    assert not maps[[5, 7]].any()  # right upper arm and forearm need the elbow
    assert maps[3, 103, 60] < 1e-3


def test_no_map_holds_numbers_too_small_to_be_fast():
    maps = part_maps(people(8, FRAME, 1, 0.8), FRAME, 1)
    assert (maps == 0).any()
    assert maps[maps > 0].min() >= 1e-12


def test_a_person_without_torso_has_thin_but_finite_maps():
    maps = part_maps(standing(missing=(2, 5, 8, 11)), FRAME, 1)[0]
    assert maps.isfinite().all()
    assert maps[3, 103, 26] == 1


def test_flow_and_maps_carry_no_gradient():
    source = Pose(standing().xy.requires_grad_(), standing().visible)
    assert not part_flow(source, source, FRAME, 4).requires_grad
    assert not part_maps(source, FRAME, 4).requires_grad
