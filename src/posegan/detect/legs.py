"""Two legs, not one twice: where a network puts right and left at one place though it sees two, each gets its own.

Maps are read joint by joint, and right and left look alike: of two ankles the clearer one is often taken for both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.detect.crop_network import STRIDE

LEGS = ((9, 12, 8, 11), (10, 13, 9, 12))  # right and left joint, and the joints above them; from the hips down
RADIUS = 2  # places of the maps: joints no farther apart are one, and so are peaks
LEAST = 0.2  # of what speaks for the first place, that must speak for the second
NEAR = 4.0  # what each torso length between a joint and the one above it costs, in logits
TORSO = (2, 8)  # right shoulder and hip
SMALLEST = 6.0  # pixels of a torso's length


def legs_apart(maps: Tensor, xy: Tensor, decided: Tensor) -> tuple[Tensor, Tensor]:
    """Return what `joints_of` read from logit maps (N, 18, h, w) with the legs told apart.

    xy: (N, 18, 2) in pixels of the crop. decided: (N, 18), the share of the maps that lies there.
    Joints that are apart already stay, and those whose two maps together know of one place only. Of two places each
    joint gets the one that its map speaks for and that is near to the joint above.
    """
    height, width = maps.shape[-2:]
    rows, columns = torch.arange(height, device=maps.device), torch.arange(width, device=maps.device)
    grid = torch.stack([columns.expand(height, -1), rows[:, None].expand(-1, width)], -1).flatten(0, 1)  # (h * w, 2)
    joints, sure = list(xy.unbind(1)), list(decided.unbind(1))
    torso = (joints[TORSO[0]] - joints[TORSO[1]]).square().sum(-1).sqrt().clamp(min=SMALLEST)
    for right, left, *above in LEGS:
        shares = torch.stack([maps[:, right], maps[:, left]], 1).flatten(2).softmax(-1)  # (N, 2, h * w)
        both = shares.sum(1)
        first = both.argmax(-1)
        near_first = _near(grid, first)
        second = both.masked_fill(near_first, 0).argmax(-1)
        peaks = torch.stack([first, second], 1)  # (N, 2)
        around = torch.stack([near_first, _near(grid, second) & ~near_first], 1) * both[:, None]  # (N, 2, h * w)
        places = STRIDE * ((around / around.sum(-1, keepdim=True)) @ grid.to(xy.dtype) + 0.5) - 0.5  # (N, 2, 2)
        tops = torch.stack([joints[joint] for joint in above], 1)
        away = (places[:, None] - tops[:, :, None]).square().sum(-1).sqrt() / torso[:, None, None]  # (N, joint, place)
        fit = shares.gather(2, peaks[:, None].expand(-1, 2, -1)).clamp(min=1e-6).log() - NEAR * away
        crossed = (fit[:, 0, 1] + fit[:, 1, 0] > fit[:, 0, 0] + fit[:, 1, 1])[:, None]
        heights = both.gather(1, peaks)
        split = (joints[right] - joints[left]).abs().amax(-1) <= STRIDE * RADIUS
        split = (split & (heights[:, 1] > LEAST * heights[:, 0]))[:, None]
        share = around.sum((1, 2)) / 2
        for joint, place, other in ((right, 0, 1), (left, 1, 0)):
            joints[joint] = torch.where(split, torch.where(crossed, places[:, other], places[:, place]), joints[joint])
            sure[joint] = torch.where(split[:, 0], share, sure[joint])
    return torch.stack(joints, 1), torch.stack(sure, 1)


def _near(grid: Tensor, peak: Tensor) -> Tensor:
    """Return which places (h * w, 2) lie around a peak of each map (N,): (N, h * w)."""
    return (grid - grid[peak][:, None]).abs().amax(-1) <= RADIUS
