"""Boxes around body parts, made from joints: what Disentangled's encoder cuts out of a photo.

The ten parts of deformable skips, which have affines and polygons instead, are in pose/parts.py.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from posegan.pose.pose import Pose, Size

Growth = Literal["fixed", "by_legs"]

BOX_JOINTS = {
    "head and shoulders": (0, 1, 2, 5, 14, 15, 16, 17),
    "upper body": (2, 3, 4, 5, 6, 7, 8, 11),
    "lower body": (8, 9, 10, 11, 12, 13),
    "left arm": (5, 6, 7),
    "right arm": (2, 3, 4),
    "left leg": (11, 12, 13),
    "right leg": (8, 9, 10),
}
"""The seven boxes in their order, and the joints that each of them holds."""

# Pixels: margin of a box, margin if it holds one joint only, and how far up the nose is moved so that hair is in.
FIXED = (6.0, 10.0, 0.0)  # Market-1501
LEGS_SEEN = (10.0, 20.0, 10.0)  # DeepFashion, the whole person
LEGS_HIDDEN = (20.0, 40.0, 25.0)  # DeepFashion, nearer


def part_boxes(pose: Pose, size: Size, growth: Growth = "fixed") -> tuple[Tensor, Tensor]:
    """Return the seven boxes (..., 7, 4) as left, top, right, bottom in pixels, and whether they hold a joint (..., 7).

    A box spans its visible joints, has a margin, and ends at the centres of the (H, W) frame's outer pixels; without
    any joint it is (0, 0, 1, 1). growth: margins of `fixed` length, or by whether each leg shows its knee or ankle,
    which tells how near the person is. Source: Disentangled (Ma et al. 2018), released code.
    """
    xy, visible = pose.xy, pose.visible
    margin, margin_of_one, rise = _lengths(pose, growth)
    nose_row = xy.new_zeros(xy.shape[-2:])
    nose_row[0, 1] = 1
    xy = xy - rise[..., None] * nose_row
    members = torch.zeros(len(BOX_JOINTS), xy.shape[-2], dtype=torch.bool, device=xy.device)
    for i, joints in enumerate(BOX_JOINTS.values()):
        members[i, list(joints)] = True
    held = visible[..., None, :] & members  # (..., 7, 18)
    count = held.sum(-1)
    points = xy[..., None, :, :]
    low = torch.where(held[..., None], points, torch.inf).amin(-2)  # (..., 7, 2)
    high = torch.where(held[..., None], points, -torch.inf).amax(-2)
    grown = torch.where(count == 1, margin_of_one, margin)[..., None]
    last = xy.new_tensor([size[1] - 1, size[0] - 1])
    boxes = torch.cat([edge.clamp(min=0).minimum(last) for edge in (low - grown, high + grown)], -1)
    return torch.where((count > 0)[..., None], boxes, xy.new_tensor([0, 0, 1, 1])), count > 0


def _lengths(pose: Pose, growth: Growth) -> tuple[Tensor, ...]:
    """Return margin, margin of a single joint and rise of the nose in pixels, each (..., 1)."""
    if growth == "fixed":
        return tuple(pose.xy.new_tensor([length]) for length in FIXED)
    knee_or_ankle = pose.visible[..., [9, 12]] | pose.visible[..., [10, 13]]  # right leg, left leg
    seen = knee_or_ankle.all(-1, keepdim=True)
    return tuple(torch.where(seen, near, far) for near, far in zip(LEGS_SEEN, LEGS_HIDDEN, strict=True))
