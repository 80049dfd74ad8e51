"""What of a photo's person can be taken to another pose as it is: parts moved rigidly, at the photo's own resolution.

A generator makes 128x64 pixels, a photo may have a hundred times as many. Where a part of the body only moves, the
photo itself shows how it looks there, face and prints included; where it turns, comes out from behind another part or
is not in the photo, only the generator knows. Here is decided which is which; `posegan.inference.paste` lays both into
the photo. Blending the parts' motions at the joints is linear blend skinning (Magnenat-Thalmann et al. 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.inference.cutout import body_distances
from posegan.inference.part_pixels import HIPS, LEGS, closed, nearest_parts, owners, reached, trunk
from posegan.layers.part_flow import PARTS, part_segments
from posegan.layers.smoothstep import smoothstep
from posegan.layers.warp import affine_grid_pixels, pixel_grid, sample_pixels
from posegan.pose import Pose, torso_scale
from posegan.pose.affine import has_part, part_affines
from posegan.pose.missing import guess_missing
from posegan.pose.parts import HEAD, take
from posegan.pose.view import TURN, same_view_of_head, stretch, torso_width

# Distances from bones are in half-widths of the part, see `bone_distances`.
SHARPNESS = 10.0  # by which a nearer part wins over a farther one, per half-width
REACH = 1.2  # half-widths from its bone up to which a part is carried
BESIDE = 2.0  # half-widths from its bone up to which background beside it tells that it reaches no farther
SURROUNDINGS = 2.2  # half-widths from its bone up to which a part that moves changes the picture
STILL = 0.025  # of the torso's length: motion by which what is there is no longer left as it is
APART = 0.1  # of the torso's length: how far apart two parts may take a pixel from for it to come from in between
# How far source and target may differ, each the distance at which trust has fallen to 1 / e:
STRETCH = 0.6  # of a part along its bone against across it
NARROW = 0.3  # width over length of a torso seen from the side: if both are, and the four corners stretch it by more
STRETCHED = 1.3  # than this, it is moved and turned instead
TRUNK = 1.5  # shoulder widths from shoulders to hips, where these are not in the photo
UNSHOWN = 0.02  # weight of a part that the photo does not show where a pixel would come from, against one that it does
CRACK = 0.03  # of the torso's length: half the width up to which there is no background between two parts
AGREED = (0.5, 0.95)  # share of the parts that agree on background at which nothing and all of it is believed
LOOKS = (0.25, 0.4)  # how alike two views of a head are at which nothing and all of it is carried: half of each is none
AGREEING = (0.35, 0.75)  # share of a photo's pixel that moves with the part there at which nothing and all is carried


@dataclass(frozen=True)
class Carried:
    """What a pose takes from the photo, on a frame of (h, w) pixels.

    place: (1, h, w, 2), the photo's pixel (x, y) that each pixel shows. body: (1, h, w), how much of that one is the
    person. share: (1, h, w), how far it can be trusted to look the same in the new pose. clear: (1, h, w), how far it
    can be trusted that the person does not reach there.
    still: (1, h, w), 1 where nothing moves nearby, so that the photo is right as it is.
    """

    place: Tensor
    body: Tensor
    share: Tensor
    clear: Tensor
    still: Tensor


class PhotoPerson:
    """The person of a photo, ready to be carried to any number of poses.

    pose: (), in pixels of the photo. photo: (1, 3, h, w) in [-1, 1], on the CPU. body: (1, 1, h, w), how much of each
    pixel is them.
    Where a photo ends above the hips, and the new pose too, they are put straight below the shoulders, at a distance
    that the photo's shoulders tell.
    """

    def __init__(self, pose: Pose, photo: Tensor, body: Tensor) -> None:
        own = Pose.stack([pose])
        self._below = None if bool(own.visible[:, list(HIPS)].any()) else TRUNK * _shoulder_width(own)
        self.pose = _with_hips(own, self._below)
        self._grid = pixel_grid((photo.shape[-2], photo.shape[-1]), photo.device)
        self._distance = body_distances(self.pose, self._grid)
        self._body, self._own = body, owners(photo, body, self._distance)
        self._reached = reached(self.pose, body, self._distance, self._own)

    def carry(self, target: Pose) -> Carried:
        """Return what the pose (), in pixels of the same frame, takes from the photo.

        The photo's own pose leaves all of it as it is. Of other poses nothing is carried and nothing is still without
        both shoulders, or with hips in one of them alone.
        """
        wanted = Pose.stack([target])
        as_long = bool(wanted.visible[:, list(HIPS)].any()) == (self._below is None)
        wanted = _with_hips(wanted, self._below)
        height, width = self._grid.shape[:2]
        nothing = torch.zeros(1, height, width)
        if as_long and _same(self.pose, wanted):
            return Carried(self._grid[None], self._body[:, 0], nothing, nothing, nothing + 1)
        if not (as_long and bool((self.pose.valid & wanted.valid).all())):
            return Carried(self._grid[None], self._body[:, 0], nothing, nothing, nothing)
        affines, trust = part_motions(self.pose, wanted)
        known = trust >= 0
        distance = body_distances(wanted, self._grid)
        length = max(float(torso_scale(wanted)[0]), 1.0)
        places = affine_grid_pixels(affines, (height, width), (height, width))  # (10, h, w, 2)
        inside = self._inside(places)
        near = nearest_parts(distance, SHARPNESS)[0]
        # Legs that only the photo shows: what hangs over them goes on with the torso.
        legs = torch.zeros(PARTS, 1, 1, dtype=torch.bool)
        legs[LEGS, 0, 0] = ~known[LEGS]
        own = torch.where(legs & (distance[0] > 1e3), 0.0, self._own)
        own = own / own.sum(1, keepdim=True).clamp(min=1e-3)
        parts, place, agreement = self._fetched(near, places, inside, own, APART * length)
        trusted = trust.clamp(min=0)[:, None, None]
        share = (trusted * parts * torch.sigmoid((REACH - distance[0]) * 5)).sum(0) * self._inside(place)
        share = share * smoothstep(agreement, *AGREEING)
        # A part that the photo shows to end before background or another part ends there in the new pose too.
        ended = (1 - sample_pixels(self._reached[:, None], places)[:, 0]) * inside
        clear = (trusted * near * torch.sigmoid((BESIDE - distance[0]) * 5)).sum(0, keepdim=True)
        clear *= smoothstep((near * ended).sum(0), *AGREED)
        # But not in cracks between parts that the photo shows side by side.
        body = sample_pixels(self._body, place)[:, 0]
        clear *= 1 - closed(share * body, max(1, round(CRACK * length)))
        back = affine_grid_pixels(_inverse(affines), (height, width), (height, width))
        still = self._still(known, ((places, distance), (back, self._distance)), length)
        return Carried(place, body, share, clear, still)

    def _fetched(
        self, near: Tensor, places: Tensor, inside: Tensor, own: Tensor, apart: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return which part each pixel goes with (10, h, w), where it comes from (1, h, w, 2), and how surely (h, w).

        near: (10, h, w), how near it is to each part in the new pose. places: (10, h, w, 2), where each would fetch it,
        inside: (10, h, w), and whether that is in the photo. own: (1, 10, h, w), whose the photo's pixels are. apart:
        pixels. Where parts meet, it goes with the one that the photo shows at its place, and with both if they fetch it
        from less than so far apart. It is sure if what is shown there is a part that fetches it from there.
        """
        shown = sample_pixels((own * self._body)[0, :, None], places)[:, 0] * inside
        parts = near * (UNSHOWN + shown)
        parts = parts / parts.sum(0)
        between = (parts[..., None] * places).sum(0)
        spread = (parts * (places - between).square().sum(-1)).sum(0)
        one = places.gather(0, parts.argmax(0)[None, ..., None].expand(1, -1, -1, 2))[0]
        place = torch.where((spread < apart**2)[..., None], between, one)
        alike = torch.exp(-(places - place).square().sum(-1) / apart**2)
        return parts, place[None], (sample_pixels(own, place[None])[0] * alike).sum(0)

    def _inside(self, places: Tensor) -> Tensor:
        """Return which places (..., h, w, 2) lie in the photo."""
        height, width = self._grid.shape[:2]
        return ((places >= 0) & (places <= places.new_tensor([width - 1, height - 1]))).all(-1)

    def _still(self, known: Tensor, ways: Sequence[tuple[Tensor, Tensor]], length: float) -> Tensor:
        """Return how still it is around each pixel: (1, h, w).

        known: (10,), whether it is known where each part goes. ways: there and back, where each part moves each pixel,
        (10, h, w, 2), and how far that is from its bone before it moves, (1, 10, h, w). length: of the torso.
        """
        moved = torch.zeros(1, *self._grid.shape[:2])
        for places, distance in ways:
            gap = torch.where(known[:, None, None], (places - self._grid).square().sum(-1).sqrt(), torch.inf)
            near = torch.sigmoid((SURROUNDINGS - distance) * 8)
            moved = torch.maximum(moved, torch.where(near > 1e-4, near * gap, 0.0).amax(1))
        return torch.exp(-(moved / (STILL * length)).square())


