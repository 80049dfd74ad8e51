"""Where a person stands in a picture, softly: what lays a generated person over another background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.pose import Pose, Size, body_mask, torso_scale

GROWTH = 0.25  # of the torso's length around bones: 98 % of synthetic people lie in it, it is 1.8 times their area
FEATHER = 0.1  # of the torso's length: standard deviation of the soft edge
CORE = 0.18  # of the torso's length around bones: surely body
SEAM = 0.3  # share of a person below which colours are the background's
RELAXATIONS = 100


def matte(poses: Pose, size: Size) -> Tensor:
    """Return the share (T, H, W) of each pixel that belongs to the person of poses (T,), 1 inside, 0 far outside."""
    length = _length(poses, size)
    # The edge is blurred outwards: the mask is grown by the blur first.
    solid = body_mask(poses, size, radius=(GROWTH + FEATHER) * length).float()
    return _blur(solid, max(FEATHER * length, 0.5))


def _length(poses: Pose, size: Size) -> float:
    """Return the mean length of the torsos in pixels; a quarter of the frame's height if there is none."""
    scale = torso_scale(poses).float()
    return float(scale[scale > 0].mean()) if bool((scale > 0).any()) else 0.25 * size[0]


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


def match_surroundings(made: Tensor, background: Tensor, poses: Pose, share: Tensor) -> Tensor:
    """Return generated pictures (T, 3, H, W) whose own background takes on the colours of the one they are laid over.

    The difference from the background, where little of the person is, and no difference, on the body of the poses
    (T,), are spread over what lies between as a membrane would: seams vanish, the body keeps its colours. Source:
    seamless cloning (Perez, Gangnet and Blake, SIGGRAPH 2003). share: (T, H, W), of `matte`.
    """
    size = made.shape[-2], made.shape[-1]
    body = body_mask(poses, size, radius=CORE * _length(poses, size))[:, None]
    known = (share[:, None] < SEAM) | body
    return (made + _membrane(torch.where(body, 0.0, background - made), known)).clamp(-1, 1)


def _membrane(values: Tensor, known: Tensor) -> Tensor:
    """Return values (T, C, H, W) kept where known (T, 1, H, W), smoothly joined elsewhere: Laplace's equation."""
    size = values.shape[-2], values.shape[-1]
    kept, found = values * known, torch.zeros_like(values)
    for scale in (64, 32, 16, 8, 4, 2):  # from rough to fine, the mean of what is known nearby
        share = F.avg_pool2d(known.float(), scale, ceil_mode=True)
        mean = F.avg_pool2d(kept, scale, ceil_mode=True) / share.clamp(min=1e-6)
        here = F.interpolate((share > 0).float(), scale_factor=scale)[..., : size[0], : size[1]] > 0
        found = torch.where(here, F.interpolate(mean, scale_factor=scale)[..., : size[0], : size[1]], found)
    for _ in range(RELAXATIONS):
        found = torch.where(known, values, found)
        padded = F.pad(found, (1, 1, 1, 1), mode="replicate")
        found = (padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]) / 4
    return torch.where(known, values, found)
