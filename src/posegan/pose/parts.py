"""The ten body parts of Deformable GAN: which joints make them, how large they are, where they lie in the target.

How a part moves from source to target is in pose/affine.py. The published code draws the same polygons with a scan
converter, one person at a time; here they are closed formulas over the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from posegan.pose.pose import Pose, Size

PARTS = (
    "torso", "head", "right_thigh", "left_thigh", "right_calf", "left_calf",
    "right_upper_arm", "left_upper_arm", "right_forearm", "left_forearm",
)  # fmt: skip
"""Part names in channel order; the first, torso, also carries the background."""

HEAD = (0, 14, 15, 16, 17)  # nose, eyes, ears
LIMBS = ((8, 9), (11, 12), (9, 10), (12, 13), (2, 3), (5, 6), (3, 4), (6, 7))
"""(from, to) joints of parts 2..9; limb i ^ 1 is the same limb of the other body side."""

HALF_WIDTH = 0.2  # of a limb rectangle, as a share of the torso scale
HEAD_HALF_SIZE = 0.40  # of the head square, as a share of the torso scale
EXTENSION = 0.1  # by which a limb rectangle overshoots its first joint, as a share of the limb's length
ROUNDING = 1e-4  # pixels; above float32 rounding, far below a pixel: edges belong to the rectangle


def precise(xy: Tensor) -> Tensor:
    """Return coordinates cut from the gradient graph, in float64 where the device has it (MPS has not)."""
    return xy.detach().to(torch.float32 if xy.device.type == "mps" else torch.float64)


def take(values: Tensor, joints: Sequence[int], dim: int) -> Tensor:
    """Return some joints of `values` along the negative `dim`, without an index tensor (a copy to the device)."""
    if torch.compiler.is_exporting():  # into a graph, where the indices lie with the weights
        return values.index_select(dim, torch.tensor(joints, device=values.device))
    return torch.stack([values.select(dim, joint) for joint in joints], dim)


def torso_scale(pose: Pose) -> Tensor:
    """Return the root mean square shoulder-hip distance (...,) of the two body sides in pixels.

    Incomplete people: the side that is there counts alone; 0 if there is none. (Published protocols use only people
    with both sides.)
    """
    xy = precise(pose.xy)
    hips, shoulders = take(xy, (8, 11), -2), take(xy, (2, 5), -2)  # (..., 2, 2)
    there = take(pose.visible, (8, 11), -1) & take(pose.visible, (2, 5), -1)  # (..., 2)
    squared = (hips - shoulders).square().sum(-1) * there
    return (squared.sum(-1) / there.sum(-1).clamp(min=1)).sqrt()


def torso_length(poses: Pose, size: Size) -> float:
    """Return the mean length of the torsos in pixels; a quarter of the (H, W) frame's height if there is none."""
    scale = torso_scale(poses).float()
    return float(scale[scale > 0].mean()) if bool((scale > 0).any()) else 0.25 * size[0]


def part_masks(target: Pose, size: Size) -> Tensor:
    """Return where each of the ten parts lies in the target: (..., 10, H, W) float of 0 and 1.

    Torso: everywhere. Head: a square around the mean of the nose, eyes and ears that are there. Limbs: rectangles that
    overshoot their joints, calves and forearms by half a length to cover feet and hands. A part whose joints are
    missing, or a limb without length, is empty. Source: Deformable GAN (Siarohin et al. 2018), released code.
    """
    scale = torso_scale(target)  # (...,)
    head = _head_mask(target, scale, size)[..., None, :, :]  # (..., 1, H, W)
    limbs = _limb_masks(target, scale, size)  # (..., 8, H, W)
    return torch.cat([torch.ones_like(head), head, limbs], -3).float()  # (..., P, H, W)


def _head_mask(pose: Pose, scale: Tensor, size: Size) -> Tensor:
    there = take(pose.visible, HEAD, -1)  # (..., 5)
    xy = take(precise(pose.xy), HEAD, -2)  # (..., 5, 2), zeros where missing
    centre = (xy.sum(-2) / there.sum(-1, keepdim=True).clamp(min=1)).trunc()  # whole pixels, as int() makes them
    half = torch.where(there.any(-1), (HEAD_HALF_SIZE * scale).trunc(), 0.0)[..., None]  # (..., 1)
    inside = []
    for axis, length in ((1, size[0]), (0, size[1])):
        offset = torch.arange(length, device=xy.device) - centre[..., axis, None]
        inside.append((offset >= -half) & (offset < half))
    return inside[0][..., :, None] & inside[1][..., None, :]  # (..., H, W)


def _limb_masks(pose: Pose, scale: Tensor, size: Size) -> Tensor:
    xy = precise(pose.xy)
    start, end = take(xy, [a for a, _ in LIMBS], -2), take(xy, [b for _, b in LIMBS], -2)  # (..., 8, 2)
    there = take(pose.visible, [a for a, _ in LIMBS], -1) & take(pose.visible, [b for _, b in LIMBS], -1)  # (..., 8)
    # The far end overshoots by a share of the already extended limb: 0.5 for calves and forearms, else 0.1.
    outer = torch.arange(len(LIMBS), device=xy.device) % 4 >= 2
    overshoot = torch.where(outer, 0.5, 0.1).to(xy.dtype)[:, None]  # (8, 1)
    start = start - EXTENSION * (end - start)
    end = end + overshoot * (end - start)
    half_width = (HALF_WIDTH * scale)[..., None].expand(there.shape)
    return rectangle(start, end, half_width, size) & there[..., None, None]


def rectangle(start: Tensor, end: Tensor, half_width: Tensor, size: Size) -> Tensor:
    """Return the pixels of filled rectangles as (..., H, W) bool, edges included; none for one without length.

    start, end: (..., 2) ends (x, y) of the middle line. half_width: (...,) pixels.
    """
    vector = end - start
    length = vector.square().sum(-1).sqrt()[..., None]  # (..., 1)
    unit = vector / length.clamp(min=ROUNDING)
    dx, dy = unit[..., :1], unit[..., 1:]  # (..., 1)
    middle = (start + end) / 2
    columns = torch.arange(size[1], device=start.device) - middle[..., :1]  # (..., W)
    rows = torch.arange(size[0], device=start.device) - middle[..., 1:]  # (..., H)
    # Coordinates along and across the rectangle, in units of its half length and half width: each is a sum of a
    # column's and a row's share, so a pixel costs two additions and one comparison.
    half_length, half_width = length / 2 + ROUNDING, half_width[..., None] + ROUNDING
    far = torch.where(length > ROUNDING, rows * dy / half_length, torch.inf)  # all rows, if there is no length
    along = _outer_sum(far, columns * dx / half_length)  # (..., H, W)
    across = _outer_sum(rows * dx / half_width, columns * -dy / half_width)
    return (along.abs_() <= 1) & (across.abs_() <= 1)


def _outer_sum(rows: Tensor, columns: Tensor) -> Tensor:
    return rows.float()[..., :, None] + columns.float()[..., None, :]
