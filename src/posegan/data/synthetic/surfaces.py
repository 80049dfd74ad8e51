"""Swept surface grids: the one geometric primitive that synthetic people are made of.

Exists so that every body part and garment is a (rows, columns) grid with known body coordinates, which makes texture,
normals and correspondence the same for all of them. It knows no anatomy (figure.py, head.py, garments.py) and no pixels
(raster.py).

Rows run from the top of a part down, columns around it from the back over the right side (-x), the front (angle 0)
and the left. Vectors lie along the first axis, (3, B, R, C): tensor operations are several times faster on long last
axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import pi

import torch
from torch import Tensor

# Grid ids; `surface` maps report id + 1, so 0 means background.
(TORSO, TOP, SKIRT, NECK, COLLAR, HEAD, HAIR, TAIL, HAT, BAG, SEAT, ARM_R, ARM_L, SLEEVE_R, SLEEVE_L, LEG_R, LEG_L,
 TROUSER_R, TROUSER_L, SHOE_R, SHOE_L, THUMB_R, THUMB_L) = range(23)  # fmt: skip
PARTS = 23

# Material slots of a person.
(
    SKIN,
    HAIR_SLOT,
    TOP_SLOT,
    INNER_SLOT,
    BOTTOM_SLOT,
    SHOE_SLOT,
    BAG_SLOT,
    HAT_SLOT,
    COLLAR_SLOT,
    LEG_SLOT,
    SEAT_SLOT,
    SLEEVE_SLOT,
) = range(12)
SLOTS = 12


@dataclass(frozen=True)
class Grid:
    """One surface: `points` (3, B, R, C) metres, `coords` (2, B or 1, R, C) metres around (from the front) and along
    the part; the last column meets the first.
    """

    part: int
    slot: int | Tensor  # material, the same for all or (B,)
    points: Tensor
    coords: Tensor
    present: Tensor  # (B,) bool
    inside: int = 0  # the number of last rows whose inner side can be seen
    doubled: bool = False  # the two middle columns lie in the same place


@dataclass(frozen=True)
class Detail:
    """How finely grids are cut: in full for a picture height of 256 pixels, coarser for smaller pictures."""

    height: int

    def columns(self, full: int) -> int:
        """An even number of columns around a part."""
        return 2 * round(full * self._share() / 2)

    def rows(self, full: int) -> int:
        """A number of rows along a part, which carries more relief than the way around it."""
        share: float = self._share() ** 0.7
        return round(full * share)

    def _share(self) -> float:
        return min(max(self.height / 256, 0.4), 1.0)


class Profile:
    """Smooth curves through control points, tabulated: call with stations (...) to get (channels, ...)."""

    def __init__(self, knots: Sequence[tuple[float, ...]], samples: int = 192) -> None:
        knots = sorted(knots)
        self._low, self._high = knots[0][0], knots[-1][0]
        self._samples = samples
        rows = []
        for index in range(samples):
            at = self._low + (self._high - self._low) * index / (samples - 1)
            left = max(i for i in range(len(knots) - 1) if knots[i][0] <= at + 1e-9)
            rows.append(self._cubic(knots, left, at))
        self._table = torch.tensor(rows, dtype=torch.float32).t().contiguous()

    @staticmethod
    def _cubic(knots: Sequence[tuple[float, ...]], left: int, at: float) -> list[float]:
        """Cubic Hermite with finite-difference slopes, which does not overshoot visibly for body profiles."""
        before, start, end = knots[max(left - 1, 0)], knots[left], knots[left + 1]
        after = knots[min(left + 2, len(knots) - 1)]
        span = end[0] - start[0]
        t = (at - start[0]) / span
        values = []
        for channel in range(1, len(start)):
            slope_start = (end[channel] - before[channel]) / (end[0] - before[0]) * span
            slope_end = (after[channel] - start[channel]) / (after[0] - start[0]) * span
            values.append(
                (2 * t**3 - 3 * t**2 + 1) * start[channel]
                + (t**3 - 2 * t**2 + t) * slope_start
                + (3 * t**2 - 2 * t**3) * end[channel]
                + (t**3 - t**2) * slope_end
            )
        return values

    def __call__(self, station: Tensor) -> Tensor:
        """Values (channels, ...) at stations (...)."""
        scale = (self._samples - 1) / (self._high - self._low)
        position = ((station.reshape(-1) - self._low) * scale).clamp_(0, self._samples - 1 - 1e-3)
        start = position.long()
        low, high = self._table.index_select(1, start), self._table.index_select(1, start + 1)
        return torch.lerp(low, high, position - start).reshape(-1, *station.shape)


def lead(vector: Tensor) -> Tensor:
    """Move the coordinates of vectors (..., 3) to the first axis."""
    return vector.movedim(-1, 0).contiguous()


def unit(vector: Tensor) -> Tensor:
    """Normalise vectors (3, ...)."""
    length = vector.square().sum(0).sqrt_()
    return vector / length.clamp_(min=1e-6)


def dot(first: Tensor, second: Tensor) -> Tensor:
    """Inner products (...) of vectors (3, ...)."""
    return (first * second).sum(0)


def cross(first: Tensor, second: Tensor) -> Tensor:
    """Outer products (3, ...) of vectors (3, ...)."""
    (a, b, c), (d, e, f) = first.unbind(0), second.unbind(0)
    return torch.stack((b * f - c * e, c * d - a * f, a * e - b * d))


def turn(frame: Tensor, vector: Tensor) -> Tensor:
    """Rotate vectors (3, B, ...) by frames (B, 3, 3)."""
    axes = frame.permute(1, 2, 0).reshape(3, 3, frame.shape[0], *(1,) * (vector.ndim - 2))
    return (axes[:, 0] * vector[0]).addcmul_(axes[:, 1], vector[1]).addcmul_(axes[:, 2], vector[2])


def rows_between(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Evenly spaced stations (B, count) from `start` to `end`, (B,) each."""
    return start[:, None] + (end - start)[:, None] * torch.linspace(0, 1, count)


