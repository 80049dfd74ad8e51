"""One raw photo: is there a person who can be used, where are the joints, and the cut around them.

It knows no data set and writes nothing; photos.py calls it, in several processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.data.folder import PersonCrop, person_boxes
from posegan.detect import Detector, People
from posegan.errors import UserError
from posegan.images import read_photo, scaled, to_bytes
from posegan.inference.finder import SMALLEST
from posegan.pose import Pose

SIDE = 512  # pixels of a cut's height at most: models are trained at 128 and 256
MARGIN = 0.15  # of the extent of the cut that training takes, on each side: poses are drawn and scored beyond the body
LEAST = 48  # pixels of the person's height: fewer show no clothes
RIVAL = 0.6  # of the largest person's area: another as large makes it unclear whose photo this is


@dataclass(frozen=True)
class Look:
    """What was found in a photo: a cut (3, h, w) uint8 and the joints () in its pixels, or why there is none.

    shown: a small picture (3, h, w) uint8 of the whole photo for the report, None if it cannot be read.
    """

    reason: str = ""
    cut: Tensor | None = None
    pose: Pose | None = None
    shown: Tensor | None = None


def look_at(path: Path, detector: Detector) -> Look:
    """Return what a detector finds in a photo file, which is turned upright by its EXIF tag first."""
    try:
        photo = read_photo(path)
    except UserError as error:
        cause = (
            str(error).removeprefix(str(path)).removeprefix(" is not a readable photo").partition(":")[0].strip(" ()")
        )
        return Look(f"cannot be read: {cause}")
    shown = at_most(photo, 160)
    if photo.shape[-2] < SMALLEST[0] or photo.shape[-1] < SMALLEST[1]:
        size = f"{photo.shape[-1]}x{photo.shape[-2]} pixels, give at least {SMALLEST[1]}x{SMALLEST[0]}"
        return Look(f"too small to show a person: {size}", shown=shown)
    people = detector(photo)
    reason, index = choose(people, (photo.shape[-2], photo.shape[-1]))
    if reason:
        return Look(reason, shown=shown)
    cut, pose = cut_out(photo, people.pose[index])
    return Look("", cut, pose, shown)


def choose(people: People, size: tuple[int, int]) -> tuple[str, int]:
    """Return ("", the largest person's index), or a reason why nobody of an (H, W) photo can be used."""
    if not len(people):
        return "nobody found", -1
    poses = people.pose.inside(size)
    low = poses.xy.masked_fill(~poses.visible[..., None], torch.inf).amin(1)
    high = poses.xy.masked_fill(~poses.visible[..., None], -torch.inf).amax(1)
    extent = torch.where(poses.visible.any(1)[:, None], high - low, 0.0)
    areas = extent.prod(1)
    first = int(areas.argmax())
    if int((areas > RIVAL * areas[first]).sum()) > 1:
        return "several people of like size", -1
    if not bool(poses.valid[first]):
        return "a shoulder or hip is not visible", -1
    if float(extent[first, 1]) < LEAST:
        return f"the person is less than {LEAST} pixels tall", -1
    return "", first


def cut_out(photo: Tensor, pose: Pose) -> tuple[Tensor, Pose]:
    """Return the part of a photo (3, h, w) around a person, at most SIDE pixels tall, and the joints there.

    The cut is that of `PhotoFolderDataset` for 2:1 frames, grown by MARGIN, as far as the photo reaches.
    """
    height, width = photo.shape[-2:]
    pose = pose.inside((height, width))
    left, top, wide, tall = person_boxes(Pose.stack([pose]), torch.tensor([[width, height]]), (2, 1))[0].tolist()
    x, y = max(0, round(left - MARGIN * wide)), max(0, round(top - MARGIN * tall))
    right, bottom = min(width, round(left + (1 + MARGIN) * wide)), min(height, round(top + (1 + MARGIN) * tall))
    whole = right - x, bottom - y
    scale = min(1.0, SIDE / whole[1])
    size = max(1, round(whole[1] * scale)), max(1, round(whole[0] * scale))
    crop = PersonCrop(torch.tensor([[x, y, *whole]]), size)
    cut = photo[:, y:bottom, x:right] if scale == 1 else crop(0, photo)
    return cut, crop.poses(Pose.stack([pose]))[0]


def at_most(photo: Tensor, side: int) -> Tensor:
    """Return a photo (3, h, w) uint8 made smaller so that no side is longer than that."""
    height, width = photo.shape[-2:]
    scale = side / max(height, width)
    if scale >= 1:
        return photo
    small = F.interpolate(photo[None].float(), scaled((height, width), scale), mode="bilinear", antialias=True)
    return to_bytes(small[0] / 127.5 - 1)
