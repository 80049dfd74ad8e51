"""Where a person stands in a picture, softly: what lays a generated person over another background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.images import scaled
from posegan.inference.cutout import cut_out
from posegan.layers.smoothstep import smoothstep
from posegan.pose import Pose, Size, body_mask, torso_length
from posegan.pose.parts import HEAD, take

GROWTH = 0.25  # of the torso's length around bones: 98 % of synthetic people lie in it, it is 1.8 times their area
FEATHER = 0.1  # of the torso's length: standard deviation of the soft edge
EDGE = 2  # pixels to each side of a person's outline in which both may be mixed
PLAIN = 0.05  # squared distance of two colours in [-1, 1] at which it is half trusted
FAINT = 0.35  # share by colour above which a pixel is laid over whole
GONE = 0.35  # of the torso's length around bones: what is taken out of a photo with its person
ENDS = ((HEAD, 0.65), ((10,), 0.55), ((13,), 0.55))  # and around the middle of these joints: face, right, left ankle
COMPARED = (0.5, 0.95)  # share of the person at which nothing and all of a pixel tells how its colours must change
NEARBY = 4.0  # generated pixels: standard deviation of the blur over which it does
FEW = 0.01  # share of such pixels nearby that is half believed
RELAXATIONS = 20  # at each scale


def matte(poses: Pose, size: Size) -> Tensor:
    """Return the share (T, H, W) of each pixel that belongs to the person of poses (T,), 1 inside, 0 far outside."""
    length = torso_length(poses, size)
    # The edge is blurred outwards: the mask is grown by the blur first.
    solid = body_mask(poses, size, radius=(GROWTH + FEATHER) * length).float()
    return _blur(solid, max(FEATHER * length, 0.5))


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Return (T, H, W) under a Gaussian of standard deviation `sigma` pixels, edges repeated."""
    reach = round(3 * sigma + 0.5)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma).square())
    taps = taps / taps.sum()
    image = F.pad(image[:, None], (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(image, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))[:, 0]


def over(person: Tensor, background: Tensor, share: Tensor) -> Tensor:
    """Return pictures (T, 3, H, W) of a person over a background, by `matte`'s share (T, H, W)."""
    return background + share[:, None] * (person - background)


def lifted(made: Tensor, poses: Pose, plate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the person of a generated picture as it looks before a plate, (1, 3, H, W), and its share (1, H, W).

    made: (1, 3, H, W) in [-1, 1], as the plate; poses: (1,). What `cut_out` gives to the generated background of a
    pixel is exchanged for the plate.
    """
    alpha, around = unmixed(made, cut_out(made, poses))
    alpha = alpha * matte(poses, (made.shape[-2], made.shape[-1]))
    share = smoothstep(alpha, 0, FAINT)  # what little is left of the generated background's texture is not laid over
    return (made + (1 - alpha[:, None]) * (plate - around)).clamp(-1, 1), share


def matched(made: Tensor, photo: Tensor, share: Tensor, size: Size) -> Tensor:
    """Return a generated person (1, 3, h, w) in [-1, 1] with the colours that a photo of them has nearby.

    photo: the same, where it is known. share: (1, h, w), how far it is. size: (H, W) of what was generated, at which
    the two are compared. Far from all that is known nothing changes.
    """
    full = made.shape[-2], made.shape[-1]
    known = smoothstep(share, *COMPARED)[:, None]
    both = torch.cat([known, known * (photo - made)], 1)
    small = F.interpolate(both, scaled(full, min(1.0, size[0] / full[0])), mode="area")
    near = _blur(small[0], NEARBY)
    change = F.interpolate((near[1:] / (near[:1] + FEW))[None], full, mode="bilinear")
    return (made + change).clamp(-1, 1)


def unmixed(photo: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share (T, H, W) of each pixel that is the person's, exact at edges, and what is around the person.

    photo: (T, 3, H, W) in [-1, 1]. share: (T, H, W), where the person is, right but for EDGE pixels at their outline.
    There a pixel is between the colours of both sides, the person's and the background's, if these are told apart
    (Bayesian matting: Chuang et al., CVPR 2001, with one smooth colour each); else it keeps its share. The background
    (T, 3, H, W) goes on smoothly behind the person.
    """
    inside, outside = (_inner(side[:, None]) for side in (share > 0.5, share <= 0.5))
    around = membrane(photo, outside)
    across = membrane(photo, inside) - around
    contrast = across.square().sum(1)
    by_colour = (((photo - around) * across).sum(1) / contrast.clamp(min=1e-4)).clamp(0, 1)
    trust = contrast / (contrast + PLAIN)
    alpha = torch.where(inside[:, 0], 1.0, trust * by_colour + (1 - trust) * share)
    return torch.where(outside[:, 0], 0.0, alpha), around


def _inner(mask: Tensor) -> Tensor:
    """Return a mask (T, 1, H, W) bool without EDGE pixels along its edge, but none of the frame's."""
    return F.max_pool2d((~mask).float(), 2 * EDGE + 1, 1, EDGE) == 0


def without_person(photo: Tensor, pose: Pose) -> tuple[Tensor, Tensor]:
    """Return photos (T, 3, H, W) whose persons, of poses (T,), are filled in from around, and what was, (T, H, W).

    Head and feet reach further than their joints. What is filled in is smooth.
    """
    size = photo.shape[-2], photo.shape[-1]
    length = torso_length(pose, size)
    gone = body_mask(pose, size, radius=GONE * length)
    y, x = torch.arange(size[0])[:, None], torch.arange(size[1])
    for joints, reach in ENDS:
        seen = take(pose.visible, joints, -1).float()  # (T, J)
        count = seen.sum(-1)[:, None, None]
        middle = (take(pose.xy, joints, -2) * seen[..., None]).sum(1)[..., None, None] / count[:, None].clamp(min=1)
        near = (x - middle[:, 0]).square() + (y - middle[:, 1]).square() < (reach * length) ** 2
        gone |= near & (count > 0)
    return membrane(photo, ~gone[:, None]), _blur(gone.float(), 1.0)


def membrane(values: Tensor, known: Tensor) -> Tensor:
    """Return values (T, C, H, W) kept where known (T, 1, H, W), smoothly joined elsewhere: Laplace's equation.

    From rough to fine: at each scale what is known nearby stays, and the rest begins as the scale before left it.
    """
    kept, weights = values * known, known.float()
    found = values.new_zeros(1, 1, 1, 1)
    for scale in (64, 32, 16, 8, 4, 2, 1):
        share = F.avg_pool2d(weights, scale, ceil_mode=True)
        mean = F.avg_pool2d(kept, scale, ceil_mode=True) / share.clamp(min=1e-6)
        fixed = share > 0
        found = torch.where(fixed, mean, F.interpolate(found, mean.shape[-2:], mode="bilinear"))
        for _ in range(RELAXATIONS):
            padded = F.pad(found, (1, 1, 1, 1), mode="replicate")
            near = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
            found = torch.where(fixed, mean, near / 4)
    return found
