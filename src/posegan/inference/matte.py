"""Where a person stands in a picture, softly: what lays a generated person over another background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.pose import Pose, Size, body_mask, torso_scale

GROWTH = 0.25  # of the torso's length around bones: 98 % of synthetic people lie in it, it is 1.8 times their area
FEATHER = 0.1  # of the torso's length: standard deviation of the soft edge


def matte(poses: Pose, size: Size) -> Tensor:
    """Return the share (T, H, W) of each pixel that belongs to the person of poses (T,), 1 inside, 0 far outside."""
    scale = torso_scale(poses).float()
    length = float(scale[scale > 0].mean()) if bool((scale > 0).any()) else 0.25 * size[0]
    # The edge is blurred outwards: the mask is grown by the blur first.
    solid = body_mask(poses, size, radius=(GROWTH + FEATHER) * length).float()
    return _blur(solid, max(FEATHER * length, 0.5))


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Return (T, H, W) under a Gaussian, edges repeated."""
    reach = round(3 * sigma + 0.5)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma).square())
    taps = taps / taps.sum()
    image = F.pad(image[:, None], (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(image, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))[:, 0]


def over(person: Tensor, background: Tensor, share: Tensor) -> Tensor:
    """Return pictures (T, 3, H, W) of a person over a background, by `matte`'s share (T, H, W)."""
    return background + share[:, None] * (person - background)
