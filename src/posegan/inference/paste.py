"""A re-posed person put back into the full photo: cut out around both poses, generated, laid over with a soft edge.

What is generated has the model's resolution. Parts of the person that only move are taken from the photo itself, at its
own: see `posegan.inference.carried`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from posegan.data.folder import PersonCrop, person_boxes
from posegan.errors import UserError
from posegan.images import scaled, to_bytes, to_pil, to_signed
from posegan.inference.carried import PhotoPerson
from posegan.inference.cutout import cut_out
from posegan.inference.fill import filled
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import Photo, enclosing_box
from posegan.inference.matte import lifted, matched, over, unmixed, without_person
from posegan.inference.poses import FramedPose, find_pose
from posegan.inference.predictor import Person, PoseGiven, Predictor, read_people
from posegan.inference.targets import place_on
from posegan.layers.warp import sample_pixels
from posegan.pose import Pose, Size, torso_scale
from posegan.pose.pose import TORSO

FADING = 4.0  # pixels of the cut over which it fades into the photo around it
HEADROOM = 0.2  # of the torso's length that a cut goes on above the person: hair must not end at its edge
AROUND = 0.04  # of the torso's length around its pixels that goes with a person
FIELD = 512  # pixels of height up to which it is worked out where each part goes; the photo may have more


def generate_in_photo(
    predictor: Predictor,
    photo: Photo | Sequence[Photo],
    pose: PoseGiven,
    source_pose: PoseGiven | Sequence[PoseGiven] | None = None,
    *,
    retarget: bool = True,
    carry: bool = True,
    finder: PersonFinder | None = None,
) -> Image.Image:
    """Return the whole photo, the first of several, with its person in the pose, at their place and as tall as before.

    carry: as `PersonInPhoto`. The other arguments are those of `Predictor.generate`.
    Raises UserError as it does, or as `PersonInPhoto`.
    """
    (image, source), *others = read_people(photo, source_pose, finder)
    target = aim_in_photo(pose, source, retarget=retarget)
    return to_pil(paste_person(predictor, image, source, target, others=others, carry=carry))


def aim_in_photo(pose: PoseGiven, source: Pose, *, retarget: bool = True) -> Pose:
    """Return the target pose that `generate_in_photo` gives a person of the pose `source`, in that photo's pixels."""
    if not isinstance(pose, Pose | FramedPose):
        pose = find_pose(pose)
    target = pose.pose if isinstance(pose, FramedPose) else pose
    limbs = retarget and isinstance(pose, FramedPose)
    return place_on(Pose.stack([target]), source, limbs=limbs)[0]


def paste_person(
    predictor: Predictor,
    photo: Tensor,
    source: Pose,
    target: Pose,
    *,
    others: Sequence[Person] = (),
    carry: bool = True,
) -> Tensor:
    """Return a photo (3, h, w) uint8 with its person, who has the pose `source` (), in the pose `target` ().

    Arguments and errors as of `PersonInPhoto`.
    """
    return PersonInPhoto(predictor, photo, source, Pose.stack([target]), others=others, carry=carry).show(target)


class PersonInPhoto:
    """A photo and its person, ready to be shown there in poses: what is the same for all poses is worked out once.

    photo: (3, h, w) uint8. source: (), the person's pose in the photo's pixels. targets: (T,), all poses that will be
    shown. others: more photos of the person, of any size. carry: take parts that only move from the photos themselves,
    and leave the photo as it is where nothing does; else all of the person is generated.
    Raises UserError if no joint of `source`, of any of the targets, or of another photo's pose, lies in its photo.
    """

    def __init__(
        self,
        predictor: Predictor,
        photo: Tensor,
        source: Pose,
        targets: Pose,
        *,
        others: Sequence[Person] = (),
        carry: bool = True,
    ) -> None:
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
        self._encoded = predictor.encode_person(cut[0], own[0], others)
        self._plate, gone = without_person(cut, own)
        self._here, inner = to_signed(photo[self._place.window])[None], self._place.pose(source)
        shown = _Shown(self._here, inner)
        self._faded = self._place.soft(_fading(size, box[0].tolist(), frame))
        gone = self._place.soft(gone).maximum(shown.covered())
        self._empty = over(self._place.behind(photo, gone > 0.5), self._here, gone * self._faded)
        within = self._here.shape[-2], self._here.shape[-1]
        moved = [_moved_onto(inner, within, *other) for other in others if carry]
        self._shown = [shown, *(_Shown(*person) for person in moved if person)] if carry else []

    @property
    def steps(self) -> list[Callable[[], object]]:
        """What `show` does first of all, once, in parts of like length: whoever has no time in one piece calls them."""
        return [shown.cut for shown in self._shown[1:]]  # the first is cut out already

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
        person, share = lifted(self._predictor.render_person(self._encoded, pose).cpu(), pose, self._plate)
        person, share = self._place.cut(person), self._place.soft(share) * self._faded
        if not self._shown:
            return over(person, self._empty, share)
        carried = [shown.carry(self._place.pose(target)) for shown in self._shown]
        still = carried[0].still
        laid, body, left = torch.zeros_like(person), torch.zeros_like(share), torch.ones_like(share)
        for one in sorted(carried, key=lambda one: float(one.known.sum()), reverse=True):  # stable: the photo first
            own = left * one.body
            laid, body, left = laid + own[:, None] * one.image, body + own, left * (1 - one.known)
        person = matched(person, laid / body[:, None].clamp(min=0.5), body.minimum(share), self._predictor.size)
        made = left * share
        laid = laid + made[:, None] * person + (1 - body - made)[:, None] * self._empty
        return over(laid, self._here, (1 - still) * self._faded)


