"""How each of the ten body parts moves from source to target: one affine a part, target pixel to source pixel.

Source: Deformable GAN (Siarohin et al. 2018), released code, one person at a time there, batched here. Where the parts
lie is in pose/parts.py, the fit of over-determined affines in pose/fit.py; sampling pixels is the business of the
layers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.pose.fit import fit_affine
from posegan.pose.parts import HEAD, LIMBS, precise, take, torso_scale
from posegan.pose.pose import TORSO, Pose

NO_POINT = 1000.0
"""Translation in pixels, both axes, of the affine that stands for "no such part": it samples outside every photo."""

ANCHORS = (*TORSO, *HEAD)  # torso: the first 4; head: all but the first 2, which are the hips
FULL = (*TORSO, 9, 12)  # torso and knees
SMALLEST = 1e-4  # pixels: limbs and torsos this small have no direction


def part_affines(source: Pose, target: Pose) -> Tensor:
    """Return the ten part affines (..., 10, 2, 3): (x, y, 1) in target pixels to (x, y) in source pixels.

    The batch shapes of the two poses broadcast. Not differentiable; float32, solved in float64 (float32 on MPS).
    Torso: fitted to both hips and shoulders. Head: fitted to the nose, eyes and ears common to both poses and the
    shoulders. Limbs: the target's limb rectangle onto the source's, or onto that of the source's opposite limb where
    the source lacks the limb. A part that the target lacks, that has no counterpart in the source, or whose fit is
    degenerate is the identity moved by NO_POINT: so is the torso, and the background with it, when all four torso
    joints lie on one line, as in the published code.

    Incomplete people, which the published protocols never use: a torso or head with fewer than three common joints is
    translated from mean to mean, a torso without any stays where it is.
    """
    common = take(source.visible & target.visible, ANCHORS, -1)[..., None, :]  # (..., 1, 9)
    index = torch.arange(len(ANCHORS), device=common.device)
    used = torch.stack([index < 4, index >= 2]) & common  # (..., 2, 9)
    points = [take(precise(pose.xy), ANCHORS, -2)[..., None, :, :] for pose in (target, source)]  # (..., 1, 9, 2)
    linear, shift, exists = fit_affine(points[0], points[1], used)
    has_head = common[..., 4:].any(-1)  # (..., 1)
    trunk = _assemble(linear, shift, exists & torch.cat([torch.ones_like(has_head), has_head], -1))
    return torch.cat([trunk, _limb_affines(source, target)], -3)  # (..., P, 2, 3)


def has_part(affines: Tensor) -> Tensor:
    """Return which of the affines (..., 2, 3) of `part_affines` move a part: (...,) bool, false where there is none."""
    return (affines[..., 2] != NO_POINT).any(-1)


def full_affine(source: Pose, target: Pose) -> Tensor:
    """Return one affine (..., 2, 3) for the whole body, target pixel to source pixel (Deformable GAN's `full` warp).

    It is fitted to the hips, the shoulders and those knees that are in both poses, under the rules of the torso in
    `part_affines`.
    """
    common = take(source.visible & target.visible, FULL, -1)  # (..., 6)
    return _assemble(*fit_affine(take(precise(target.xy), FULL, -2), take(precise(source.xy), FULL, -2), common))


def _assemble(linear: Tensor, shift: Tensor, exists: Tensor) -> Tensor:
    """Join linear parts (..., 2, 2) and translations (..., 2) to affines; NO_POINT where not `exists` (...,)."""
    affine = torch.cat([linear, shift[..., None]], -1).float()  # (..., 2, 3)
    exists = (exists & affine.isfinite().flatten(-2).all(-1))[..., None, None]
    row, column = torch.arange(2, device=affine.device)[:, None], torch.arange(3, device=affine.device)
    nowhere = torch.where(column == 2, NO_POINT, (row == column).float())
    return torch.where(exists, affine, nowhere)


def _limb_affines(source: Pose, target: Pose) -> Tensor:
    """Return the affines (..., 8, 2, 3) that carry the target's limb rectangles onto the source's.

    Both rectangles overshoot their joints in the same proportion, so their affine takes joint to joint along the limb
    and torso scale to torso scale across it, whatever the overshoot: A = d1 d2^T / |d2|^2 + (s1 / s2) n1 n2^T.
    """
    start1, vector1, there1 = _limbs(source)  # (..., 8, 2), (..., 8, 2), (..., 8)
    start2, vector2, there2 = _limbs(target)
    # Symmetric substitution: the source's limb of the other side where its own is missing.
    start1 = torch.where(there1[..., None], start1, _other_side(start1, -2))
    vector1 = torch.where(there1[..., None], vector1, _other_side(vector1, -2))
    there1 = there1 | _other_side(there1, -1)

    scale1, scale2 = torso_scale(source)[..., None], torso_scale(target)[..., None]  # (..., 1)
    length1, length2 = vector1.square().sum(-1).sqrt(), vector2.square().sum(-1).sqrt()  # (..., 8)
    sized = (scale1 > SMALLEST) & (scale2 > SMALLEST) & (length1 > SMALLEST) & (length2 > SMALLEST)
    normal1, normal2 = _normal(vector1, length1), _normal(vector2, length2)
    stretch = (1 / length2.clamp(min=SMALLEST).square())[..., None, None]
    widen = (scale1 / scale2.clamp(min=SMALLEST))[..., None, None]
    linear = stretch * _outer(vector1, vector2) + widen * _outer(normal1, normal2)  # (..., 8, 2, 2)
    shift = start1 - (linear * start2[..., None, :]).sum(-1)
    return _assemble(linear, shift, there1 & there2 & sized)


def _limbs(pose: Pose) -> tuple[Tensor, Tensor, Tensor]:
    starts, ends = [a for a, _ in LIMBS], [b for _, b in LIMBS]
    xy, visible = precise(pose.xy), pose.visible
    start = take(xy, starts, -2)
    return start, take(xy, ends, -2) - start, take(visible, starts, -1) & take(visible, ends, -1)


def _other_side(limbs: Tensor, dim: int) -> Tensor:
    return take(limbs, [i ^ 1 for i in range(len(LIMBS))], dim)


def _normal(vector: Tensor, length: Tensor) -> Tensor:
    x, y = (vector / length.clamp(min=SMALLEST)[..., None]).unbind(-1)
    return torch.stack([-y, x], -1)


def _outer(left: Tensor, right: Tensor) -> Tensor:
    return left[..., :, None] * right[..., None, :]
