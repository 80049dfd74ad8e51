"""From which side a pose shows a body, as far as joints tell: what two pictures of one person have in common."""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.pose.parts import HEAD, take, torso_scale
from posegan.pose.pose import TORSO, Pose

# How far two poses may differ, each the distance at which what they have in common has fallen to 1 / e:
TURN = 0.4  # of the torso: change of its width over its length, about 1.4 from a front to a back
HEAD_TURN = 0.3  # of the head: change of the nose's distance from the ears, in torso lengths
HIDDEN = 2.5  # of the head: number of its five points that only one of the poses has


def torso_width(pose: Pose) -> Tensor:
    """Return the width of torsos over their length (...,), less than 0 in a view from behind.

    0 for a torso without length; without all four corners it tells nothing.
    """
    right_hip, left_hip, left_shoulder, right_shoulder = take(pose.xy, TORSO, -2).unbind(-2)
    up = (right_shoulder + left_shoulder - right_hip - left_hip) / 2
    across = (left_hip - right_hip + left_shoulder - right_shoulder) / 2
    signed = across[..., 1] * up[..., 0] - across[..., 0] * up[..., 1]
    width: Tensor = signed / up.square().sum(-1).clamp(min=1e-3)
    return width


def same_view_of_head(source: Pose, target: Pose) -> Tensor:
    """Return how much of a head two poses show from one side (...,), from 0 to 1; their batch shapes broadcast."""
    hidden = (take(source.visible, HEAD, -1) ^ take(target.visible, HEAD, -1)).sum(-1) / HIDDEN
    turned = (_gaze(source) - _gaze(target)) / HEAD_TURN
    return torch.exp(-hidden.square() - turned.square())


def _gaze(pose: Pose) -> Tensor:
    """Return how far noses stand to the right of the ears, or of the neck, in torso lengths (...,)."""
    nose, ears = pose.xy[..., 0, 0], pose.xy[..., 16:, 0]
    seen = pose.visible[..., 16:].float()
    middle = torch.where(seen.any(-1), (ears * seen).sum(-1) / seen.sum(-1).clamp(min=1), pose.xy[..., 1, 0])
    return torch.where(pose.visible[..., 0], nose - middle, 0.0) / torso_scale(pose).float().clamp(min=1e-3)


def stretch(linear: Tensor) -> Tensor:
    """Return the larger over the smaller singular value (...,) of (..., 2, 2), without bound for those that mirror."""
    squared = linear.square().sum((-2, -1))
    area = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    mean = squared / (2 * area.clamp(min=1e-6))  # of the ratio and its inverse
    return mean + (mean.square() - 1).clamp(min=0).sqrt()
