"""A re-posed person put back into the full photo: cut out around both poses, generated, laid over with a soft edge.

What is generated has the model's resolution. Parts of the person that only move are taken from the photo itself, at its
own: see `posegan.inference.carried`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from posegan.data.folder import PersonCrop, person_boxes
from posegan.errors import UserError
from posegan.images import scaled, to_bytes, to_pil, to_signed
from posegan.inference.carried import PhotoPerson
from posegan.inference.fill import filled
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import Photo, enclosing_box
from posegan.inference.matte import lifted, over, without_person
from posegan.inference.poses import FramedPose, find_pose
from posegan.inference.predictor import Predictor, read_person
from posegan.inference.targets import place_on
from posegan.layers.warp import sample_pixels
from posegan.pose import Pose, Size, torso_scale

FADING = 4.0  # pixels of the cut over which it fades into the photo around it
HEADROOM = 0.2  # of the torso's length that a cut goes on above the person: hair must not end at its edge
FIELD = 512  # pixels of height up to which it is worked out where each part goes; the photo may have more


def generate_in_photo(
    predictor: Predictor,
    photo: Photo,
    pose: Pose | FramedPose | str | Path,
    source_pose: Pose | FramedPose | str | Path | None = None,
    *,
    retarget: bool = True,
    carry: bool = True,
    finder: PersonFinder | None = None,
) -> Image.Image:
    """Return the whole photo with its person in the pose, at their place and as tall as they were.

    carry: as `PersonInPhoto`. The other arguments are those of `Predictor.generate`.
    Raises UserError as it does, or as `PersonInPhoto`.
    """
    image, source = read_person(photo, source_pose, finder)
    target = aim_in_photo(pose, source, retarget=retarget)
    return to_pil(paste_person(predictor, image, source, target, carry=carry))


def aim_in_photo(pose: Pose | FramedPose | str | Path, source: Pose, *, retarget: bool = True) -> Pose:
    """Return the target pose that `generate_in_photo` gives a person of the pose `source`, in that photo's pixels."""
    if isinstance(pose, str | Path):
        pose = find_pose(pose)
    target = pose.pose if isinstance(pose, FramedPose) else pose
    limbs = retarget and isinstance(pose, FramedPose)
    return place_on(Pose.stack([target]), source, limbs=limbs)[0]


def paste_person(predictor: Predictor, photo: Tensor, source: Pose, target: Pose, *, carry: bool = True) -> Tensor:
    """Return a photo (3, h, w) uint8 with its person, who has the pose `source` (), in the pose `target` ().

    Arguments and errors as of `PersonInPhoto`.
    """
    return PersonInPhoto(predictor, photo, source, Pose.stack([target]), carry=carry).show(target)


class PersonInPhoto:
    """A photo and its person, ready to be shown there in poses: what is the same for all poses is worked out once.

    photo: (3, h, w) uint8. source: (), the person's pose in the photo's pixels. targets: (T,), all poses that will be
    shown. carry: take parts that only move from the photo itself, and leave it as it is where nothing does; else all of
    the person is generated.
    Raises UserError if no joint of `source`, or of any of the targets, lies in the photo.
    """

    def __init__(self, predictor: Predictor, photo: Tensor, source: Pose, targets: Pose, *, carry: bool = True) -> None:
        frame = photo.shape[-2], photo.shape[-1]
        poses = Pose(torch.cat([source.xy[None], targets.xy]), torch.cat([source.visible[None], targets.visible]))
        poses = poses.inside(frame)
        seen = poses.visible.any(-1)
        if not (bool(seen[0]) and bool(seen[1:].any())):
            which = "target" if bool(seen[0]) else "source"
            raise UserError(f"No joint of the {which} pose lies in the photo: there is nothing to re-pose.")
        poses = poses[seen]
        size = predictor.size
        whole = torch.tensor([[0, 0, frame[1], frame[0]]])
        higher = Pose(poses.xy - torch.tensor([0, HEADROOM * float(torso_scale(poses).max())]), poses.visible)
        frames = torch.tensor([frame[::-1]]).expand(len(poses), 2)
        boxes = torch.cat([person_boxes(p, frames, size) for p in (poses, higher)])
        box = whole if frame == size else enclosing_box(boxes, size)
        self._predictor, self._photo, self._place = predictor, photo, _Place(box[0].tolist(), frame)
        self._crop = PersonCrop(box, size)
        own = self._crop.poses(poses[:1]).inside(size)
        cut = to_signed(self._crop(0, photo))[None]
        self._encoded = predictor.encode(cut, own)
        self._plate, gone = without_person(cut, own)
        here = to_signed(photo[self._place.window])[None]
        self._faded = self._place.soft(_fading(size, box[0].tolist(), frame))
        gone = self._place.soft(gone)
        self._empty = over(self._place.behind(photo, gone > 0.5), here, gone * self._faded)
        self._own = _OwnParts(here, self._place.pose(source)) if carry else None

    def show(self, target: Pose) -> Tensor:
        """Return the photo (3, h, w) uint8 with its person in the pose (), or without them if none of it lies there.

        Pixels away from both poses stay.
        """
        pose = self._crop.poses(Pose.stack([target])).inside(self._predictor.size)
        laid = self._laid(target, pose) if bool(pose.visible.any()) else self._empty
        result = self._photo.clone()
        result[self._place.window] = to_bytes(laid)[0]
        return result

    def _laid(self, target: Pose, pose: Pose) -> Tensor:
        """Return what is within the cut (1, 3, h, w) with the person in the pose (), in the cut `pose` (1,)."""
        person, share = lifted(self._predictor.render(self._encoded, pose).cpu(), pose, self._plate)
        person, share = self._place.cut(person), self._place.soft(share) * self._faded
        if self._own is None:
            return over(person, self._empty, share)
        return self._own.laid(self._place.pose(target), self._empty, person, share, self._faded)


