"""Batched triangle rasteriser with a z-buffer, in plain torch on the CPU.

Exists because grids of small triangles render people well and fast without a graphics library. It interpolates nothing but depth:
the caller gathers its own vertex attributes with the returned barycentric weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

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
def grid_faces(shapes: tuple[tuple[int, int], ...]) -> tuple[Tensor, Tensor]:
    """Triangles (F, 3) over the concatenated vertices of (rows, columns) grids, and the grid of each triangle (F,)."""
    faces, owner = [], []
    start = 0
    for number, (rows, columns) in enumerate(shapes):
        index = start + torch.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        both = torch.cat((torch.stack((a, c, b), -1).reshape(-1, 3), torch.stack((b, c, d), -1).reshape(-1, 3)))
        faces.append(both)
        owner.append(torch.full((both.shape[0],), number))
        start += rows * columns
    return torch.cat(faces), torch.cat(owner)


def rasterise(
    screen: Tensor, depth: Tensor, faces: Tensor, keep: Tensor, two_sided: Tensor, size: tuple[int, int], span: tuple[float, float]
) -> Fragments:
    """Draw triangles; `screen` (B, V, 2) in samples (first centre at 0), `depth` (B, V) grows away from the camera within `span`.

    `keep` (B, F) selects faces, `two_sided` (F,) those whose back is drawn too. A face is frontal when its corners run
    counter-clockwise in a y-up view.
    """
    batch, count = depth.shape
    height, width = size
    # Snapping to 1/64 sample makes the edge functions exact, so neighbouring triangles leave no gaps.
    corner = ((screen * 64).round() / 64)[:, faces]
    first, second, third = corner.unbind(2)
    area = (second[..., 0] - first[..., 0]) * (third[..., 1] - first[..., 1]) - (third[..., 0] - first[..., 0]) * (
        second[..., 1] - first[..., 1]
    )
    low = corner.amin(2).ceil()
    high = corner.amax(2).floor()
    low = low.clamp(min=0)
    high = torch.minimum(high, torch.tensor([width - 1.0, height - 1.0]))
    drawn = keep & ((area < 0) | (two_sided & (area > 0))) & (high >= low).all(-1)
    item, face = drawn.nonzero(as_tuple=True)
    low, high = low[item, face], high[item, face]
    vertex = faces[face] + (item * count).unsqueeze(-1)
    planes = _planes(first[item, face] - low, second[item, face] - low, third[item, face] - low, area[item, face])
    corner_depth = depth.reshape(-1)[vertex]
    step = high - low + 1
    cells = (step[:, 0] * step[:, 1]).long()
    owner = torch.repeat_interleave(torch.arange(len(cells)), cells)
    local = (torch.arange(len(owner)) - (cells.cumsum(0) - cells)[owner]).to(torch.float32)
    across = step[owner, 0]
    y = ((local + 0.5) / across).floor()
    x = local - y * across
    plane = planes[owner]
    w0 = plane[:, 0] * x + plane[:, 1] * y + plane[:, 2]
    w1 = plane[:, 3] * x + plane[:, 4] * y + plane[:, 5]
    inside = (torch.minimum(torch.minimum(w0, w1), 1 - w0 - w1) >= -1e-5).nonzero()[:, 0]
    owner, x, y, w0, w1 = owner[inside], x[inside], y[inside], w0[inside], w1[inside]
    z = corner_depth[owner]
    z = w0 * z[:, 0] + w1 * z[:, 1] + (1 - w0 - w1) * z[:, 2]
    level = ((z - span[0]) / (span[1] - span[0])).clamp(0, 1) * (_DEPTH_STEPS - 1)
    sample = item[owner] * (height * width) + (y + low[owner, 1]).long() * width + (x + low[owner, 0]).long()
    key = (level.long() << 40) | torch.arange(len(owner))
    nearest = torch.full((batch * height * width,), _EMPTY).scatter_reduce_(0, sample, key, "amin")
    covered = (nearest != _EMPTY).nonzero()[:, 0]
    winner = nearest[covered] & ((1 << 40) - 1)
    buffer = torch.full((batch * height * width,), torch.inf)
    buffer[covered] = z[winner]
    triangle = owner[winner]
    weight = torch.stack((w0[winner], w1[winner], 1 - w0[winner] - w1[winner]), -1)
    return Fragments(covered, item[triangle], face[triangle], vertex[triangle], weight, buffer.reshape(batch, height, width))


def _planes(first: Tensor, second: Tensor, third: Tensor, area: Tensor) -> Tensor:
    """Coefficients (N, 6) of the first two barycentric weights as affine functions of x and y."""

    def weight(start: Tensor, end: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dx, dy = end[:, 0] - start[:, 0], end[:, 1] - start[:, 1]
        return -dy / area, dx / area, (dy * start[:, 0] - dx * start[:, 1]) / area

    return torch.stack((*weight(second, third), *weight(third, first)), -1)
