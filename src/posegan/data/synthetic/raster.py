"""Batched triangle rasteriser with a z-buffer, in plain torch on the CPU.

Exists because grids of small triangles render people well and fast without a graphics library. It interpolates
nothing but depth: the caller gathers its own vertex attributes with the returned barycentric weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

SUPERSAMPLE = 2  # samples per pixel along each axis
_DEPTH_STEPS = 1 << 22
_EMPTY = torch.iinfo(torch.int64).max


@dataclass(frozen=True)
class Fragments:
    """The nearest surface at each covered sample, P in all, and the depth buffer."""

    sample: Tensor  # (P,) flat index into (B, H, W)
    item: Tensor  # (P,)
    face: Tensor  # (P,)
    vertex: Tensor  # (P, 3) flat index into (B, V)
    weight: Tensor  # (P, 3) barycentric weights
    depth: Tensor  # (B, H, W) in the caller's units, inf where empty


@lru_cache(maxsize=8)
def grid_faces(shapes: tuple[tuple[int, int, int], ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Triangles (F, 3) over the concatenated vertices of grids, the grid of each (F,),
    and whether its back is drawn (F,).

    `shapes` holds rows, columns and the number of last rows whose back is drawn.
    """
    faces, owner, two_sided = [], [], []
    start = 0
    for number, (rows, columns, inside) in enumerate(shapes):
        index = start + torch.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        faces += [torch.stack((a, c, b), -1).reshape(-1, 3), torch.stack((b, c, d), -1).reshape(-1, 3)]
        cells = (rows - 1) * (columns - 1)
        owner.append(torch.full((2 * cells,), number))
        row = torch.arange(rows - 1).repeat_interleave(columns - 1)
        two_sided.append((row >= rows - 1 - inside).repeat(2))
        start += rows * columns
    return torch.cat(faces), torch.cat(owner), torch.cat(two_sided)


def rasterise(
    screen: Tensor,
    depth: Tensor,
    faces: Tensor,
    keep: Tensor,
    two_sided: Tensor,
    size: tuple[int, int],
    span: tuple[float, float],
) -> Fragments:
    """Draw triangles; `screen` (B, V, 2) in samples (first centre at 0),
    `depth` (B, V) grows away from the camera within `span`.

    `keep` (B, F) selects faces, `two_sided` (F,) those whose back is drawn too. A face is frontal when its corners run
    counter-clockwise in a y-up view.
    """
    batch, count = depth.shape
    height, width = size
    item, face = keep.nonzero(as_tuple=True)
    vertex = faces.index_select(0, face) + (item * count).unsqueeze(-1)
    # Snapping to 1/64 sample makes the edge functions exact, so neighbouring triangles leave no gaps.
    flat = (screen.reshape(-1, 2) * 64).round() / 64
    # index_select moves whole rows; plain indexing is several times slower here.
    first, second, third = (flat.index_select(0, corner) for corner in vertex.unbind(1))
    to_second, to_third = second - first, third - first
    area = to_second[:, 0] * to_third[:, 1] - to_third[:, 0] * to_second[:, 1]
    low = torch.minimum(torch.minimum(first, second), third).ceil().clamp(min=0)
    high = torch.maximum(torch.maximum(first, second), third).floor()
    high = torch.minimum(high, torch.tensor([width - 1.0, height - 1.0]))
    span_x, span_y = (high - low).unbind(-1)
    drawn = (((area < 0) | (two_sided[face] & (area > 0))) & (span_x >= 0) & (span_y >= 0)).nonzero()[:, 0]
    item, face, vertex, low, high, first, second, third, area = (
        value.index_select(0, drawn) for value in (item, face, vertex, low, high, first, second, third, area)
    )
    planes = _planes(first - low, second - low, third - low, area, depth.reshape(-1).take(vertex))
    # Corner of the bounding box as a flat sample index.
    origin = item * (height * width) + low[:, 1].long() * width + low[:, 0].long()
    step = high - low + 1
    cells = (step[:, 0] * step[:, 1]).long()
    owner = torch.repeat_interleave(torch.arange(len(cells)), cells)
    local = (torch.arange(len(owner)) - (cells.cumsum(0) - cells).index_select(0, owner)).to(torch.float32)
    across = step[:, 0].index_select(0, owner)
    y = ((local + 0.5) / across).floor()
    x = local - y * across
    plane = planes.index_select(0, owner)
    w0 = plane[:, 0] * x + plane[:, 1] * y + plane[:, 2]
    w1 = plane[:, 3] * x + plane[:, 4] * y + plane[:, 5]
    inside = (torch.minimum(torch.minimum(w0, w1), 1 - w0 - w1) >= -1e-5).nonzero()[:, 0]
    z = plane[:, 6] * x + plane[:, 7] * y + plane[:, 8]
    owner, x, y, w0, w1, z = (value.index_select(0, inside) for value in (owner, x, y, w0, w1, z))
    level = ((z - span[0]) / (span[1] - span[0])).clamp(0, 1) * (_DEPTH_STEPS - 1)
    sample = origin.index_select(0, owner) + (y * width + x).long()
    key = (level.long() << 40) | torch.arange(len(owner))
    nearest = torch.full((batch * height * width,), _EMPTY).scatter_reduce_(0, sample, key, "amin")
    covered = (nearest != _EMPTY).nonzero()[:, 0]
    winner = nearest.index_select(0, covered) & ((1 << 40) - 1)
    buffer = torch.full((batch * height * width,), torch.inf)
    buffer[covered] = z.index_select(0, winner)
    triangle = owner.index_select(0, winner)
    w0, w1 = w0.index_select(0, winner), w1.index_select(0, winner)
    weight = torch.stack((w0, w1, 1 - w0 - w1), -1)
    item, face, vertex = (value.index_select(0, triangle) for value in (item, face, vertex))
    return Fragments(covered, item, face, vertex, weight, buffer.reshape(batch, height, width))


def _planes(first: Tensor, second: Tensor, third: Tensor, area: Tensor, depth: Tensor) -> Tensor:
    """Coefficients (N, 9) of the first two barycentric weights and of the depth (N, 3) as affine functions of x and
    y.
    """

    def weight(start: Tensor, end: Tensor) -> Tensor:
        dx, dy = end[:, 0] - start[:, 0], end[:, 1] - start[:, 1]
        return torch.stack((-dy / area, dx / area, (dy * start[:, 0] - dx * start[:, 1]) / area), -1)

    one, two = weight(second, third), weight(third, first)
    slope = one * (depth[:, :1] - depth[:, 2:]) + two * (depth[:, 1:2] - depth[:, 2:])
    slope[:, 2] += depth[:, 2]
    return torch.cat((one, two, slope), -1)
