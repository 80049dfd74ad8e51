"""What may stand behind a person: the background beside them moved sideways, its edges joined smoothly to the photo.

Moved sideways only, so that pavements, kerbs and the foot of a wall stay level. Joined as in Poisson image editing
(Pérez, Gangnet and Blake 2003): the difference at the edge is spread smoothly over what is filled in.
"""

from __future__ import annotations

from math import ceil, sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.images import scaled
from posegan.inference.matte import membrane
from posegan.pose import Size

ROWS = 128  # of the picture in which the place is sought
LARGE = 512  # rows of the one in which the gap is filled, at most
STEPS = 48  # places that are tried on each side
RING = 5  # pixels of the small picture around the gap that are compared
ALIKE = 1e-3  # mean squared difference of colours that does not count: more of the gap does
FREE = 0.25  # of the gap that free background must cover
THING = 0.1  # difference of colours in [-1, 1] within a row at which something counts as a thing, not as ground
STRANGE = 0.4  # and difference from what is smooth
WIDE = 3  # pixels of the small picture on each side over which both are averaged
SIDES = 2  # places that one gap is filled from
BAR = 0.03  # difference of colours in [-1, 1] up to which columns at the photo's sides are one plain bar


def filled(photo: Tensor, gap: Tensor) -> Tensor:
    """Return a photo (1, 3, h, w) in [-1, 1] whose gap (1, h, w) bool is filled from beside it.

    Smoothly from around where nothing beside it is free: where the gap is wide or reaches across the photo. All is
    decided in a small picture of a large photo; its detail comes from the same places beside the gap, at full size.
    """
    if not bool(gap.any()):
        return photo
    factor = _factor((photo.shape[-2], photo.shape[-1]))
    known = (~gap[:, None]).float()
    share = F.avg_pool2d(known, factor, ceil_mode=True)
    small = F.avg_pool2d(photo * known, factor, ceil_mode=True) / share.clamp(min=1e-6)
    rest, sources = _sources(small, share <= 0.5, _bars(small) & (share > 0.5))
    box = _box_around(share[0, 0] < 1)
    rows, columns = (slice(factor * side.start, factor * side.stop) for side in box)
    here, x = photo[..., rows, columns], torch.arange(photo.shape[-1])[columns]

    def grown(image: Tensor) -> Tensor:
        large = F.interpolate(image[..., box[0], box[1]], scale_factor=factor, mode="bilinear")
        return large[..., : here.shape[-2], : here.shape[-1]]

    made = grown(rest)
    for shift, part in sources:
        beside = (x - factor * shift).clamp(0, photo.shape[-1] - 1)  # outside the photo the part is 0
        made.addcmul_(grown(part), photo[..., rows, :][..., beside])
    result = photo.clone()
    result[..., rows, columns] = torch.where(gap[:, None, rows, columns], made.clamp_(-1, 1), here)
    return result


def _sources(photo: Tensor, gap: Tensor, bars: Tensor) -> tuple[Tensor, list[tuple[int, Tensor]]]:
    """Return what the gap (1, 1, h, w) of a photo (1, 3, h, w) is filled with, nothing of it from its bars: a sum.

    The smooth rest (1, 3, h, w), and of places by how many pixels to the left they are the part (1, 1, h, w) that is
    taken from them at each pixel.
    """
    made, left, taken = membrane(photo, ~gap), gap, gap | bars
    sources: list[tuple[int, Tensor]] = []
    for _ in range(SIDES):
        shift = _best_shift(photo, taken, left)
        if not shift:
            break
        moved, free = _moved(photo, shift), _moved(~taken, shift)
        joined = (moved + membrane(photo - moved, ~gap & free)).clamp(-1, 1)
        free = _inner(free) & left
        part = _soft(free) * _ground(joined - made, free)
        made = made + part * (joined - made)
        sources = [(place, other * (1 - part)) for place, other in sources] + [(shift, part)]
        left = left & ~free
    for shift, part in sources:
        made = made - part * _moved(photo, shift)
    return made, sources


def _bars(photo: Tensor) -> Tensor:
    """Return which columns of a photo (1, 3, h, w) are of one colour up to its sides: (1, 1, 1, w) bool.

    They may be a margin, which is no part of the scene; behind a plain wall as well what is smooth does.
    """

    def from_left(image: Tensor) -> Tensor:
        return ((image - image[..., :1, :1]).abs() <= BAR).all(1).all(1).cumprod(-1).bool()

    return (from_left(photo) | from_left(photo.flip(-1)).flip(-1))[:, None, None]


