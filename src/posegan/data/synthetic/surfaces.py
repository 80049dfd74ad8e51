"""Swept surface grids: the one geometric primitive that synthetic people are made of.

Exists so that every body part and garment is a (rows, columns) grid with known body coordinates, which makes texture,
normals and correspondence the same for all of them. It knows no anatomy (figure.py, head.py, garments.py) and no pixels
(raster.py).

Rows run from the top of a part down, columns around it from the back over the right side (-x), the front (angle 0)
and the left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic.kinematics import unit

# Grid ids; `surface` maps report id + 1, so 0 means background.
(TORSO, TOP, SKIRT, NECK, COLLAR, HEAD, HAIR, TAIL, HAT, BAG, SEAT, ARM_R, ARM_L, SLEEVE_R, SLEEVE_L, LEG_R, LEG_L,
 TROUSER_R, TROUSER_L, SHOE_R, SHOE_L, THUMB_R, THUMB_L) = range(23)  # fmt: skip

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
    """One surface: `points` (B, R, C, 3) metres, `coords` (B or 1, R, C, 2) metres around (from the front) and along
    the part.
    """

    part: int
    slot: int | Tensor  # material, the same for all or (B,)
    points: Tensor
    coords: Tensor
    present: Tensor  # (B,) bool
    inside: int = 0  # the number of last rows whose inner side can be seen


class Profile:
    """Smooth curves through control points, tabulated: call with stations (B, R) to get (..., channels)."""

    def __init__(self, knots: Sequence[tuple[float, ...]], samples: int = 192) -> None:
        knots = sorted(knots)
        self._low, self._high = knots[0][0], knots[-1][0]
        self._samples = samples
        rows = []
        for index in range(samples):
            at = self._low + (self._high - self._low) * index / (samples - 1)
            left = max(i for i in range(len(knots) - 1) if knots[i][0] <= at + 1e-9)
            rows.append(self._cubic(knots, left, at))
        self.table = torch.tensor(rows, dtype=torch.float32)

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
        """Values (..., channels) at stations (...)."""
        position = ((station - self._low) / (self._high - self._low)).clamp(0, 1) * (self._samples - 1)
        index = position.floor().clamp(max=self._samples - 2)
        fraction = (position - index).unsqueeze(-1)
        start = index.long()
        return torch.lerp(self.table[start], self.table[start + 1], fraction)


def rows_between(start: Tensor, end: Tensor, count: int) -> Tensor:
    """Evenly spaced stations (B, count) from `start` to `end`, (B,) each."""
    return start[:, None] + (end - start)[:, None] * torch.linspace(0, 1, count)


def around(columns: int, front: float = 0.0) -> Tensor:
    """Column angles (columns + 1,) from -pi to pi, drawn together around the front for `front` in [0, 1)."""
    even = torch.linspace(-pi, pi, columns + 1)
    return even - front * torch.sin(even)


def path_at(joints: Tensor, station: Tensor, rounding: float = 0.16) -> Tensor:
    """Points (B, R, 3) at stations (B, R) of the polyline through `joints` (B, K, 3), with its corners rounded."""
    total = torch.zeros(*station.shape, 3)
    for offset, weight in ((-1.0, 0.15), (-0.5, 0.2), (0.0, 0.3), (0.5, 0.2), (1.0, 0.15)):
        at = station + offset * rounding
        index = at.floor().clamp(0, joints.shape[1] - 2)
        fraction = (at - index).unsqueeze(-1)
        start = index.long().unsqueeze(-1).expand(-1, -1, 3)
        total = total + weight * torch.lerp(joints.gather(1, start), joints.gather(1, start + 1), fraction)
    return total


def tangents(path: Tensor) -> Tensor:
    """Unit tangents (B, R, 3) of a sampled path."""
    inner = path[:, 2:] - path[:, :-2]
    return unit(torch.cat((path[:, 1:2] - path[:, :1], inner, path[:, -1:] - path[:, -2:-1]), 1))


def frames_along(tangent: Tensor, axis: Tensor, fixed_from: int) -> tuple[Tensor, Tensor]:
    """Lateral and frontal unit axes (B, R, 3) of the cross-sections.

    From row `fixed_from` on the lateral axis follows `axis` (B, R, 3); the rows before it do not twist, because a
    hinge axis can be parallel to the path there (the inner shoulder).
    """
    front = torch.linalg.cross(tangent, axis)  # -(axis x tangent) with the path running down: axis x up
    rows = list(unit(front).unbind(1))
    for row in range(fixed_from - 1, -1, -1):
        below = rows[row + 1]
        rows[row] = unit(below - tangent[:, row] * (below * tangent[:, row]).sum(-1, keepdim=True))
    front = torch.stack(rows, 1)
    return unit(torch.linalg.cross(front, tangent)), front


def sweep(centre: Tensor, lateral: Tensor, frontal: Tensor, size: Tensor, angle: Tensor, power: float = 1.0) -> Tensor:
    """Grid points (B, R, C, 3): `size` (B, R, 3) holds half-width, front and back depth; `angle` is (C,),
    (R, C) or (B, R, C).

    `power` below 1 makes the cross-section squarer than an ellipse.
    """
    sine, cosine = angle.sin(), angle.cos()
    if power != 1.0:
        sine = sine.sign() * sine.abs().clamp(min=1e-6) ** power
        cosine = cosine.sign() * cosine.abs().clamp(min=1e-6) ** power
    across = size[..., 0:1] * sine
    depth = torch.where(cosine > 0, size[..., 1:2], size[..., 2:3]) * cosine
    return (
        centre.unsqueeze(2) + across.unsqueeze(-1) * lateral.unsqueeze(2) + depth.unsqueeze(-1) * frontal.unsqueeze(2)
    )


def part_coords(angle: Tensor, radius: Tensor | float, along: Tensor) -> Tensor:
    """Body coordinates (B, R, C, 2) in metres: `angle` (..., R or 1, C) times a nominal radius, and `along` (B, R)."""
    along = along.unsqueeze(-1)
    across = angle * radius
    shape = torch.broadcast_shapes(across.shape, along.shape)
    return torch.stack((across.expand(shape), along.expand(shape)), -1)


def grid_normals(points: Tensor) -> Tensor:
    """Outward unit normals (B, R, C, 3) by central differences; a seam at the first and last column is welded."""
    down = torch.empty_like(points)
    down[:, 1:-1] = points[:, 2:] - points[:, :-2]
    down[:, 0], down[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    side = torch.empty_like(points)
    side[:, :, 1:-1] = points[:, :, 2:] - points[:, :, :-2]
    side[:, :, 0], side[:, :, -1] = points[:, :, 1] - points[:, :, 0], points[:, :, -1] - points[:, :, -2]
    closed = (points[:, :, :1] - points[:, :, -1:]).norm(dim=-1, keepdim=True) < 1e-5
    seam = points[:, :, 1] - points[:, :, -2]
    side[:, :, 0] = torch.where(closed[:, :, 0], seam, side[:, :, 0])
    side[:, :, -1] = torch.where(closed[:, :, 0], seam, side[:, :, -1])
    return unit(torch.linalg.cross(down, side))


def wrinkle(grid: Tensor, normal: Tensor, height: Tensor) -> Tensor:
    """Displace grid points (B, R, C, 3) along their normals by `height` (B, R, C) metres."""
    return grid + normal * height.unsqueeze(-1)
