"""Poses of other people, put where the person of a photo stands: with that body's limb lengths, inside the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from posegan.inference.targets import place_on
from posegan.pose import Pose

EDGE = 0.03  # of the picture's height, kept free between the outermost joints and its edge


def place_in(box: Sequence[int], poses: Pose, source: Pose) -> Pose:
    """Return the poses (T,) of one person where the person of `source` () stands; what does not fit is made smaller.

    box: left, top, width and height of the part of the photo that the model sees; the result is in the photo's pixels.
    """
    placed = place_on(poses, source)
    seen = placed.visible[..., None]
    low = placed.xy.masked_fill(~seen, torch.inf).amin((0, 1))
    high = placed.xy.masked_fill(~seen, -torch.inf).amax((0, 1))
    edge = EDGE * box[3]
    first = torch.tensor([box[0] + edge, box[1] + edge])
    last = torch.tensor([box[0] + box[2] - 1 - edge, box[1] + box[3] - 1 - edge])
    scale = ((last - first) / (high - low).clamp(min=1)).clamp(max=1).min()
    foot = torch.stack([(low[0] + high[0]) / 2, high[1]])
    low, high = foot + (low - foot) * scale, foot + (high - foot) * scale
    move = (first - low).clamp(min=0) - (high - last).clamp(min=0)
    return Pose(foot + (placed.xy - foot) * scale + move, placed.visible)
