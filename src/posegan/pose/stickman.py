"""VUNet's picture of a pose: limbs, torso and face as lines in three channels. Networks see it; draw.py is for people.

The released code draws with OpenCV, one person at a time; here every pixel's distance to every line is a closed formula
over the batch, so single pixels at the rims differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor

from posegan.pose.parts import take
from posegan.pose.pose import Pose, Size

NECK = 1  # the detector's own is not used: the middle of the shoulders takes its place
SHOULDERS = (2, 5)
TRUNK = (11, 5, 2, 8)  # left hip, left shoulder, right shoulder, right hip
FACE = (0, 14, 15)  # nose, right eye, left eye

RIGHT = tuple(pairwise((10, 9, 8, 2, 3, 4)))  # ankle, knee, hip, shoulder, elbow, wrist
LEFT = tuple(pairwise((13, 12, 11, 5, 6, 7)))
NECK_LINE = ((NECK, 0),)
EYES = ((0, 14), (0, 15))
RIM = (*pairwise(TRUNK), (8, 11))

GREY = 127 / 255  # the line from neck to nose, in the channels of both sides
RIM_WIDTH = 1.0  # pixels: a filled polygon includes its outline


def render_stickman(pose: Pose, size: Size) -> Tensor:
    """Return poses as (..., 3, H, W) in [-1, 1], background -1: right side, left side, filled torso.

    Lines are int(3 * W / 128) pixels thick (1 at least), over joints truncated to whole pixels; a line needs both its
    joints, the torso all four, and the lines from nose to eyes both eyes. Neck to nose is grey in both side channels
    and lies over the limbs, the eye's line over that. Source: VUNet (Esser et al. 2018), released code.
    """
    pose = _with_middle_neck(pose)
    xy = pose.xy.trunc()
    radius = max(int(3 * size[1] / 128), 1) / 2
    lines = _lines(xy, pose.visible, (*RIGHT, *LEFT, *NECK_LINE, *EYES), radius, size)  # (..., 13, H, W)
    right, left = lines[..., :5, :, :].any(-3), lines[..., 5:10, :, :].any(-3)
    neck, right_eye, left_eye = lines[..., 10:, :, :].unbind(-3)
    face = take(pose.visible, FACE, -1).all(-1)[..., None, None]
    sides = [
        torch.where(eye & face, 1.0, torch.where(neck, GREY, limbs.float()))
        for limbs, eye in ((right, right_eye), (left, left_eye))
    ]
    rim = _lines(xy, pose.visible, RIM, RIM_WIDTH / 2, size).any(-3)
    trunk = (_inside(take(xy, TRUNK, -2), size) | rim) & take(pose.visible, TRUNK, -1).all(-1)[..., None, None]
    return torch.stack([*sides, trunk.float()], -3) * 2 - 1


def _with_middle_neck(pose: Pose) -> Pose:
    neck = take(pose.xy, SHOULDERS, -2).mean(-2, keepdim=True)
    there = take(pose.visible, SHOULDERS, -1).all(-1, keepdim=True)
    xy = torch.cat([pose.xy[..., :NECK, :], neck, pose.xy[..., NECK + 1 :, :]], -2)
    return Pose(xy, torch.cat([pose.visible[..., :NECK], there, pose.visible[..., NECK + 1 :]], -1))


def _lines(xy: Tensor, visible: Tensor, joints: Sequence[tuple[int, int]], radius: float, size: Size) -> Tensor:
    """Return the pixels closer than `radius` to each line between two visible joints: (..., L, H, W) bool."""
    starts, ends = [a for a, _ in joints], [b for _, b in joints]
    start = take(xy, starts, -2)[..., None, None, :]  # (..., L, 1, 1, 2)
    dx, dy = (take(xy, ends, -2)[..., None, None, :] - start).unbind(-1)  # (..., L, 1, 1)
    x = torch.arange(size[1], device=xy.device) - start[..., 0]  # (..., L, 1, W)
    y = torch.arange(size[0], device=xy.device)[:, None] - start[..., 1]  # (..., L, H, 1)
    # The nearest point of a line: the pixel's foot on it, or an end. Joints are whole pixels, so length 0 or >= 1.
    unit = (dx.square() + dy.square()).clamp(min=1)
    along = (x * (dx / unit) + y * (dy / unit)).clamp(0, 1)
    near = (x - along * dx).square() + (y - along * dy).square() < radius**2
    there = take(visible, starts, -1) & take(visible, ends, -1)
    return near & there[..., None, None]


def _inside(corners: Tensor, size: Size) -> Tensor:
    """Return the pixels inside polygons (..., N, 2) by the even-odd rule, (..., H, W) bool; sides may cross."""
    x = torch.arange(size[1], device=corners.device, dtype=corners.dtype)
    y = torch.arange(size[0], device=corners.device, dtype=corners.dtype)[:, None]
    crossings = []
    for start, end in pairwise((*range(corners.shape[-2]), 0)):
        (x0, y0), (x1, y1) = (corners[..., i, :, None, None].unbind(-3) for i in (start, end))  # (..., 1, 1)
        rise = torch.where(y1 == y0, 1.0, y1 - y0)
        straddles = (y0 > y) != (y1 > y)  # (..., H, 1)
        crossings.append(straddles & (x < x0 + (y - y0) * ((x1 - x0) / rise)))
    return reduce(torch.logical_xor, crossings)
