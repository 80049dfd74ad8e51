"""How much an animation flickers: what changes from frame to frame although the motion does not ask for it."""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.layers.part_flow import coarse_grid, part_flow
from posegan.layers.warp import sample_pixels
from posegan.metrics.pixels import eight_bit
from posegan.pose import Pose, body_mask, torso_scale

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
    levels = eight_bit(frames, frames)[0].float()
    size = levels.shape[-2], levels.shape[-1]
    scale = torso_scale(poses).float()
    length = float(scale[scale > 0].mean()) if bool((scale > 0).any()) else 0.25 * size[0]
    before, after = poses[:-1], poses[1:]
    far = ~body_mask(poses, size, SURROUNDINGS * length)  # (T, H, W)
    near = body_mask(poses, size, BODY * length)
    change = (levels[1:] - levels[:-1]).abs().mean(1)
    outside = change[far[1:] & far[:-1]].mean()

    places = coarse_grid(size, 1, levels.device) + part_flow(before, after, size, 1).permute(0, 2, 3, 1)
    moved = sample_pixels(torch.cat([levels[:-1], near[:-1, None].float()], 1), places, padding="zeros")
    same = near[1:] & (moved[:, 3] > 0.99)
    inside = (levels[1:] - moved[:, :3]).abs().mean(1)[same].mean()
    return float(outside), float(inside)