def around(columns: int, front: float = 0.0) -> Tensor:
    """Column angles (columns + 1,) from -pi to pi, drawn together around the front for `front` in [0, 1)."""
    even = torch.linspace(-pi, pi, columns + 1)
    return even - front * torch.sin(even)


def path_at(joints: Tensor, station: Tensor, rounding: float = 0.16) -> Tensor:
    """Points (3, B, R) at stations (B or 1, R) of the polyline through `joints` (3, B, K), with its corners rounded."""
    # The polyline goes on straight beyond its ends; each joint then has a tent of influence.
    before, after = 2 * joints[..., :1] - joints[..., 1:2], 2 * joints[..., -1:] - joints[..., -2:-1]
    joints = torch.cat((before, joints, after), 2)
    place = torch.arange(-1.0, joints.shape[2] - 1)[:, None]
    at = station[:, None] - place
    share = torch.zeros(())
    for offset, weight in ((-1.0, 0.15), (-0.5, 0.2), (0.0, 0.3), (0.5, 0.2), (1.0, 0.15)):
        share = share + (1 - (at + offset * rounding).abs_()).clamp_(min=0) * weight
    total = share[:, 0] * joints[..., :1]
    for joint in range(1, joints.shape[2]):
        total.addcmul_(share[:, joint], joints[..., joint : joint + 1])
    return total


def tangents(path: Tensor) -> Tensor:
    """Unit tangents (3, B, R) of a sampled path."""
    ends = path[..., 1:2] - path[..., :1], path[..., -1:] - path[..., -2:-1]
    return unit(torch.cat((ends[0], path[..., 2:] - path[..., :-2], ends[1]), 2))


def frames_along(tangent: Tensor, axis: Tensor, fixed_from: int) -> tuple[Tensor, Tensor]:
    """Lateral and frontal unit axes (3, B, R) of the cross-sections.

    From row `fixed_from` on the lateral axis follows `axis` (3, B, R); the rows before it do not twist, because a
    hinge axis can be parallel to the path there (the inner shoulder).
    """
    front = unit(cross(tangent, axis))  # -(axis x tangent) with the path running down: axis x up
    for row in range(fixed_from - 1, -1, -1):
        below, along = front[..., row + 1], tangent[..., row]
        front[..., row] = unit(below - along * dot(below, along))
    return unit(cross(front, tangent)), front


@lru_cache(maxsize=64)
def _ring(columns: int, power: float) -> tuple[Tensor, Tensor]:
    angle = around(columns)
    return powered(angle.sin(), power), powered(angle.cos(), power)


def powered(value: Tensor, power: float) -> Tensor:
    """A signed power of sines and cosines; below 1 it makes a cross-section squarer than an ellipse."""
    return value if power == 1.0 else value.sign() * value.abs().clamp(min=1e-6) ** power


def sweep(centre: Tensor, lateral: Tensor, frontal: Tensor, size: Tensor, columns: int, power: float = 1.0) -> Tensor:
    """Grid points (3, B, R, columns + 1); `size` (3, B, R) or (3, B, R, columns + 1) holds half-width, front and back
    depth. See `powered`.
    """
    sine, cosine = _ring(columns, power)
    size = size if size.ndim == 4 else size.unsqueeze(-1)
    depth = size[1] * cosine.clamp(min=0) + size[2] * cosine.clamp(max=0)
    points = centre.unsqueeze(-1) + lateral.unsqueeze(-1) * (size[0] * sine)
    return points.addcmul_(frontal.unsqueeze(-1), depth)


def part_coords(columns: int, radius: float, along: Tensor) -> Tensor:
    """Body coordinates (2, B, R, columns + 1) in metres: angles times a nominal radius, and `along` (B, R)."""
    shape = (*along.shape, columns + 1)
    return torch.stack(((around(columns) * radius).expand(shape), along.unsqueeze(-1).expand(shape)))


@lru_cache(maxsize=8)
def neighbours(shapes: tuple[tuple[int, int, bool], ...]) -> Tensor:
    """The vertices above, below, left and right (4 * V,) of each vertex of concatenated grids.

    `shapes` holds rows, columns and whether the middle columns are doubled; columns that lie in the same place have
    the same neighbours, which welds the seams.
    """
    found: list[list[Tensor]] = [[], [], [], []]
    start = 0
    for rows, columns, doubled in shapes:
        row, column = torch.arange(rows)[:, None], torch.arange(columns)
        left, right = column - 1, column + 1
        left[0], right[-1] = columns - 2, 1
        if doubled:
            middle = columns // 2
            right[middle - 1], left[middle] = middle + 1, middle - 2
        for place, (line, across) in zip(
            found,
            (((row - 1).clamp(min=0), column), ((row + 1).clamp(max=rows - 1), column), (row, left), (row, right)),
            strict=True,
        ):
            place.append((start + line * columns + across).reshape(-1))
        start += rows * columns
    return torch.cat([torch.cat(places) for places in found])


def grid_normals(points: Tensor, neighbour: Tensor) -> Tensor:
    """Outward unit normals (3, B, V) of concatenated grids (3, B, V) by central differences between `neighbours`."""
    above, below, left, right = (
        points.flatten(0, 1).index_select(1, neighbour).reshape(3, points.shape[1], 4, -1).unbind(2)
    )
    return unit(cross(below - above, right - left))
