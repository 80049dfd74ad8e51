"""Keypoints of a video, steadied: the one-euro filter, run over the sequence in both directions.

Joints that a frame lacks stay missing; where one comes back the filter starts afresh.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from posegan.pose.pose import Pose
from posegan.pose.retarget import estimate_build

LOWEST_CUTOFF = 1.0  # Hz, of a joint at rest
SPEED_WEIGHT = 6.0  # Hz more for each body height a second
SPEED_CUTOFF = 1.0  # Hz, of the speed itself


def smooth(poses: Pose, rate: float) -> Pose:
    """Return the poses (T,) of one person, `rate` frames a second, with less jitter and without lag.

    A joint that rests is averaged over about a sixth of a second, one that moves over less. The result is the mean of
    the filter forwards and backwards. Source: 1 euro filter (Casiez, Roussel and Vogel, CHI 2012), its speed in body
    heights a second. Raises ValueError if the poses are no sequence or the rate is not above 0.
    """
    if len(poses.batch_shape) != 1 or rate <= 0:
        raise ValueError(f"expected poses (T,) and a rate above 0, got {tuple(poses.batch_shape)} and {rate}")
    if not len(poses):
        return poses
    height = float(estimate_build(poses, together=True).height)
    unit = height if height > 0 else 100.0
    forwards = one_euro(poses.xy / unit, poses.visible, rate)
    backwards = one_euro(poses.xy.flip(0) / unit, poses.visible.flip(0), rate).flip(0)
    return Pose((forwards + backwards) / 2 * unit, poses.visible)


def one_euro(values: Tensor, there: Tensor, rate: float) -> Tensor:
    """Return the causal one-euro filter of points (T, ..., 2), `there` (T, ...) bool, `rate` of them a second."""
    found = [values[0]]
    speed = torch.zeros_like(values[0])
    for i in range(1, len(values)):
        begun = (there[i - 1] & there[i])[..., None]
        step = (values[i] - found[-1]) * rate
        speed = torch.where(begun, speed + _share(torch.tensor(SPEED_CUTOFF), rate) * (step - speed), 0.0)
        cutoff = LOWEST_CUTOFF + SPEED_WEIGHT * speed.norm(dim=-1, keepdim=True)
        moved = found[-1] + _share(cutoff, rate) * (values[i] - found[-1])
        found.append(torch.where(begun, moved, values[i]))
    return torch.stack(found)


def _share(cutoff: Tensor, rate: float) -> Tensor:
    """Return the weight of a new value under a first-order low-pass filter."""
    return 1 / (1 + rate / (2 * math.pi * cutoff))
