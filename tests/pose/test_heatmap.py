"""Joint maps: the formula itself, coarse sampling, discs and the way back."""

import pytest
import torch
from hypothesis import given, settings
from torch.nn.functional import avg_pool2d

from posegan.pose import Pose, read_heatmap, render_discs, render_heatmap

from .people import FRAME, poses, random_people


def test_every_pixel_follows_the_formula():
    person = random_people(1, 0)[0]
    maps = render_heatmap(person, FRAME, sigma=5.0)
    y, x = torch.meshgrid(torch.arange(128), torch.arange(64), indexing="ij")
    for joint in range(18):
        px, py = person.xy[joint]
        expected = torch.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * 5.0**2)) * person.visible[joint]
        assert torch.allclose(maps[joint], expected, atol=1e-6)


def test_far_pixels_are_zero_and_no_number_is_too_small_to_be_fast():
    maps = render_heatmap(random_people(8, 1), FRAME)
    assert (maps == 0).any()
    assert maps[maps > 0].min() > 1e-25  # float32 is fast down to 1.2e-38: room for weights and gradients


@given(poses())
@settings(max_examples=30, deadline=None)
def test_the_peak_is_the_joint(pose):
    seen = pose.inside(FRAME)
    maps = render_heatmap(seen, FRAME)
    assert torch.equal(maps.flatten(-2).max(-1).values, seen.visible.float())
    found = read_heatmap(maps)
    assert torch.equal(found.xy, seen.xy)
    assert torch.equal(found.visible, seen.visible)


def test_missing_joints_make_empty_maps_and_read_as_missing():
    maps = render_heatmap(Pose(torch.zeros(18, 2), torch.zeros(18)), (8, 4))
    assert torch.equal(maps, torch.zeros(18, 8, 4))
    assert not read_heatmap(maps).visible.any()


def test_a_peak_at_the_threshold_is_missing():
    maps = torch.zeros(18, 8, 4)
    maps[0, 5, 3], maps[1, 5, 3] = 0.1, 0.11
    found = read_heatmap(maps)
    assert found.visible.tolist() == [False, True] + [False] * 16
    assert found.xy[1].tolist() == [3, 5]


@pytest.mark.parametrize("step", [2, 4, 8])
def test_coarse_maps_sample_the_fine_gaussian_at_the_coarse_pixels_centres(step):
    people = random_people(2, 1)
    coarse = render_heatmap(people, (128 // step, 64 // step), frame=FRAME)
    at_resized_joint = render_heatmap(
        people.resize(FRAME, (128 // step, 64 // step)), coarse.shape[-2:], sigma=6 / step
    )
    assert torch.allclose(coarse, at_resized_joint, atol=1e-5)
    # The mean over a coarse pixel is nearly the value at its centre.
    assert torch.allclose(coarse, avg_pool2d(render_heatmap(people, FRAME), step), atol=0.01 * step**2)


def test_discs_hold_the_49_pixels_up_to_radius_4_and_nothing_if_missing():
    xy = torch.zeros(18, 2)
    xy[0] = torch.tensor([20.0, 30.0])
    visible = torch.arange(18) < 2
    discs = render_discs(Pose(xy, visible), FRAME)
    assert (discs == 1).sum((-2, -1)).tolist() == [49, 17] + [0] * 16  # joint 1 sits in the corner: a quarter
    assert set(discs.unique().tolist()) == {-1.0, 1.0}
    assert discs[0, 34, 20] == 1
    assert discs[0, 33, 23] == -1


def test_batch_shapes_are_kept():
    people = random_people(6, 2)
    grid = Pose(people.xy.reshape(2, 3, 18, 2), people.visible.reshape(2, 3, 18))
    for render in (render_heatmap, render_discs):
        assert torch.equal(render(grid, (16, 8)).flatten(0, 1), render(people, (16, 8)))
        assert torch.equal(render(people[0], (16, 8)), render(people, (16, 8))[0])
    assert read_heatmap(render_heatmap(grid, (16, 8))).batch_shape == (2, 3)
