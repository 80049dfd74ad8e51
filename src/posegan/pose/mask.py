"""Masks of the whole body, drawn around the skeleton: the one of the masked metrics and the one of PG2's loss.

The masks of single parts, which deformable skips use, are in pose/parts.py.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from posegan.pose.parts import ROUNDING, precise, take
from posegan.pose.pose import Pose, Size

BODY_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (1, 16), (1, 17), (8, 11), (11, 5), (8, 2), (16, 17),
)  # fmt: skip
"""The 23 pairs of joints between which both masks are filled."""

REACH = 2  # of the closing, which is by a 5x5 square


def body_mask(pose: Pose, size: Size, radius: float = 4.0, discs: Literal["all", "limbs"] = "all") -> Tensor:
    """Return the body mask (..., H, W) bool of the masked metrics (mask-SSIM, mask-IS, mask-L1).

    Rectangles of half-width `radius` from joint to joint and discs (distance < radius) at the joints, closed by a 5x5
    dilation and erosion. discs: `all` visible joints as in the published metric, or only those of drawn `limbs`.
    Source: released code of Deformable GAN and PATN.
    """
    xy, starts, ends = precise(pose.xy), [a for a, _ in BODY_LIMBS], [b for _, b in BODY_LIMBS]
    limbs = take(pose.visible, starts, -1) & take(pose.visible, ends, -1)  # (..., 23)
    joints = pose.visible
    if discs == "limbs":
        drawn = [limbs[..., [joint in limb for limb in BODY_LIMBS]].any(-1) for joint in range(joints.shape[-1])]
        joints = torch.stack(drawn, -1)
    spans = (
        _rectangle_spans(take(xy, starts, -2), take(xy, ends, -2), radius, size[0]),
        _disc_spans(xy, radius, size[0]),
    )
    first, last = (torch.cat(parts, -2) for parts in zip(*spans, strict=True))  # (..., 23 + 18, H)
    return _close(_filled(first, last, torch.cat([limbs, joints], -1), size))


def _rectangle_spans(start: Tensor, end: Tensor, half_width: float, height: int) -> tuple[Tensor, Tensor]:
    """Return the first and the last column (..., H) of filled rectangles in each row; first > last where there is none.

    start, end: (..., 2) ends (x, y) of the middle line. Edges belong to it; none without length.
    """
    vector, middle = end - start, (start + end) / 2
    length = vector.square().sum(-1, keepdim=True).sqrt()  # (..., 1)
    dx, dy = (vector / length.clamp(min=ROUNDING)).unbind(-1)
    rows = torch.arange(height, device=start.device) - middle[..., 1:]  # (..., H)
    dx, dy = dx[..., None], dy[..., None]
    along = _interval(rows * dy, dx, length / 2 + ROUNDING)
    across = _interval(rows * dx, -dy, torch.full_like(length, half_width + ROUNDING))
    first = (middle[..., :1] + torch.maximum(along[0], across[0])).ceil()
    last = (middle[..., :1] + torch.minimum(along[1], across[1])).floor()
    return torch.where(length > ROUNDING, first, torch.inf), last


def _interval(offset: Tensor, slope: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest t with |offset + slope t| <= limit: all numbers or none if the slope is 0."""
    level = slope.abs() < 1e-9
    one, two = (torch.where(level, 0, (side - offset) / torch.where(level, 1, slope)) for side in (-limit, limit))
    inside = offset.abs() <= limit
    low = torch.where(level, torch.where(inside, -torch.inf, torch.inf), torch.minimum(one, two))
    return low, torch.where(level, torch.inf, torch.maximum(one, two))


def _disc_spans(centre: Tensor, radius: float, height: int) -> tuple[Tensor, Tensor]:
    """Return the first and the last column (..., H) nearer than `radius` to centres (..., 2) in each row."""
    rows = torch.arange(height, device=centre.device) - centre[..., 1:]  # (..., H)
    room = radius**2 - rows.square()
    half = room.clamp(min=0).sqrt()
    first = (centre[..., :1] - half).floor() + 1
    return torch.where(room > 0, first, torch.inf), (centre[..., :1] + half).ceil() - 1


def _filled(first: Tensor, last: Tensor, there: Tensor, size: Size) -> Tensor:
    """Return the union (..., H, W) bool of spans (..., S, H) of columns in each row, those that are `there` (..., S).

    Every span adds one at its first column and takes it off behind its last: inside is where the sum is not zero.
    """
    begin, stop = first.clamp(0, size[1]).mT, (last + 1).clamp(0, size[1]).mT  # (..., H, S)
    one = (there[..., None, :] & (begin < stop)).int()
    steps = torch.zeros(*one.shape[:-1], size[1] + 1, dtype=torch.int32, device=one.device)
    steps.scatter_add_(-1, begin.long(), one).scatter_add_(-1, stop.long(), -one)
    return steps.cumsum(-1)[..., :-1] > 0


def pose_mask(pose: Pose, size: Size, radius: float = 4.0) -> Tensor:
    """Return the pose mask (..., H, W) bool that weights PG2's first-stage loss.

    Discs (distance <= radius) along each limb at every `radius` pixels or a little more, ends included, closed by a
    5x5 dilation and erosion; a joint without any limb is not drawn. Source: PG2 (Ma et al. 2017), released code.
    """
    drawn = torch.zeros(*pose.batch_shape, *size, dtype=torch.bool, device=pose.xy.device)
    for start, end in BODY_LIMBS:
        there = pose.visible[..., start] & pose.visible[..., end]
        drawn |= _beads(pose.xy[..., start, :], pose.xy[..., end, :], radius, size) & there[..., None, None]
    return _close(drawn)


def _offsets(point: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """Return the pixels' distances from points (..., 2): x (..., 1, W) and y (..., H, 1)."""
    x = torch.arange(size[1], device=point.device) - point[..., :1]
    y = torch.arange(size[0], device=point.device) - point[..., 1:]
    return x[..., None, :], y[..., :, None]


def _beads(start: Tensor, end: Tensor, radius: float, size: Size) -> Tensor:
    """Return discs at both ends and at i / n of the way, n = int(length / radius), as (..., H, W) bool.

    The disc nearest to a pixel is the one nearest to the pixel's foot on the line, so one distance a pixel will do.
    """
    vector = end - start
    squared = vector.square().sum(-1)[..., None, None]  # (..., 1, 1)
    spaces = (squared.sqrt() / radius).trunc().clamp(min=1)
    x, y = _offsets(start, size)
    dx, dy = vector[..., 0, None, None], vector[..., 1, None, None]
    foot = ((x * dx + y * dy) / squared.clamp(min=ROUNDING)).clamp(0, 1)  # share of the way, (..., H, W)
    bead = (foot * spaces).round() / spaces
    return (x - bead * dx).square() + (y - bead * dy).square() <= radius**2 + ROUNDING


def _close(mask: Tensor) -> Tensor:
    """Return the morphological closing of (..., H, W) bool by a 5x5 square; the frame's border counts as neutral."""
    return ~_grow(~_grow(mask))


def _grow(mask: Tensor) -> Tensor:
    """Return the pixels of (..., H, W) bool whose 5x5 neighbourhood holds a true one."""
    for dim in (-1, -2):
        size = mask.shape[dim]
        grown = mask.clone()
        for shift in range(1, min(REACH, size - 1) + 1):
            near, far = mask.narrow(dim, 0, size - shift), mask.narrow(dim, shift, size - shift)
            grown.narrow(dim, shift, size - shift).logical_or_(near)
            grown.narrow(dim, 0, size - shift).logical_or_(far)
        mask = grown
    return mask