class _Carried(NamedTuple):
    """What a pose takes from one photo: its parts at their new place (1, 3, h, w), and shares (1, h, w).

    body: how much of each pixel they cover, as far as they can be trusted. known: how far it is known whether the
    person is there. still: where nothing moves nearby.
    """

    image: Tensor
    body: Tensor
    known: Tensor
    still: Tensor


class _Shown:
    """What of a photo (1, 3, h, w) in [-1, 1] is its person, of pose (), and where its parts go in other poses."""

    def __init__(self, photo: Tensor, pose: Pose) -> None:
        self._photo = photo
        self._full = photo.shape[-2], photo.shape[-1]
        factor = min(1.0, FIELD / self._full[0], FIELD / (self._full[0] * self._full[1]) ** 0.5)
        self._size = scaled(self._full, factor)
        small = photo if self._size == self._full else F.interpolate(photo, self._size, mode="area")
        pose = pose.resize(self._full, self._size)
        self._small, self._pose, self._length = small, Pose.stack([pose]), float(torso_scale(pose))

    @functools.cached_property
    def _body(self) -> Tensor:
        """How much of each pixel is the person, (1, 1, h, w)."""
        return unmixed(self._small, cut_out(self._small, self._pose))[0][:, None]

    @functools.cached_property
    def _parts(self) -> PhotoPerson:
        return PhotoPerson(self._pose[0], self._small, self._body)

    def cut(self) -> None:
        """Cut the person out, which takes most of the time, before they are needed."""
        _ = self._parts

    def covered(self) -> Tensor:
        """Return where the person is, and a little around them, softly: (1, h, w)."""
        reach = max(2, round(AROUND * self._length))
        grown = F.max_pool2d(self._body, 2 * reach + 1, 1, reach)
        return self._grown(F.avg_pool2d(grown, 3, 1, 1))[:, 0]

    def carry(self, target: Pose) -> _Carried:
        """Return what the pose (), in pixels of the photo, takes from it."""
        carried = self._parts.carry(target.resize(self._full, self._size))
        ratio = self._photo.new_tensor([self._full[1] / self._size[1], self._full[0] / self._size[0]])
        place = self._grown(((carried.place + 0.5) * ratio - 0.5).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        shares = (carried.share * carried.body, (carried.share + carried.clear).clamp(max=1), carried.still)
        grown = (self._grown(share[:, None])[:, 0] for share in shares)
        return _Carried(sample_pixels(self._photo, place), *grown)

    def _grown(self, image: Tensor) -> Tensor:
        return image if self._size == self._full else F.interpolate(image, self._full, mode="bilinear")


def _moved_onto(pose: Pose, size: Size, photo: Tensor, own: Pose) -> tuple[Tensor, Pose] | None:
    """Return another photo (3, h, w) uint8 with its person, of pose `own` (), where and as large as `pose` () is.

    (1, 3, H, W) in [-1, 1] and the pose there, for a frame of (H, W); None if one of them has no torso to go by.
    """
    lengths = [float(torso_scale(p)) for p in (pose, own)]
    if min(lengths) < 1 or not bool(pose.valid & own.valid):
        return None
    factor = lengths[1] / lengths[0]
    middles = [p.xy[list(TORSO)].mean(0) + 0.5 for p in (pose, own)]
    extent = (torch.tensor([size[1], size[0]]) * factor).round().clamp(min=1)
    corner = (middles[1] - middles[0] * extent / torch.tensor([size[1], size[0]])).round()
    crop = PersonCrop(torch.cat([corner, extent])[None].long(), size)
    return to_signed(crop(0, photo))[None], crop.poses(Pose.stack([own]))[0]


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
