"""Which part of the body each pixel of a photo shows, and how far each part is seen to reach.

An arm that hangs beside a torso of another colour ends where the colour does; before one of its own colour, half of the
way between the two. What lies behind it nobody sees: a torso is taken to go on as far as torsos do, and no farther.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.images import scaled
from posegan.inference.cutout import colour_bins, histogram, to_the_ends
from posegan.layers.part_flow import PARTS, nearest_on, part_segments
from posegan.layers.smoothstep import smoothstep
from posegan.layers.warp import pixel_grid, sample_pixels
from posegan.pose import Pose, torso_scale

# Distances from bones are in half-widths of the part, see `bone_distances`.
LEGS, ARMS = slice(2, 6), slice(6, 10)  # of the parts
HIPS = (8, 11)


def _for_parts(torso: float, head: float, leg: float, arm: float) -> Tensor:
    """Return one number for each part: (10, 1, 1)."""
    return torch.tensor([torso, head, *[leg] * 4, *[arm] * 4])[:, None, None]


SLIMMER = _for_parts(1, 1, 1.3, 1.7)  # than those half-widths, which leave room for joints put beside a limb's middle
CORE = _for_parts(0.6, 0.6, 0.5, 0.2)  # half-widths up to which a part is there in any case
HIDDEN = _for_parts(0.95, 1.0, 0.6, 0.3)  # up to which it may go on behind another
HIDDEN_BY_ARM = 0.4  # up to which a leg may go on behind an arm
WITHIN = 0.15  # half-widths in which these end
OTHERS = (0.4, 0.7)  # share of others in a pixel at which nothing and all of it is theirs
GAP = 0.02  # of the torso's length: half the width up to which a gap in the cut-out is none in the body
RAY = 10  # pixels that are looked at on the way from a bone
SLOPE = 4.0  # logits that a half-width tells of whose pixel it is
MOST = 5.0  # that its colour can tell
RARE = 1e-4  # share of a part's histogram that colours have which are not in it
SURE = 0.4  # half-widths up to which a part's pixels tell its colours
HALF = 0.5  # of a pixel from which on it tells the colours of a part
ROUNDS = 6


def nearest_parts(distance: Tensor, slope: float) -> Tensor:
    """Return how much of each pixel goes with each part: (1, 10, h, w), 1 in all.

    distance: (1, 10, h, w), `body_distances`. slope: logits that a half-width tells.
    """
    return torch.softmax(-slope * _slim(distance), 1)


def _slim(distance: Tensor) -> Tensor:
    return (distance * SLIMMER).clamp(max=50)


def owners(photo: Tensor, body: Tensor, distance: Tensor) -> Tensor:
    """Return how far each pixel shows each part: (1, 10, h, w), 1 in all, of background too.

    Near their bones the parts tell their colours, in histograms; then each pixel is what its colour is the more common
    in, as far as the bones' distances leave open. A few rounds sharpen both.
    photo: (1, 3, h, w) in [-1, 1]. body: (1, 1, h, w), how much of each pixel is the person. distance: (1, 10, h, w),
    `body_distances`.
    """
    bins = colour_bins((photo.float() + 1) / 2)
    near, expected = distance < SURE, -SLOPE * _slim(distance)
    own = torch.softmax(expected, 1)
    for _ in range(ROUNDS):
        core = own * body * near * (own > HALF)
        common = torch.stack([(histogram(bins, core[:, part]) + RARE).log() for part in range(PARTS)])
        told = common[:, bins].transpose(0, 1)
        told = (told - told.amax(1, keepdim=True)).clamp(min=-MOST)
        own = torch.softmax(told + expected, 1)
        own = F.avg_pool2d(F.pad(own, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return own


def reached(pose: Pose, body: Tensor, distance: Tensor, own: Tensor) -> Tensor:
    """Return how far each part of a pose (1,) reaches in its photo: (10, h, w), 1 at its pixels.

    body: (1, 1, h, w), how much of each pixel is the person. distance: (1, 10, h, w), `body_distances`. own: `owners`.
    A part reaches a pixel if all on the straight way there from its bone is the person, so an arm that hangs beside
    with a gap is not the torso, and if the pixel is no other part's, or near enough for it to go on behind that one.
    """
    whole = closed(body, max(1, round(GAP * float(torso_scale(pose)[0]))))
    full = body.shape[-2], body.shape[-1]
    size = scaled(full, 0.5)
    small, half = F.interpolate(whole, size, mode="area"), to_the_ends(pose).resize(full, size)
    bones = torch.cat([trunk(half)[None], part_segments(half)[0][0]])  # (10, 2, 2)
    grid = pixel_grid(size, body.device)
    foot = nearest_on(bones[:, 0], bones[:, 1], grid)  # (10, h, w, 2)
    away, own = (F.interpolate(values, size, mode="area")[0] for values in (distance, own))
    result = torch.ones(PARTS, *size)
    for step in range(1, RAY + 1):
        part = step / RAY
        seen = sample_pixels(small.expand(PARTS, 1, *size), foot + part * (grid - foot))[:, 0]
        result = result.minimum(torch.where(part * away < CORE, 1.0, seen))
    lost = smoothstep(1 - own, *OTHERS) * smoothstep(away - HIDDEN, 0, WITHIN)
    to_arms = smoothstep(own[ARMS].sum(0), *OTHERS) * smoothstep(away[LEGS] - HIDDEN_BY_ARM, 0, WITHIN)
    lost[LEGS] = lost[LEGS].maximum(to_arms)
    return F.interpolate((result * (1 - lost))[:, None], full, mode="bilinear")[:, 0]


def trunk(pose: Pose) -> Tensor:
    """Return the middle of the shoulders and that of the hips of a pose (1,): (2, 2)."""
    return torch.stack([pose.xy[0, [2, 5]].mean(0), pose.xy[0, list(HIPS)].mean(0)])


def closed(share: Tensor, radius: int) -> Tensor:
    """Return shares (..., h, w) of pixels with gaps filled that are up to twice `radius` pixels wide."""
    side = 2 * radius + 1
    return -F.max_pool2d(-F.max_pool2d(share, side, 1, radius), side, 1, radius)
