"""How a photo or a pose of any size meets the model's frame: cut around the person to its aspect, then resized.

A photo that has the model's size already is left as it is. The rule of the cut is in posegan.data.folder.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from posegan.data.folder import PersonCrop, person_boxes
from posegan.errors import UserError
from posegan.images import from_pil, read_photo, to_bytes
from posegan.pose import Pose, Size

Photo = str | Path | Image.Image | Tensor  # a tensor is (3, H, W), uint8 or float in [-1, 1]


def load_photo(photo: Photo) -> Tensor:
    """Return a photo as (3, H, W) uint8, upright and on white; raises UserError if a file cannot be read."""
    if isinstance(photo, Tensor):
        if photo.ndim != 3 or photo.shape[0] != 3:
            raise ValueError(f"a photo is (3, H, W), got {tuple(photo.shape)}")
        return to_bytes(photo)
    if isinstance(photo, Image.Image):
        return from_pil(photo)
    return read_photo(photo)


def fit_photo(photo: Tensor, pose: Pose, size: Size) -> tuple[Tensor, Pose]:
    """Return a photo (3, h, w) uint8 as (3, H, W) uint8 around its person, and the pose there.

    The cut is that of `PhotoFolderDataset`. Joints outside the photo or the cut become invisible.
    Raises UserError if no joint lies in the photo.
    """
    height, width = photo.shape[-2:]
    pose = pose.inside((height, width))
    if (height, width) == size:
        return photo, pose
    crop = person_crop(pose, (height, width), size)
    return crop(0, photo), crop.poses(Pose.stack([pose]))[0].inside(size)


def fit_pose(pose: Pose, frame: Size | None, size: Size) -> Pose:
    """Return a pose from a frame of another size in the (H, W) frame, as `fit_photo` does with a photo of that frame.

    frame: None if not known; then it ends nowhere near the person. Raises UserError if no joint lies in the frame.
    """
    if frame is not None:
        pose = pose.inside(frame)
    if frame == size:
        return pose
    if frame is None:
        reach = math.ceil(pose.xy.abs().max()) + 1
        pose, frame = pose.crop(-9 * reach, -9 * reach), (20 * reach, 20 * reach)
    return person_crop(pose, frame, size).poses(Pose.stack([pose]))[0].inside(size)


def person_crop(pose: Pose, frame: Size, size: Size) -> PersonCrop:
    """Return the cut of a frame (h, w) around a pose to (H, W); all of the frame if it has that size already.

    Raises UserError if no joint is visible.
    """
    if frame == size:
        return PersonCrop(torch.tensor([[0, 0, size[1], size[0]]]), size)
    if not pose.visible.any():
        raise UserError("The pose has no joint inside its photo: give the joints in the pixels of that photo.")
    return PersonCrop(person_boxes(Pose.stack([pose]), torch.tensor([frame[::-1]]), size), size)


def enclosing_box(boxes: Tensor, size: Size) -> Tensor:
    """Return the smallest box (1, 4) of the aspect of (H, W) around boxes (N, 4) of left, top, width, height."""
    low, high = boxes[:, :2].amin(0), (boxes[:, :2] + boxes[:, 2:]).amax(0)
    height = max(int((high - low)[1]), round(int((high - low)[0]) * size[0] / size[1]))
    extent = torch.tensor([round(height * size[1] / size[0]), height])
    return torch.cat([((low + high - extent) / 2).round().long(), extent])[None]