def _best_shift(photo: Tensor, closed: Tensor, left: Tensor) -> int:
    """Return by how many pixels to the left the background stands that fits best into what is `left` of a gap.

    0 if none is free. Both are (1, 1, h, w) bool.
    """
    size = photo.shape[-2], photo.shape[-1]
    small = _shrunk(size, ROWS)
    picture = F.interpolate(photo, small, mode="area")
    gap, wanted = (F.interpolate(mask.float(), small, mode="area") > 0 for mask in (closed, left))
    reach = 2 * RING + 1
    ring = (F.max_pool2d(wanted.float(), reach, 1, RING) > 0) & ~gap
    best, least = 0, float("inf")
    step = max(1, small[1] // STEPS)
    for size_of_step in range(step, small[1], step):
        for shift in (size_of_step, -size_of_step):
            free = _moved(~gap, shift)
            share = float((free & wanted).sum()) / max(float(wanted.sum()), 1.0)
            if share < FREE:
                continue
            seen = free & ring
            apart = (_moved(picture, shift) - picture).square().mean(1, keepdim=True)
            error = (float(apart[seen].mean()) + ALIKE) / share**2 if bool(seen.any()) else float("inf")
            if error < least:
                best, least = shift, error
    return round(best * size[1] / small[1])


def _moved(image: Tensor, shift: int) -> Tensor:
    """Return an image (1, C, h, w) with what stands `shift` pixels to the left of each pixel; 0 from outside."""
    moved = torch.zeros_like(image)
    if shift > 0:
        moved[..., shift:] = image[..., :-shift]
    else:
        moved[..., :shift] = image[..., -shift:]
    return moved


def _ground(change: Tensor, free: Tensor) -> Tensor:
    """Return how far a change (1, 3, h, w) is of the ground (1, 1, h, w): near 0 where a thing stands beside.

    A thing differs from what is smooth, and in its rows from what else is `free` (1, 1, h, w).
    """
    size = change.shape[-2], change.shape[-1]
    small = _shrunk(size, ROWS)
    inside = F.interpolate(free.float(), small, mode="area")
    near = F.interpolate(change * free, small, mode="area") / inside.clamp(min=1e-3)
    near = F.avg_pool2d(F.pad(near, (WIDE, WIDE, WIDE, WIDE), mode="replicate"), 2 * WIDE + 1, 1)
    rows = (near * inside).sum(-1, keepdim=True) / inside.sum(-1, keepdim=True).clamp(min=1e-3)
    apart = (near - rows).square().mean(1, keepdim=True) / THING**2 + near.square().mean(1, keepdim=True) / STRANGE**2
    return F.interpolate(torch.exp(-apart), size, mode="bilinear")


def _shrunk(size: Size, rows: int) -> Size:
    """Return an (h, w) in the proportions of another one: of at most so many rows, and not many more pixels."""
    factor = min(1.0, rows / size[0], (2 * rows**2 / (size[0] * size[1])) ** 0.5)
    return scaled(size, factor)


def _factor(size: Size) -> int:
    """Return how many pixels of a photo (h, w) go into one of the small picture, along each side."""
    return ceil(max(1, size[0] / LARGE, sqrt(size[0] * size[1] / 2) / LARGE))


def _box_around(mask: Tensor) -> tuple[slice, slice]:
    """Return rows and columns of the box around what is set of a mask (h, w), with a pixel more on each side."""
    lines = (mask.any(1 - axis).nonzero()[:, 0] for axis in (0, 1))
    rows, columns = (slice(max(int(line[0]) - 1, 0), int(line[-1]) + 2) for line in lines)
    return rows, columns


def _inner(mask: Tensor) -> Tensor:
    """Return a mask (1, 1, h, w) without the pixels at its edges."""
    outside = F.max_pool2d((~mask).float(), (9, 1), 1, (4, 0))
    return F.max_pool2d(outside, (1, 9), 1, (0, 4)) == 0


def _soft(mask: Tensor) -> Tensor:
    """Return a mask (1, 1, h, w) as float, blurred over a few pixels."""
    wide = F.pad(mask.float(), (3, 3, 3, 3), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(wide, (7, 1), 1), (1, 7), 1)
