"""Part, body and pose masks one person and one shape at a time: slow, obvious, NumPy and scikit-image.

Missing joints are NaN here.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.draw import disk, polygon
from skimage.morphology import dilation, erosion

from .reference_affine import LIMBS, Points, joint, limb_polygon, there, torso_scale

Mask = NDArray[np.bool_]

# 1-based, as published.
LIMB_PAIRS = (
    "2-3 2-6 3-4 4-5 6-7 7-8 2-9 9-10 10-11 2-12 12-13 13-14 2-1 1-15 15-17 1-16 16-18 "
    "2-17 2-18 9-12 12-6 9-3 17-18"
)  # fmt: skip
PAIRS = [tuple(int(n) - 1 for n in pair.split("-")) for pair in LIMB_PAIRS.split()]


def fill(vertices: Points, size: tuple[int, int]) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[polygon(vertices[:, 1], vertices[:, 0], shape=size)] = True
    return mask


def part_masks(pose: Points, size: tuple[int, int]) -> Mask:
    """Return (10, H, W) for one (18, 2) target with all four torso joints."""
    masks = np.zeros((10, *size), dtype=bool)
    masks[0] = True
    head = [joint(pose, n) for n in ("nose", "Reye", "Leye", "Rear", "Lear") if there(pose, n)]
    if head:
        x, y = (int(v) for v in np.mean(head, axis=0))
        half = int(0.40 * torso_scale(pose))
        masks[1, max(y - half, 0) : max(y + half, 0), max(x - half, 0) : max(x + half, 0)] = True
    for part, (start, end, overshoot) in enumerate(LIMBS, 2):
        if there(pose, start, end):
            drawn = 0.5 if overshoot == 0.3 else 0.1  # calves and forearms reach further in masks than in affines
            masks[part] = fill(limb_polygon(joint(pose, start), joint(pose, end), torso_scale(pose), drawn), size)
    return masks


def close(mask: Mask) -> Mask:
    square = np.ones((5, 5), dtype=bool)
    return np.asarray(erosion(dilation(mask, square), square))


def body_mask(pose: Points, size: tuple[int, int], radius: float) -> Mask:
    """Return (H, W): rectangles along limbs, open discs at joints, closed."""
    mask = np.zeros(size, dtype=bool)
    seen = np.isfinite(pose).all(-1)
    for a, b in PAIRS:
        if seen[a] and seen[b] and (pose[a] != pose[b]).any():
            dx, dy = pose[a] - pose[b]
            normal = radius * np.array([-dy, dx]) / np.hypot(dx, dy)
            mask |= fill(np.array([pose[a] + normal, pose[a] - normal, pose[b] - normal, pose[b] + normal]), size)
    for x, y in pose[seen]:
        mask[disk((y, x), radius, shape=size)] = True
    return close(mask)


def pose_mask(pose: Points, size: tuple[int, int], radius: float) -> Mask:
    """Return (H, W): closed discs beaded along limbs, closed."""
    mask = np.zeros(size, dtype=bool)
    seen = np.isfinite(pose).all(-1)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for a, b in PAIRS:
        if not (seen[a] and seen[b]):
            continue
        spaces = int(np.linalg.norm(pose[a] - pose[b]) / radius)
        shares = [0.0, 1.0] + [i / spaces for i in range(1, spaces)]
        for x, y in (pose[a] + share * (pose[b] - pose[a]) for share in shares):
            mask |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2 + 1e-6
    return close(mask)
