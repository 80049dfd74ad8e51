"""The appearance encoder of Disentangled: seven body parts through one tower, the background through another.

It sees where a part is, and not in which pose; how its embedding becomes a photo again is the model's.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.init import glorot_uniform
from posegan.layers.residual_tower import ResidualTower, blocks_of_side
from posegan.layers.residual_unet import ResidualPair
from posegan.layers.roi import crop_boxes
from posegan.pose import Pose, Size
from posegan.pose.boxes import BOX_JOINTS, Growth, part_boxes
from posegan.pose.mask import pose_mask

PART, BACKGROUND = 32, 128  # numbers in the embeddings of a body part and of the background
FOREGROUND = PART * len(BOX_JOINTS)


class PartEncoder(nn.Module):
    """Photos (B, 3, H, W) and their poses -> (B, outputs): 32 numbers a body part, then 128 for the background.

    size: (H, W) that the background's tower is counted from, with `background_blocks` resolutions; None leaves the
    background out, and the parts see the whole photo. Else the features, not the photo, are cut in two by a mask of
    the limbs. crop, growth: side and margins of the parts. Source: Disentangled (Ma et al. 2018), released code.
    """

    def __init__(
        self,
        size: Size,
        *,
        width: int,
        crop: int,
        growth: Growth,
        background_blocks: int | None,
        mask_radius: float,
    ) -> None:
        super().__init__()
        self.crop = crop
        self.growth = growth
        self.mask_radius = mask_radius
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.stem = ResidualPair(width)
        glorot_uniform(self)
        self.part = ResidualTower((crop, crop), blocks_of_side(crop), width, PART)
        self.background = ResidualTower(size, background_blocks, width, BACKGROUND) if background_blocks else None
        self.outputs = FOREGROUND + (BACKGROUND if background_blocks else 0)

    def forward(self, photo: Tensor, pose: Pose) -> Tensor:
        """Return the embeddings; those of a part without any visible joint are zeros."""
        size = photo.shape[-2], photo.shape[-1]
        features: Tensor = self.stem(F.relu(self.first(photo)))  # (B, width, H, W)
        if self.background is None:
            return self._parts(features, pose, size)
        person = pose_mask(pose, size, self.mask_radius)[:, None].to(features.dtype)
        return torch.cat([self._parts(features * person, pose, size), self.background(features * (1 - person))], 1)

    def _parts(self, features: Tensor, pose: Pose, size: Size) -> Tensor:
        boxes, visible = part_boxes(pose, size, self.growth)
        embeddings: Tensor = self.part(crop_boxes(features, boxes, self.crop))  # (B * 7, 32)
        seen: Tensor = embeddings.unflatten(0, (-1, len(BOX_JOINTS))) * visible[..., None]
        return seen.flatten(1)