def part_motions(source: Pose, target: Pose) -> tuple[Tensor, Tensor]:
    """Return how each part moves (10, 2, 3), target pixel to source pixel, and how far it can be trusted (10,).

    source, target: poses (1,) with a torso. The parts are those of `part_affines`, but the head is not stretched,
    nor a torso from the side. Trust
    is 1 for a part that moves, turns in the picture or grows, less for one that is stretched or turned out of the
    picture, nothing for all parts of a person who turned, and -1 for a part that one pose has and the other has not, or
    not so that the two can be compared.
    """
    affines = part_affines(source, target)[0]
    there = has_part(affines)  # however far: a shin drawn up in a large picture goes beyond half of NO_POINT
    scale = torso_scale(source)[0].float() / torso_scale(target)[0].float().clamp(min=1e-3)
    seen, asked = part_segments(source)[1], part_segments(target)[1]
    torso = torch.ones(1, dtype=torch.bool)
    both = torch.cat([torso, (seen & asked)[0]]) & there
    lost = torch.cat([torso, (seen | asked)[0]]) & ~both
    common = (take(source.visible, HEAD, -1) & take(target.visible, HEAD, -1))[0]
    if bool(both[1]) and bool(common.any()):
        faces = [torch.stack([take(p.xy, HEAD, -2)[0][common].mean(0), p.xy[0, 1]]) for p in (source, target)]
        affines[1] = _similarity(faces[0], faces[1], scale)
    narrow = max(abs(float(torso_width(pose))) for pose in (source, target)) < NARROW
    if narrow and not (bool(both[0]) and float(stretch(affines[:1, :, :2])) < STRETCHED):  # its corners tell too little
        affines[0], both[0], lost[0] = _similarity(trunk(source), trunk(target), scale), True, False
    affines = torch.where(both[:, None, None], affines, torch.eye(2, 3))
    stretched = stretch(affines[:, :, :2])
    trust = torch.exp(-((stretched - 1) / STRETCH).square()) * both
    turned = (torso_width(source) - torso_width(target)) / TURN
    trust[0] = torch.exp(-turned.square())[0]
    trust[1] = smoothstep(same_view_of_head(source, target)[0], *LOOKS) * both[1]
    trust[1:] *= trust[0]
    return affines, torch.where(lost, -1.0, trust)


