"""The frame in which DeepFashion scores are taken: as it is, or with white bands to a square. It scores nothing."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.batch import Batch
from posegan.errors import UserError, unknown_name
from posegan.pose import Pose

FRAMINGS = ("plain", "white_256")
BAND = 40  # columns on each side of a photo 256 high and 176 wide


def frame_photos(images: Tensor, framing: str = "plain") -> Tensor:
    """Return photos in the frame that a paper's scores are taken in.

    images: (B, 3, H, W) uint8 or in [-1, 1], or masks (B, H, W) bool, whose bands are false.
    framing: "plain" leaves them; "white_256" puts 40 white columns on each side of 256x176, to 256x256 (the released
    code of PATN and APS: the bands agree perfectly and lift SSIM).
    Raises UserError for an unknown framing or another size.
    """
    if framing not in FRAMINGS:
        raise unknown_name("framing", framing, FRAMINGS)
    if framing == "plain":
        return images
    height, width = images.shape[-2:]
    if (height, width) != (256, 176):
        raise UserError(f"The framing 'white_256' is for photos of 256x176, these have {height}x{width}: use 'plain'.")
    white = 0 if images.dtype == torch.bool else 255 if images.dtype == torch.uint8 else 1
    return F.pad(images, (BAND, BAND), value=white)


def frame_batch(batch: Batch, framing: str = "plain") -> Batch:
    """Return a batch with both photos framed and the poses moved along; raises as `frame_photos`."""
    if framing == "plain":
        return batch
    return replace(
        batch,
        source_image=frame_photos(batch.source_image, framing),
        target_image=frame_photos(batch.target_image, framing),
        source_pose=_moved(batch.source_pose),
        target_pose=_moved(batch.target_pose),
    )


def _moved(pose: Pose) -> Pose:
    return pose.crop(-BAND, 0)
