"""One person's pose for another person's body: limbs keep their directions and take the other body's proportions.

It knows no frame: joints may leave it. Joints that are missing are guessed elsewhere (pose/missing.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.pose.pose import Pose

TORSO, HEAD, UPPER_ARM, FOREARM, THIGH, SHIN = range(6)
UPRIGHT = (TORSO, THIGH, SHIN)  # what a standing person's height is made of

# Lengths of the average body in sums of torso, thigh and shin: medians of 3,540 whole people of Market-1501 as OpenPose
# places their joints, limbs that swing towards the camera a little more. Logarithms of a person's own lengths spread
# about them by SPREAD (there, between people); the joints of one photo add NOISE (there, between photos of a person).
SHARE = (0.40, 0.17, 0.23, 0.20, 0.30, 0.30)
SPREAD = (0.05, 0.08, 0.05, 0.05, 0.05, 0.05)
NOISE = (0.05, 0.10, 0.05, 0.05, 0.05, 0.05)
FORESHORTENING = (0.03, 0.05, 0.10, 0.20, 0.06, 0.08)  # mean of -log(length seen / true length)

MID_HIP = 18  # the root of the tree, one past the last joint
FACE = (0, 14, 15, 16, 17)
PAIRS = (((2, 3), (5, 6)), ((3, 4), (6, 7)), ((8, 9), (11, 12)), ((9, 10), (12, 13)))  # upper arms to shins, both sides
# (joint, joints that it may hang on, nearest first, limb whose length scales the way to it or None), inner joints first
TREE: tuple[tuple[int, tuple[int, ...], int | None], ...] = (
    (1, (MID_HIP,), TORSO),
    (8, (MID_HIP,), None),
    (11, (MID_HIP,), None),
    (2, (1, MID_HIP), None),
    (5, (1, MID_HIP), None),
    (0, (1, MID_HIP), HEAD),
    (14, (0, 1, MID_HIP), HEAD),
    (15, (0, 1, MID_HIP), HEAD),
    (16, (0, 1, MID_HIP), HEAD),
    (17, (0, 1, MID_HIP), HEAD),
    (3, (2, 1, MID_HIP), UPPER_ARM),
    (6, (5, 1, MID_HIP), UPPER_ARM),
    (4, (3, 2, 1, MID_HIP), FOREARM),
    (7, (6, 5, 1, MID_HIP), FOREARM),
    (9, (8, MID_HIP), THIGH),
    (12, (11, MID_HIP), THIGH),
    (10, (9, 8, MID_HIP), SHIN),
    (13, (12, 11, MID_HIP), SHIN),
)


@dataclass(frozen=True)
class Build:
    """A body's true lengths (..., 6) in pixels of a photo: torso, head, upper arm, forearm, thigh, shin.

    Zeros for a pose without any of them.
    """

    lengths: Tensor

    @property
    def height(self) -> Tensor:
        """The lengths of torso, thigh and shin together (...,): the scale of the person in the photo."""
        return self.lengths[..., UPRIGHT].sum(-1)


def estimate_build(pose: Pose, *, together: bool = False) -> Build:
    """Return the build of each person of a pose (...), or, `together`, the one person seen in all poses (T,).

    A photo shows a limb at most as long as it is. Each logarithm of a length is taken to be the average body's, plus
    the person's own deviation (normal), plus noise (normal), minus foreshortening (exponential); what is returned is
    the expected deviation, in closed form. So a limb that looks long is long, one that looks much too short points at
    the camera and gets the average length, and a limb that is not seen too. Of left and right the longer one counts.
    Poses `together` give the mean of their estimates.
    """
    seen, there = _seen_lengths(pose)  # (..., 6)
    share, spread, noise, fore = (seen.new_tensor(values) for values in (SHARE, SPREAD, NOISE, FORESHORTENING))
    upright = torch.zeros_like(there)
    upright[..., UPRIGHT] = True
    counted = torch.where((there & upright).any(-1, keepdim=True), there & upright, there)
    scale = (seen * counted).sum(-1, keepdim=True) / (share * counted).sum(-1, keepdim=True).clamp(min=1e-6)
    surprise = (seen / (scale * share).clamp(min=1e-6)).clamp(min=1e-6).log()
    total = spread.square() + noise.square()
    mean = -surprise - total / fore  # of the foreshortening, a normal distribution cut off below zero
    deviation = total.sqrt()
    hidden = mean + deviation * _mills(mean / deviation)
    own = torch.where(there, spread.square() / total * (surprise + hidden), 0.0)
    if together:
        known = scale > 0  # (T, 1)
        own, scale = ((value * known).sum(0) / known.sum(0).clamp(min=1) for value in (own, scale))
    return Build(scale * share * own.exp())


def _mills(z: Tensor) -> Tensor:
    """Return the normal density over the normal distribution function, without underflow for negative z."""
    ratio: Tensor = math.sqrt(2 / math.pi) / torch.special.erfcx(-z / math.sqrt(2))
    return ratio


def _seen_lengths(pose: Pose) -> tuple[Tensor, Tensor]:
    """Return the lengths (..., 6) as they are seen, and whether they are."""
    xy, visible = pose.xy, pose.visible
    hips, hip_seen = _mean(xy, visible, (8, 11))
    face, face_seen = _mean(xy, visible, FACE)
    neck, neck_seen = xy[..., 1, :], visible[..., 1]
    parts = [_longer([(neck - hips, neck_seen & hip_seen)]), _longer([(face - neck, face_seen & neck_seen)])]
    for pairs in PAIRS:
        parts.append(_longer((xy[..., b, :] - xy[..., a, :], visible[..., a] & visible[..., b]) for a, b in pairs))
    return torch.stack([length for length, _ in parts], -1), torch.stack([there for _, there in parts], -1)


def _longer(sides: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    lengths = torch.stack([vector.square().sum(-1).sqrt() * there for vector, there in sides], -1)
    longest = lengths.amax(-1)
    return longest, longest > 0


def _mean(xy: Tensor, visible: Tensor, joints: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    weight = visible[..., joints].float()[..., None]
    count = weight.sum(-2)
    return (xy[..., joints, :] * weight).sum(-2) / count.clamp(min=1), count[..., 0] > 0


def retarget(pose: Pose, own: Build, wanted: Build) -> Pose:
    """Return poses (...) of a body of build `own` as a body of build `wanted` holds them; batch shapes broadcast.

    The middle of the hips stays (without hips the neck), and so does the height of the person: `Build.height`. Every
    limb keeps its direction and its foreshortening, and changes its length by the ratio of the two builds' shares of
    their height; shoulders and hips keep their width. Joints that are missing stay missing; a joint behind a missing
    one hangs on the next one inwards. Where a build is not known nothing changes.
    """
    known = (own.height > 0) & (wanted.height > 0)
    ratio = (wanted.lengths / own.lengths) * (own.height / wanted.height)[..., None]
    ratio = torch.where(known[..., None], ratio, 1.0)  # (..., 6)
    hips, hip_seen = _mean(pose.xy, pose.visible, (8, 11))
    old = torch.cat([pose.xy, hips[..., None, :]], -2).unbind(-2)
    seen = (*pose.visible.unbind(-1), hip_seen)
    new = list(old)
    for joint, anchors, limb in TREE:
        factor = ratio[..., limb, None] if limb is not None else 1.0
        moved = old[joint]
        for anchor in reversed(anchors):
            hung = new[anchor] + factor * (old[joint] - old[anchor])
            moved = torch.where(seen[anchor][..., None], hung, moved)
        new[joint] = moved
    return Pose(torch.stack(new[:MID_HIP], -2), pose.visible)
