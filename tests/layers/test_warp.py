"""Warps against one obvious slow form: every part moved in full, masked, stacked, joined."""

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.warp import (
    _gather_max_plain,
    _sample_plain,
    affine_grid_pixels,
    nearest_index,
    pixel_grid,
    sample_pixels,
    warp_by_flow,
    warp_by_parts,
)
from posegan.pose import NO_POINT, part_affines, part_masks

from ..pairs import FRAME, people, standing

NOWHERE = torch.tensor([[1.0, 0, NO_POINT], [0, 1, NO_POINT]])
IDENTITY = torch.eye(2, 3)


def moved(dx: float, dy: float) -> Tensor:
    """The affine under which target pixel (x, y) shows source pixel (x + dx, y + dy)."""
    return torch.tensor([[1.0, 0, dx], [0, 1, dy]])


def slow_parts(features: Tensor, affines: Tensor, masks: Tensor) -> Tensor:
    """Return mask * warped of every part (P, B, C, h, w), one pixel at a time, nearest pixel, zeros outside."""
    batch, _, h, w = features.shape
    frame_h, frame_w = masks.shape[-2:]
    parts = []
    for p in range(affines.shape[1]):
        warped = torch.zeros_like(features)
        for b, y, x in product(range(batch), range(h), range(w)):
            (a0, a1, a2), (b0, b1, b2) = affines[b, p].tolist()
            source_x = int((a0 * x + a1 * y + a2 / (frame_w / w) + 0.5) // 1)
            source_y = int((b0 * x + b1 * y + b2 / (frame_h / h) + 0.5) // 1)
            there = masks[b, p, int(y * frame_h / h), int(x * frame_w / w)]
            if there and 0 <= source_x < w and 0 <= source_y < h:
                warped[b, :, y, x] = features[b, :, source_y, source_x]
        parts.append(warped)
    return torch.stack(parts)


def slow_warp(features: Tensor, affines: Tensor, masks: Tensor) -> Tensor:
    return slow_parts(features, affines, masks).max(0).values


def scene(batch: int = 3, parts: int = 4, size: tuple[int, int] = (8, 6), scale: int = 2, seed: int = 0):
    """Return random features of `size`, affines and masks of a frame `scale` times larger; the first mask is full."""
    g = torch.Generator().manual_seed(seed)
    frame = (size[0] * scale, size[1] * scale)
    features = torch.randn(batch, 5, *size, generator=g)
    linear = torch.eye(2) + 0.4 * torch.randn(batch, parts, 2, 2, generator=g)
    shift = 3 * torch.randn(batch, parts, 2, 1, generator=g)
    masks = (torch.rand(batch, parts, *frame, generator=g) < 0.5).float()
    masks[:, 0] = 1
    return features, torch.cat([linear, shift], -1), masks


def value_and_gradient(warp, features: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
    leaf = features.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    out = warp(leaf, *others)
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(9), dtype=out.dtype)
    (gradient,) = torch.autograd.grad((out * upstream).sum(), leaf)
    return out.detach(), gradient


def assert_same(features: Tensor, affines: Tensor, masks: Tensor) -> None:
    fast, slow = (value_and_gradient(warp, features, affines, masks) for warp in (warp_by_parts, slow_warp))
    assert torch.equal(fast[0], slow[0])
    torch.testing.assert_close(fast[1], slow[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_the_fast_form_equals_the_slow_one_in_value_and_gradient(seed, order):
    features, affines, masks = scene(seed=seed)
    assert_same(features.contiguous(memory_format=order), affines, masks)


@pytest.mark.parametrize("scale", [1, 4])
def test_it_does_on_larger_and_smaller_frames(scale):
    assert_same(*scene(scale=scale, seed=5))


def test_it_does_when_one_sample_lacks_parts_and_another_all_of_them():
    features, affines, masks = scene(seed=6)
    affines[0, 2:] = NOWHERE
    masks[0, 2:] = 0
    affines[1] = NOWHERE
    assert_same(features, affines, masks)
    assert not warp_by_parts(features, affines, masks)[1].any()


def test_it_does_when_the_first_mask_is_not_full():
    features, affines, masks = scene(seed=7)
    masks[:, 0] = masks[:, 1]
    assert_same(features, affines, masks)


def test_it_does_for_one_part_and_for_one_channel():
    features, affines, masks = scene(parts=1, seed=8)
    assert_same(features, affines, masks)
    assert_same(features[:, :1], affines, masks)


def test_a_warp_without_any_move_inside_is_zero_with_zero_gradient():
    features, _, masks = scene(seed=1)
    value, gradient = value_and_gradient(warp_by_parts, features, NOWHERE.expand(3, 4, 2, 3), masks)
    assert not value.any()
    assert not gradient.any()


def test_equal_candidates_share_one_gradient():
    features = torch.tensor([[[[2.0, 2.0, -1.0, 0.0]]]], requires_grad=True)
    affines = torch.stack([IDENTITY, moved(1, 0), moved(-1, 0)])[None]
    out = warp_by_parts(features, affines, torch.ones(1, 3, 1, 4))
    assert out.tolist() == [[[[2.0, 2.0, 2.0, 0.0]]]]
    (gradient,) = torch.autograd.grad(out[..., :3].sum(), features)
    assert gradient.sum() == 3  # each output has exactly one source
    assert not gradient[..., 2:].any()


def test_a_negative_value_stays_where_all_masks_are_one_and_is_clipped_elsewhere():
    features = torch.full((1, 2, 4, 4), -3.0, requires_grad=True)
    masks = torch.ones(1, 3, 4, 4)
    masks[0, 2, :, 2:] = 0
    out = warp_by_parts(features, IDENTITY.expand(1, 3, 2, 3), masks)
    assert (out[..., :2] == -3).all()
    assert (out[..., 2:] == 0).all()
    (gradient,) = torch.autograd.grad(out.sum(), features)
    assert torch.equal(gradient, out.detach() / -3)


def test_zero_competes_where_a_part_with_a_full_mask_looks_outside():
    features = torch.tensor([[[[-1.0, -2.0]]]])
    affines = torch.stack([IDENTITY, moved(1, 0)])[None]
    assert warp_by_parts(features, affines, torch.ones(1, 2, 1, 2)).tolist() == [[[[-1.0, 0.0]]]]


@pytest.mark.parametrize("level", [1, 2, 4, 8])
def test_the_same_pose_returns_features_as_they_are_up_to_the_clip(level):
    pose = people(3, FRAME, 1)
    size = (FRAME[0] // level, FRAME[1] // level)
    features = torch.randn(3, 4, *size)
    masks = part_masks(pose, FRAME)
    out = warp_by_parts(features, part_affines(pose, pose), masks)
    all_one = masks[..., ::level, ::level].bool().all(1, keepdim=True).expand_as(features)
    assert torch.equal(out, torch.where(all_one, features, features.clamp_min(0)))
    assert torch.equal(warp_by_parts(features.abs(), part_affines(pose, pose), masks), features.abs())


@pytest.mark.parametrize("level", [1, 2, 4, 8])
@pytest.mark.parametrize(("sampling", "aggregation"), list(product(("nearest", "bilinear"), ("max", "avg"))))
def test_a_translation_moves_a_pixel_to_the_right_place_at_every_skip(level, sampling, aggregation):
    size = (128 // level, 64 // level)
    features = torch.zeros(1, 1, *size)
    features[..., 72 // level, 40 // level] = 1
    affine = moved(16, -24)[None, None]  # the target shows the source 16 px to the right and 24 px up
    out = warp_by_parts(features, affine, torch.ones(1, 1, 128, 64), sampling, aggregation)
    expected = torch.zeros_like(features)
    expected[..., 96 // level, 24 // level] = 1
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_a_quarter_turn_on_a_tall_map_exchanges_rows_and_columns(sampling):
    features = torch.zeros(1, 1, 128, 64)
    features[..., 50, 7] = 1  # (x, y) = (7, 50)
    turn = torch.tensor([[[[0.0, 1, 0], [1, 0, 0]]]])  # target (x, y) shows source (y, x)
    out = warp_by_parts(features, turn, torch.ones(1, 1, 128, 64), sampling)
    assert out.sum().item() == pytest.approx(1, abs=1e-4)
    assert out[0, 0, 7, 50].item() == pytest.approx(1, abs=1e-4)


def test_translations_scale_by_their_own_axis():
    grid = affine_grid_pixels(moved(8, 8), (32, 32), (128, 64))
    assert torch.equal(grid[0, 0], torch.tensor([4.0, 2.0]))


def test_pixels_of_the_grid_are_those_of_torch_with_the_unit_matrix():
    (h, w), affine = (16, 8), torch.tensor([[0.9, -0.3, 1.5], [0.2, 1.1, -2.0]])
    (a0, a1, a2), (b0, b1, b2) = affine.tolist()
    theta = torch.tensor(
        [
            [a0, a1 * (h - 1) / (w - 1), a0 + a1 * (h - 1) / (w - 1) + 2 * a2 / (w - 1) - 1],
            [b0 * (w - 1) / (h - 1), b1, b1 + b0 * (w - 1) / (h - 1) + 2 * b2 / (h - 1) - 1],
        ]
    )
    features = torch.randn(1, 3, h, w)
    expected = F.grid_sample(features, F.affine_grid(theta[None], [1, 3, h, w], align_corners=True), align_corners=True)
    found = sample_pixels(features, affine_grid_pixels(affine, (h, w), (h, w))[None], padding="zeros")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_half_pixels_round_up_and_the_border_is_half_a_pixel_wide():
    x = torch.tensor([-0.51, -0.5, 0.49, 0.5, 1.49, 1.5])
    grid = torch.stack([x, torch.zeros(6)], -1).reshape(1, 1, 3, 2, 2)[..., :2, :, :]
    index = nearest_index(grid, torch.ones(1, 1, 2, 2))
    assert index.flatten().tolist() == [-1, 0, 0, 1]


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_a_broken_affine_shows_nothing(bad):
    features, affines, masks = scene()
    affines[:, 1] = bad
    out = warp_by_parts(features, affines, masks)
    masks[:, 1], affines[:, 1] = 0, NOWHERE
    assert out.isfinite().all()
    assert torch.equal(out, warp_by_parts(features, affines, masks))


@pytest.mark.parametrize("seed", range(3))
def test_the_export_form_equals_the_fast_one(seed):
    features, affines, masks = scene(seed=seed)
    index = nearest_index(affine_grid_pixels(affines, (8, 6), (16, 12)), F.interpolate(masks, size=(8, 6)))
    fast = value_and_gradient(warp_by_parts, features, affines, masks)
    plain = value_and_gradient(_gather_max_plain, features, index)
    assert torch.equal(fast[0], plain[0])
    torch.testing.assert_close(fast[1], plain[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(9, 7), (1, 7), (9, 1), (1, 1)])
def test_sampling_for_export_equals_the_other(size):
    generator = torch.Generator().manual_seed(size[0])
    features = torch.randn(3, 5, *size, generator=generator)
    grid = torch.rand(3, 6, 4, 2, generator=generator) * 24 - 8  # inside, at the edge and far outside
    grid[:, 0] = grid[:, 0].round()
    torch.testing.assert_close(_sample_plain(features, grid), sample_pixels(features, grid), rtol=0, atol=2e-6)


def test_average_is_the_sum_over_the_sum_of_masks():
    features, affines, masks = scene(seed=2)
    small = masks[..., ::2, ::2]
    expected = slow_parts(features, affines, masks).sum(0) / small.sum(1, keepdim=True)
    assert small[:, 0].all()
    torch.testing.assert_close(warp_by_parts(features, affines, masks, aggregation="avg"), expected, rtol=0, atol=1e-5)


def test_average_is_zero_where_no_mask_is_one():
    features, affines, masks = scene(seed=2)
    assert not warp_by_parts(features, affines, torch.zeros_like(masks), aggregation="avg").any()


@pytest.mark.parametrize(("sampling", "aggregation"), list(product(("nearest", "bilinear"), ("max", "avg"))))
def test_gradients_are_right_to_first_and_second_order(sampling, aggregation):
    features, affines, masks = scene(batch=2, parts=3, size=(4, 3), seed=3)
    leaf = features[:, :2].double().requires_grad_()

    def warp(x: Tensor) -> Tensor:
        return warp_by_parts(x, affines, masks, sampling, aggregation)

    assert torch.autograd.gradcheck(warp, leaf)
    assert torch.autograd.gradgradcheck(warp, leaf)


def test_no_gradient_reaches_affines_or_masks():
    features, affines, masks = scene()
    for sampling, aggregation in product(("nearest", "bilinear"), ("max", "avg")):
        assert not warp_by_parts(
            features, affines.requires_grad_(), masks.requires_grad_(), sampling, aggregation
        ).requires_grad


def test_bfloat16_features_are_copied_exactly():
    features, affines, masks = scene()
    features = features.bfloat16()
    out = warp_by_parts(features, affines, masks)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out.float(), warp_by_parts(features.float(), affines, masks))


def test_bfloat16_features_are_sampled_at_full_precision_positions():
    stripes = (torch.arange(64) % 2).expand(1, 1, 4, 64)
    places = pixel_grid((4, 64), torch.device("cpu"))[None] + torch.tensor([0.25, 0])
    wanted = sample_pixels(stripes.float(), places)
    found = sample_pixels(stripes.bfloat16(), places)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0, atol=0.004)


def test_sampling_at_every_pixel_is_the_map_itself():
    features = torch.randn(2, 3, 9, 5)
    places = pixel_grid((9, 5), torch.device("cpu")).expand(2, -1, -1, -1)
    torch.testing.assert_close(sample_pixels(features, places), features, rtol=0, atol=1e-5)


def test_outside_is_the_border_or_zero():
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    places = torch.tensor([[[[-5.0, 0.0], [9.0, 9.0]]]])
    assert sample_pixels(features, places).flatten().tolist() == [1, 4]
    assert sample_pixels(features, places, padding="zeros").flatten().tolist() == [0, 0]


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1)])
def test_a_map_one_pixel_wide_or_high_is_sampled(size):
    features = torch.randn(1, 2, *size)
    places = pixel_grid(size, torch.device("cpu"))[None]
    torch.testing.assert_close(sample_pixels(features, places), features, rtol=0, atol=1e-6)


def test_the_limb_goes_where_the_limb_is():
    source, target = standing(), standing()
    xy = target.xy.clone()
    xy[0, 4] = torch.tensor([2.0, 44.0])  # the target lifts the right forearm to the side
    target = type(target)(xy, target.visible)
    features = torch.zeros(1, 1, *FRAME)
    features[..., 50:53, 16:19] = 1  # a mark in the middle of the source's right forearm (17, 51)
    out = warp_by_parts(features, part_affines(source, target), part_masks(target, FRAME))
    assert out[0, 0, 44, 10] == 1  # the middle of the target's forearm (10, 44)


def test_a_flow_says_where_each_pixel_comes_from_and_the_edge_is_repeated():
    features = torch.arange(12.0).reshape(1, 1, 3, 4)
    flow = torch.tensor([1.0, -1.0])[:, None, None].expand(1, 2, 3, 4)
    assert warp_by_flow(features, flow)[0, 0].tolist() == [[1, 2, 3, 3], [1, 2, 3, 3], [5, 6, 7, 7]]
