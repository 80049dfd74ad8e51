"""Masks of the whole body, drawn around the skeleton: the one of the masked metrics and the one of PG2's loss.

The masks of single parts, which deformable skips use, are in pose/parts.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from posegan.pose.parts import ROUNDING, rectangle
from posegan.pose.pose import Pose, Size

BODY_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (1, 16), (1, 17), (8, 11), (11, 5), (8, 2), (16, 17),
)  # fmt: skip
"""The 23 pairs of joints between which both masks are filled."""


def body_mask(pose: Pose, size: Size, radius: float = 4.0, discs: Literal["all", "limbs"] = "all") -> Tensor:
    """Return the body mask (..., H, W) bool of the masked metrics (mask-SSIM, mask-IS, mask-L1).

    Rectangles of half-width `radius` from joint to joint and discs (distance < radius) at the joints, closed by a 5x5
    dilation and erosion. discs: `all` visible joints as in the published metric, or only those of drawn `limbs`.
    Source: released code of Deformable GAN and PATN.
    """
    drawn = torch.zeros(*pose.batch_shape, *size, dtype=torch.bool, device=pose.xy.device)
    on_limb = torch.zeros_like(pose.visible)
    for start, end in BODY_LIMBS:  # one limb at a time: 23 at once would take 23 times the memory
        there = pose.visible[..., start] & pose.visible[..., end]  # (...,)
        half_width = torch.full_like(pose.xy[..., start, 0], radius)
        drawn |= rectangle(pose.xy[..., start, :], pose.xy[..., end, :], half_width, size) & there[..., None, None]
        on_limb[..., start] |= there
        on_limb[..., end] |= there
    for joint, there in enumerate((pose.visible if discs == "all" else on_limb).unbind(-1)):
        x, y = _offsets(pose.xy[..., joint, :], size)
        drawn |= (x.square() + y.square() < radius**2) & there[..., None, None]
    return _close(drawn)


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
    image = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    grown = _grow(image)
    return (-_grow(-grown)).reshape(mask.shape) > 0.5


def _grow(image: Tensor) -> Tensor:
    windows: Iterable[tuple[tuple[int, int], tuple[int, int]]] = (((5, 1), (2, 0)), ((1, 5), (0, 2)))
    for window, padding in windows:  # max_pool2d pads with -inf
        image = max_pool2d(image, window, stride=1, padding=padding)
    return image
