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
    depth: Tensor,
    parts: Tensor,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (B, 18, 2),
    visibility and occlusion (B, 18) of world joints, from the depth buffer and the parts drawn in it.

    A joint is visible when it lies in the picture, unless it is a face point that the head itself hides.
    """
    height, width = size
    batch = depth.shape[0]
    xy, distance = camera.project(joints)
    inside = (xy >= -0.5).all(-1) & (xy[..., 0] < width - 0.5) & (xy[..., 1] < height - 0.5)
    fine = ((xy + 0.5) * SUPERSAMPLE - 0.5).round().long()
    column, row = fine[..., 0].clamp(0, width * SUPERSAMPLE - 1), fine[..., 1].clamp(0, height * SUPERSAMPLE - 1)
    item = torch.arange(batch)[:, None]
    front, part = depth[item, row, column], parts[item, row, column] - 1
    gap = distance - front
    facing = camera.rotate(outward)[..., 2]
    turned_away = facing < _FACING
    own_head = (part == sf.HEAD) | (part == sf.HAIR) | (part == sf.TAIL) | (part == sf.HAT)
    is_face = _FACING > -1
    hidden = (gap > _MARGIN * stature[:, None] / 1.7) & front.isfinite()
    limb = torch.zeros_like(hidden)
    for joint, (arm, cloth) in _OWN_PARTS.items():
        limb[:, joint] = (part[:, joint] == arm) | (part[:, joint] == cloth)
    visible = inside & ~(is_face & (turned_away | (hidden & own_head)))
    occluded = visible & hidden & ~limb
    return torch.where(visible.unsqueeze(-1), xy, torch.zeros_like(xy)), visible, occluded


def surface_map(pieces: raster.Fragments, attribute: Tensor, parts: Tensor) -> Tensor:
    """Surface coordinates (B, H, W, 4).

    Part id + 1 (0 is background), two around and one along the part, in nominal metres.
    """
    batch, rows, columns = parts.shape
    flat = torch.zeros(batch * rows * columns, 3)
    radius = _RADIUS[parts.reshape(-1)[pieces.sample] - 1]
    angle = attribute[:, 3] / radius
    flat[pieces.sample] = torch.stack((radius * angle.sin(), radius * angle.cos(), attribute[:, 4]), -1)
    step = SUPERSAMPLE

    def gathered(value: Tensor) -> Tensor:
        value = value.reshape(batch, rows // step, step, columns // step, step, -1)
        return value.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows // step, columns // step, step * step, -1)

    four, coordinates = gathered(parts)[..., 0], gathered(flat)
    agree = (four.unsqueeze(-1) == four.unsqueeze(-2)).sum(-1)
    chosen = four.gather(-1, agree.argmax(-1, keepdim=True))
    chosen = torch.where(chosen == sf.SEAT + 1, torch.zeros_like(chosen), chosen)
    share = (four == chosen).float().unsqueeze(-1)
    mean = (coordinates * share).sum(-2) / share.sum(-2).clamp(min=1)
    return torch.cat((chosen.float(), mean * (chosen > 0)), -1)
