"""A re-posed person put back into the full photo: cut out around both poses, generated, laid over with a soft edge.

The generated part has the model's resolution: in a large photo the person is less sharp than what surrounds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from posegan.data.folder import PersonCrop, person_boxes
from posegan.errors import UserError
from posegan.images import to_bytes, to_pil, to_signed
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import Photo, enclosing_box
from posegan.inference.matte import lifted, over, without_person
from posegan.inference.poses import FramedPose, find_pose
from posegan.inference.predictor import Predictor, read_person
from posegan.inference.targets import place_on
from posegan.pose import Pose, Size

FADING = 4.0  # pixels of the cut over which it fades into the photo around it


def generate_in_photo(
    predictor: Predictor,
    photo: Photo,
    pose: Pose | FramedPose | str | Path,
    source_pose: Pose | FramedPose | str | Path | None = None,
    *,
    retarget: bool = True,
    finder: PersonFinder | None = None,
) -> Image.Image:
    """Return the whole photo with its person in the pose, at their place and as tall as they were.

    Arguments as `Predictor.generate`. Raises UserError as it does, or as `paste_person`.
    """
    image, source = read_person(photo, source_pose, finder)
    return to_pil(paste_person(predictor, image, source, aim_in_photo(pose, source, retarget=retarget)))


def aim_in_photo(pose: Pose | FramedPose | str | Path, source: Pose, *, retarget: bool = True) -> Pose:
    """Return the target pose that `generate_in_photo` gives a person of the pose `source`, in that photo's pixels."""
    if isinstance(pose, str | Path):
        pose = find_pose(pose)
    target = pose.pose if isinstance(pose, FramedPose) else pose
    limbs = retarget and isinstance(pose, FramedPose)
    return place_on(Pose.stack([target]), source, limbs=limbs)[0]


def paste_person(predictor: Predictor, photo: Tensor, source: Pose, target: Pose) -> Tensor:
    """Return a photo (3, h, w) uint8 with its person, who has the pose `source` (), in the pose `target` ().

    Both poses are in the photo's pixels. Pixels away from both poses stay as they are.
    Raises UserError if no joint of either pose lies in the photo.
    """
    height, width = photo.shape[-2:]
    both = Pose.stack([source.inside((height, width)), target.inside((height, width))])
    if not bool(both.visible.any(-1).all()):
        raise UserError("No joint of the source or the target pose lies in the photo: there is nothing to re-pose.")
    size = predictor.size
    whole = torch.tensor([[0, 0, width, height]])
    frames = torch.tensor([[width, height]]).expand(2, 2)
    box = whole if (height, width) == size else enclosing_box(person_boxes(both, frames, size), size)
    crop = PersonCrop(box.expand(2, 4), size)
    poses = crop.poses(both).inside(size)
    cut = to_signed(crop(0, photo))[None]
    made = predictor.render(predictor.encode(cut, poses[:1]), poses[1:]).cpu()
    plate, gone = without_person(cut, poses[:1])
    person, share = lifted(made, poses[1:], plate)
    whole_at = _fading(size, box[0].tolist(), (height, width))
    return _paste(photo, [(plate, gone * whole_at), (person, share * whole_at)], box[0].tolist())


def _fading(size: Size, box: list[int], photo: Size) -> Tensor:
    """Return (H, W): 1, but less and less towards edges of a cut of that size that lie within the photo (h, w)."""
    left, top, width, height = box
    y, x = torch.arange(size[0])[:, None] + 0.5, torch.arange(size[1]) + 0.5
    nearest = torch.full(size, torch.inf)
    for inside, distance in (
        (left > 0, x),
        (left + width < photo[1], size[1] - x),
        (top > 0, y),
        (top + height < photo[0], size[0] - y),
    ):
        nearest = nearest.minimum(distance) if inside else nearest
    return (nearest / FADING).clamp(max=1)


def _paste(photo: Tensor, layers: Sequence[tuple[Tensor, Tensor]], box: list[int]) -> Tensor:
    """Lay cuts (1, 3, H, W) in [-1, 1] over a box, (left, top, width, height), each by its share (1, H, W)."""
    left, top, width, height = box
    x, y = max(left, 0), max(top, 0)
    right, bottom = min(left + width, photo.shape[-1]), min(top + height, photo.shape[-2])
    inner = (..., slice(y - top, bottom - top), slice(x - left, right - left))
    laid = to_signed(photo[:, y:bottom, x:right])[None]
    for cut, share in layers:
        cut = F.interpolate(cut, (height, width), mode="bicubic").clamp(-1, 1)
        share = F.interpolate(share[:, None], (height, width), mode="bilinear")[:, 0]
        laid = over(cut[inner], laid, share[inner])
    result = photo.clone()
    result[:, y:bottom, x:right] = to_bytes(laid)[0]
    return result