def _same(pose: Pose, other: Pose) -> bool:
    """Return whether two poses (1,) are one, but for rounding."""
    seen = pose.visible
    near = bool(((pose.xy - other.xy)[seen].abs() < 1e-3).all())
    return near and torch.equal(seen, other.visible)


def _shoulder_width(pose: Pose) -> float:
    right, left = pose.xy[0, [2, 5]]
    return float((right - left).square().sum().sqrt())


def _with_hips(pose: Pose, below: float | None) -> Pose:
    """Return a pose (1,) with a single missing hip guessed, or with both hips so many pixels below the shoulders."""
    xy, visible = pose.xy.clone(), pose.visible.clone()
    if below is None:
        guess, _ = guess_missing(pose)
        for hip in HIPS:
            xy[:, hip], visible[:, hip] = guess.xy[:, hip], guess.visible[:, hip]
    else:
        for hip, shoulder in zip(HIPS, (2, 5), strict=True):
            xy[:, hip], visible[:, hip] = xy[:, shoulder] + xy.new_tensor([0.0, below]), visible[:, shoulder]
    return Pose(xy, visible)


def _similarity(source: Tensor, target: Tensor, scale: Tensor) -> Tensor:
    """Return (2, 3) that turns, scales and moves a segment (2, 2) of the target onto that of the source."""
    a, b = source[1] - source[0], target[1] - target[0]
    angle = torch.atan2(a[1], a[0]) - torch.atan2(b[1], b[0])
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    linear = torch.stack([torch.stack([cosine, -sine]), torch.stack([sine, cosine])])
    return torch.cat([linear, (source.mean(0) - linear @ target.mean(0))[:, None]], 1)


def _inverse(affines: Tensor) -> Tensor:
    """Return the affines (P, 2, 3) backwards; where one has no inverse, far away."""
    (a, b, x), (c, d, y) = (row.unbind(-1) for row in affines.unbind(-2))
    area = a * d - b * c
    area = torch.where(area.abs() < 1e-8, 1e-8, area)
    linear = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2) / area[:, None, None]
    return torch.cat([linear, -(linear @ torch.stack([x, y], -1)[..., None])], -1)
