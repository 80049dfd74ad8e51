"""VUNet's view of a person: eight body parts, each cut out of the photo and brought to one upright square.

What is done with the crops is the network's business. Calves and feet are not cropped.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.layers.warp import sample_pixels
from posegan.pose import Pose, Size
from posegan.pose.parts import take

CROPS = (
    "torso", "head", "left_upper_arm", "left_forearm", "right_upper_arm", "right_forearm", "left_thigh", "right_thigh",
)  # fmt: skip
"""Part names in the order of the crops' channels."""

TORSO = (5, 11, 8, 2)  # left shoulder, left hip, right hip, right shoulder
SHOULDERS = (5, 2)
NOSE = 0
LIMBS = ((5, 6), (6, 7), (2, 3), (3, 4), (11, 12), (8, 9))  # from the trunk outwards
THIGHS = 4  # index of the first limb that needs no far joint

SINGULAR = 1e-2  # square pixels: quads this flat are not cropped
HORIZON = 1e-6  # least distance of the projective weight from 0, which crossed quads pass through


def crop_parts(image: Tensor, pose: Pose, side: int) -> Tensor:
    """Return eight crops (B, 24, side, side) of photos (B, 3, H, W), RGB for each part of CROPS in turn.

    Each is the perspective view of the part's quad, bilinear, the photo's edge repeated outside it. A part that cannot
    be placed is 0, which is mid-grey (the paper says black). pose: (B,), in pixels of the photos.
    Source: VUNet (Esser et al. 2018), released code.
    """
    quads, exists = part_quads(pose, (image.shape[-2], image.shape[-1]))
    places, regular = perspective_grid(quads, side)  # (B, P, side, side, 2)
    crops = sample_pixels(image, places.flatten(1, 2))  # (B, 3, P * side, side)
    crops = crops.unflatten(2, (len(CROPS), side)).transpose(1, 2)  # (B, P, 3, side, side)
    return torch.where((exists & regular)[..., None, None, None], crops, 0.0).flatten(1, 2)


def part_quads(pose: Pose, size: Size) -> tuple[Tensor, Tensor]:
    """Return the corners of the parts' quads (B, 8, 4, 2) in pixels, and which parts have one (B, 8).

    Corners in the order of the upright crop: top left, bottom left, bottom right, top right. Limbs run from left to
    right, half as wide as long. The head is a square from the middle of the shoulders through the nose, or stands on
    the shoulders if there is no nose; a thigh without a knee ends at the bottom of the (H, W) frame.
    """
    torso, head = take(pose.xy, TORSO, -2), _head(pose)  # (B, 4, 2)
    has_torso, has_head = (take(pose.visible, joints, -1).all(-1) for joints in (TORSO, SHOULDERS))
    limbs, has_limbs = _limbs(pose, size)
    quads = torch.cat([torch.stack([torso, head], -3), limbs], -3)
    return quads, torch.cat([torch.stack([has_torso, has_head], -1), has_limbs], -1)


def _head(pose: Pose) -> Tensor:
    left, right = take(pose.xy, SHOULDERS, -2).unbind(-2)
    neck, nose = (left + right) / 2, pose.xy[..., NOSE, :]
    top = neck + 2 * (nose - neck)
    half = _normal(neck - top) / 2
    with_nose = torch.stack([top - half, neck - half, neck + half, top + half], -2)
    up = _normal(right - left)
    up = torch.where(up[..., 1:] > 0, -up, up)
    without = torch.stack([left + up, left, right, right + up], -2)
    return torch.where(pose.visible[..., NOSE, None, None], with_nose, without)


def _limbs(pose: Pose, size: Size) -> tuple[Tensor, Tensor]:
    starts, ends = [a for a, _ in LIMBS], [b for _, b in LIMBS]
    start, end = take(pose.xy, starts, -2), take(pose.xy, ends, -2)  # (B, 6, 2)
    has_start, has_end = take(pose.visible, starts, -1), take(pose.visible, ends, -1)  # (B, 6)
    bottom = torch.stack([start[..., 0], torch.full_like(start[..., 1], size[0] - 1)], -1)
    end = torch.where(has_end[..., None], end, bottom)
    thigh = torch.arange(len(LIMBS), device=end.device) >= THIGHS
    quarter = _normal(end - start) / 4
    quads = torch.stack([start + quarter, start - quarter, end - quarter, end + quarter], -2)
    return quads, has_start & (has_end | thigh)


def _normal(vector: Tensor) -> Tensor:
    x, y = vector.unbind(-1)
    return torch.stack([-y, x], -1)


def perspective_grid(quads: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return where the pixels of upright squares lie in quads (..., 4, 2), and which quads are not flat (...,).

    The places are (..., side, side, 2), (x, y) in the quads' frame. A quad's corners, in the order of `part_quads`, are
    the views of (0, 0), (0, side), (side, side) and (side, 0), one pixel beyond the square's last ones.
    The projective map of a unit square in closed form: Heckbert, Fundamentals of Texture Mapping, 1989.
    """
    top_left, bottom_left, bottom_right, top_right = quads.unbind(-2)  # (..., 2)
    right, bottom = top_right - bottom_right, bottom_left - bottom_right
    skew = top_left - top_right + bottom_right - bottom_left
    area = _cross(right, bottom)
    regular = area.abs() > SINGULAR
    area = torch.where(regular, area, 1.0)
    g, h = _cross(skew, bottom) / area, _cross(right, skew) / area  # (...,), both 0 for parallelograms
    g, h = (x[..., None, None, None] for x in (g, h))  # (..., 1, 1, 1)
    top_left, bottom_left, top_right = (x[..., None, None, :] for x in (top_left, bottom_left, top_right))
    steps = torch.arange(side, device=quads.device, dtype=quads.dtype) / side
    u, v = steps[:, None], steps[:, None, None]  # (side, 1) over columns, (side, 1, 1) over rows
    weight = 1 + g * u + h * v  # (..., side, side, 1)
    weight = torch.where(weight.abs() < HORIZON, HORIZON, weight)
    places = top_left + (top_right * (1 + g) - top_left) * u + (bottom_left * (1 + h) - top_left) * v
    return places / weight, regular


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
