"""How a photo or a pose of any size meets the model's frame: cropped around the person to its aspect, then resized.

A photo that has the model's size already is left as it is.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from posegan.errors import UserError
from posegan.images import read_photo, to_bytes
from posegan.pose import Pose, Size

Photo = str | Path | Image.Image | Tensor  # a tensor is (3, H, W), uint8 or float in [-1, 1]


def load_photo(photo: Photo) -> Tensor:
    """Return a photo as (3, H, W) uint8, upright and on white; raises UserError if a file cannot be read."""
    if isinstance(photo, Tensor):
        if photo.ndim != 3 or photo.shape[0] != 3:
            raise ValueError(f"a photo is (3, H, W), got {tuple(photo.shape)}")
        return to_bytes(photo)
    if isinstance(photo, Image.Image):
        upright = ImageOps.exif_transpose(photo).convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
        data = torch.frombuffer(bytearray(flat.tobytes()), dtype=torch.uint8)
        return data.reshape(flat.height, flat.width, 3).permute(2, 0, 1)
    return read_photo(photo)


MARGIN = 0.1  # of the body's height, left free above and below the outermost joints


def person_box(pose: Pose, aspect: float, photo: Size | None = None) -> tuple[int, int, int, int]:
    """Return (left, top, height, width) of a box of that aspect (width / height) around a pose's visible joints.

    photo: (H, W) that the box should lie in; it sticks out only where the joints leave it no choice.
    Raises UserError if no joint is visible.
    """
    joints = pose.xy[pose.visible]
    if not len(joints):
        raise UserError("The pose has no visible joint: give another pose.")
    low, high = joints.amin(0).tolist(), joints.amax(0).tolist()
    extent_x, extent_y = high[0] - low[0] + 1, high[1] - low[1] + 1
    tight = max(extent_y, extent_x / aspect)
    height = tight * (1 + 2 * MARGIN)
    if photo is not None:
        height = max(tight, min(height, photo[0], photo[1] / aspect))
    width = height * aspect
    left, top = (low[0] + high[0] + 1 - width) / 2, (low[1] + high[1] + 1 - height) / 2
    if photo is not None:
        left, top = _slide(left, width, photo[1]), _slide(top, height, photo[0])
    return round(left), round(top), max(1, round(height)), max(1, round(width))


def _slide(start: float, length: float, limit: int) -> float:
    """Move a stretch into 0..limit if it fits, else centre it."""
    return min(max(start, 0), limit - length) if length <= limit else (limit - length) / 2


def fit_photo(photo: Tensor, pose: Pose, size: Size) -> tuple[Tensor, Pose]:
    """Return a photo (3, h, w) uint8 as (3, H, W) uint8 around its person, and the pose there.

    Edges are repeated where the crop sticks out of the photo. Joints outside the new frame become invisible.
    """
    old = (photo.shape[-2], photo.shape[-1])
    if old == size:
        return photo, pose.inside(size)
    left, top, height, width = person_box(pose.inside(old), size[1] / size[0], old)
    rows = torch.arange(top, top + height).clamp(0, old[0] - 1)
    columns = torch.arange(left, left + width).clamp(0, old[1] - 1)
    crop = photo[:, rows][:, :, columns].float()
    resized = F.interpolate(crop[None], size, mode="bilinear", antialias=True, align_corners=False)[0]
    moved = pose.inside(old).crop(left, top).resize((height, width), size).inside(size)
    return resized.round().clamp(0, 255).to(torch.uint8), moved


def fit_pose(pose: Pose, frame: Size | None, size: Size) -> Pose:
    """Return a pose from a frame of another size in the (H, W) frame, as `fit_photo` would for a photo of that frame.

    frame: None if not known: the person then fills the new frame as people do in the photos models are trained on.
    """
    if frame == size:
        return pose.inside(size)
    shown = pose if frame is None else pose.inside(frame)
    left, top, height, width = person_box(shown, size[1] / size[0], frame)
    return shown.crop(left, top).resize((height, width), size).inside(size)