class _OwnParts:
    """What of a photo (1, 3, h, w) in [-1, 1] is its person, of pose (), and where its parts go in other poses."""

    def __init__(self, photo: Tensor, pose: Pose) -> None:
        self._photo = photo
        self._full = photo.shape[-2], photo.shape[-1]
        factor = min(1.0, FIELD / self._full[0], FIELD / (self._full[0] * self._full[1]) ** 0.5)
        self._size = scaled(self._full, factor)
        small = photo if self._size == self._full else F.interpolate(photo, self._size, mode="area")
        pose = pose.resize(self._full, self._size)
        own = Pose.stack([pose])
        self._body = lifted(small, own, without_person(small, own)[0])[1][:, None]
        self._parts = PhotoPerson(pose, self._size)

    def laid(self, target: Pose, empty: Tensor, person: Tensor, share: Tensor, changed: Tensor) -> Tensor:
        """Return the photo (1, 3, h, w) with the person in the pose (), in its pixels.

        empty: the photo without them. person, share: the generated one, and their share of each pixel (1, h, w), which
        stand where no part can be carried. changed: (1, h, w), how far anything may differ from the photo.
        """
        carried = self._parts.carry(target.resize(self._full, self._size))
        ratio = person.new_tensor([self._full[1] / self._size[1], self._full[0] / self._size[0]])
        place = self._grown(((carried.place + 0.5) * ratio - 0.5).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        trusted = self._grown(carried.share[:, None])
        own = trusted * self._grown(sample_pixels(self._body, carried.place))
        made = (1 - trusted) * share[:, None]
        laid = own * sample_pixels(self._photo, place) + made * person + (1 - own - made) * empty
        return over(laid, self._photo, (1 - self._grown(carried.still[:, None])[:, 0]) * changed)

    def _grown(self, image: Tensor) -> Tensor:
        return image if self._size == self._full else F.interpolate(image, self._full, mode="bilinear")


class _Place:
    """Where a cut lies in a photo (h, w): the box, (left, top, width, height), and what of it is within the photo."""

    def __init__(self, box: list[int], photo: Size) -> None:
        left, top, self._width, self._height = box
        x, y = max(left, 0), max(top, 0)
        right, bottom = min(left + self._width, photo[1]), min(top + self._height, photo[0])
        self.window = (slice(None), slice(y, bottom), slice(x, right))
        self._inner = (..., slice(y - top, bottom - top), slice(x - left, right - left))

    def cut(self, image: Tensor) -> Tensor:
        """Return a cut (1, 3, H, W) in [-1, 1] at the photo's resolution."""
        grown = F.interpolate(image, (self._height, self._width), mode="bicubic").clamp(-1, 1)
        return grown[self._inner]

    def soft(self, share: Tensor) -> Tensor:
        """Return a share (1, H, W) or (H, W) of its pixels at the photo's resolution, (1, h, w)."""
        grown = F.interpolate(share.expand(1, 1, *share.shape[-2:]), (self._height, self._width), mode="bilinear")
        return grown[:, 0][self._inner]

    def behind(self, photo: Tensor, gap: Tensor) -> Tensor:
        """Return what is within the photo (3, h, w) uint8 with a gap (1, h, w) filled in: (1, 3, h, w) in [-1, 1].

        What it is filled with may come from beyond the cut.
        """
        rows = to_signed(photo[:, self.window[1]])[None]
        wide = torch.zeros(1, *rows.shape[-2:], dtype=torch.bool)
        wide[:, :, self.window[2]] = gap
        return filled(rows, wide)[..., self.window[2]]

    def pose(self, pose: Pose) -> Pose:
        """Return a pose () in the photo's pixels in those of what is within it."""
        return pose.crop(self.window[2].start, self.window[1].start)


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
