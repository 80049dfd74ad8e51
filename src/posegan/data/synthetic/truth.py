"""What is known about a rendering: joints with visibility and occlusion, and body-surface coordinates of pixels.

Exists to keep the ground truth apart from the picture. It draws nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.data.synthetic import raster, scene
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.raster import SUPERSAMPLE

# How far a joint lies below its own surface, in metres: anything nearer to the camera hides it.
_MARGIN = torch.tensor(
    [0.04, 0.15, 0.13, 0.09, 0.08, 0.13, 0.09, 0.08, 0.19, 0.12, 0.10, 0.19, 0.12, 0.10, 0.04, 0.04, 0.06, 0.06]
)
# A face point exists where its outward direction is turned to the camera by at least this cosine; others always do.
_FACING = torch.tensor([-0.12] + [-9.0] * 13 + [0.03, 0.03, -0.30, -0.30])
_OWN_PARTS = {
    2: (sf.ARM_R, sf.SLEEVE_R), 3: (sf.ARM_R, sf.SLEEVE_R), 4: (sf.ARM_R, sf.SLEEVE_R), 5: (sf.ARM_L, sf.SLEEVE_L),
    6: (sf.ARM_L, sf.SLEEVE_L),
    7: (sf.ARM_L, sf.SLEEVE_L), 9: (sf.LEG_R, sf.TROUSER_R), 10: (sf.LEG_R, sf.TROUSER_R),
    12: (sf.LEG_L, sf.TROUSER_L), 13: (sf.LEG_L, sf.TROUSER_L),
}  # fmt: skip
# Nominal radius of each part in metres: turns (around, along) into coordinates without a seam.
_RADIUS = torch.tensor(
    [
        0.16,
        0.16,
        0.16,
        0.06,
        0.06,
        0.2,
        0.09,
        0.03,
        0.10,
        0.1,
        0.1,
        0.035,
        0.035,
        0.045,
        0.045,
        0.06,
        0.06,
        0.07,
        0.07,
        0.05,
        0.05,
        0.01,
        0.01,
    ]
)


def joint_truth(
    joints: Tensor,
    outward: Tensor,
    stature: Tensor,
    camera: scene.Camera,
    buffer: raster.Buffer,
    codes: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (B, 18, 2),
    visibility and occlusion (B, 18) of world joints, from the depth buffer and the `codes` (4, B, H, W) drawn in it.

    A joint is visible when it lies in the picture, unless it is a face point that the head itself hides.
    """
    _, batch, height, width = codes.shape
    xy, distance = camera.project(sf.lead(joints))
    xy = xy.permute(1, 2, 0)
    inside = (xy >= -0.5).all(-1) & (xy[..., 0] < width - 0.5) & (xy[..., 1] < height - 0.5)
    fine = ((xy + 0.5) * SUPERSAMPLE - 0.5).round().long()
    column, row = fine[..., 0].clamp(0, width * SUPERSAMPLE - 1), fine[..., 1].clamp(0, height * SUPERSAMPLE - 1)
    place = ((row & 1) * 2 + (column & 1), torch.arange(batch)[:, None], row >> 1, column >> 1)
    part = codes[place].long() - 1
    gap = distance - buffer.depth(buffer.keys[place])
    facing = camera.rotate(sf.lead(outward))[2]
    turned_away = facing < _FACING
    own_head = (part == sf.HEAD) | (part == sf.HAIR) | (part == sf.TAIL) | (part == sf.HAT)
    is_face = _FACING > -1
    hidden = (gap > _MARGIN * stature[:, None] / 1.7) & (part >= 0)
    limb = torch.zeros_like(hidden)
    for joint, (arm, cloth) in _OWN_PARTS.items():
        limb[:, joint] = (part[:, joint] == arm) | (part[:, joint] == cloth)
    visible = inside & ~(is_face & (turned_away | (hidden & own_head)))
    occluded = visible & hidden & ~limb
    return torch.where(visible.unsqueeze(-1), xy, torch.zeros_like(xy)), visible, occluded


def surface_map(codes: Tensor, around: Tensor, along: Tensor) -> Tensor:
    """Surface coordinates (B, H, W, 4).

    Part id + 1 (0 is background), two around and one along the part, in nominal metres; `codes` (4, B, H, W) are those
    of the samples of each pixel, `around` and `along` (4, B, H, W) their body coordinates.
    """
    radius = _RADIUS[(codes.long() - 1).clamp(min=0)]
    angle = around / radius
    coordinates = torch.stack((radius * angle.sin(), radius * angle.cos(), along), -1)
    agree = (codes.unsqueeze(0) == codes.unsqueeze(1)).sum(0)
    chosen = codes.gather(0, agree.argmax(0, keepdim=True))
    chosen = torch.where(chosen == sf.SEAT + 1, torch.zeros_like(chosen), chosen)
    share = (codes == chosen).unsqueeze(-1).float()
    mean = (coordinates * share).sum(0) / share.sum(0).clamp(min=1)
    chosen = chosen[0].unsqueeze(-1).float()
    return torch.cat((chosen, mean * (chosen > 0)), -1)
