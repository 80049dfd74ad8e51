"""How much an animation flickers: what changes from frame to frame although the motion does not ask for it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from posegan.layers.part_flow import coarse_grid, part_flow
from posegan.layers.warp import sample_pixels
from posegan.metrics.pixels import eight_bit
from posegan.pose import Pose, body_mask, torso_length

BODY, SURROUNDINGS = 0.12, 0.4  # half-widths, in torso lengths, of what is surely body, and of what may be


def flicker(frames: Tensor, poses: Pose) -> tuple[float, float]:
    """Return the mean absolute change between consecutive frames (T, 3, H, W) of one person, outside and on the body.

    frames: in [-1, 1] or uint8; poses: theirs (T,). Both figures are in levels of 0 to 255, over pixels and channels.
    Outside: pixels farther from the joints' connections than anything of the body is, in both frames; 0 is a still
    background. On the body: pixels near those connections, each compared with the place in the frame before that the
    affine of its body part moves there, so that motion alone costs little; it is not 0 even for a film of a real
    person, since clothes fold and turn. NaN if there is no such pixel.
    Raises ValueError for fewer than two frames or another number of poses.
    """
    if len(frames) < 2 or len(poses) != len(frames):
        raise ValueError(f"expected at least two frames and as many poses, got {len(frames)} and {len(poses)}")
    length = torso_length(poses, (frames.shape[-2], frames.shape[-1]))
    outside: list[tuple[float, int]] = []  # sum and number of the changes from frame to frame
    inside: list[tuple[float, int]] = []
    for i in range(len(frames) - 1):  # a whole film would not fit into memory, and several at once take longer
        levels = eight_bit(frames[i : i + 2], frames[i : i + 2])[0].float()
        for kept, change in zip((outside, inside), _changes(levels, poses[i : i + 2], length), strict=True):
            kept.append((float(change.double().sum()), len(change)))
    return _mean(outside), _mean(inside)


def _changes(levels: Tensor, poses: Pose, length: float) -> tuple[Tensor, Tensor]:
    """Return the changes of the pixels outside and on the body between two frames, (N,) and (M,).

    levels: (2, 3, H, W), 0 to 255. poses: (2,). length: of a torso in pixels.
    """
    size = levels.shape[-2], levels.shape[-1]
    far = ~body_mask(poses, size, SURROUNDINGS * length)  # (2, H, W)
    near = body_mask(poses, size, BODY * length)
    outside = (levels[1] - levels[0]).abs().mean(0)[far.all(0)]
    places = coarse_grid(size, 1, levels.device) + part_flow(poses[:1], poses[1:], size, 1).permute(0, 2, 3, 1)
    moved = sample_pixels(torch.cat([levels[:1], near[:1, None].float()], 1), places, padding="zeros")[0]
    same = near[1] & (moved[3] > 0.99)
    return outside, (levels[1] - moved[:3]).abs().mean(0)[same]


def _mean(changes: list[tuple[float, int]]) -> float:
    count = sum(number for _, number in changes)
    return sum(total for total, _ in changes) / count if count else math.nan
