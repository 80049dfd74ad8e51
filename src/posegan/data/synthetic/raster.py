"""Batched triangle rasteriser with a z-buffer, in plain torch on the CPU.

Exists because grids of small triangles render people well and fast without a graphics library. It interpolates
nothing but depth: the caller gathers its own vertex attributes with the returned barycentric weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

SUPERSAMPLE = 2  # samples per pixel along each axis; `Fragments.pixel` and `merge_samples` are written for 2
_DEPTH_STEPS = 1 << 22
_EMPTY = torch.iinfo(torch.int64).max
_WINDOWS = (2, 4, 7, 12, 24, 64, 256, 1024, 8192)  # samples
_EDGES = torch.tensor(_WINDOWS, dtype=torch.float32)
_COUNTING = torch.arange(8192, dtype=torch.float32)


@dataclass(frozen=True)
class Fragments:
    """The nearest surface at each covered sample, P in all, and the depth buffer."""

    sample: Tensor  # (P,) flat index into (B, H, W)
    item: Tensor  # (P,)
    face: Tensor  # (P,)
    vertex: Tensor  # (P, 3) flat index into (B, V)
    weight: Tensor  # (P, 3) barycentric weights
    depth: Tensor  # (B, H, W) in the caller's units, inf where empty

    def pick(self, chosen: Tensor) -> Fragments:
        """Some of the fragments, by their places (Q,)."""
        sample, item, face = (value.index_select(0, chosen) for value in (self.sample, self.item, self.face))
        vertex, weight = self.vertex.index_select(0, chosen), self.weight.index_select(0, chosen)
        return Fragments(sample, item, face, vertex, weight, self.depth)

    def pixel(self) -> tuple[Tensor, Tensor]:
        """The flat index (P,) into (B, H / 2, W / 2) of the pixel of each fragment, and its place 0 .. 3 in it."""
        _, height, width = self.depth.shape
        local = self.sample - self.item * (height * width)
        row = local // width
        column = local - row * width
        wide = width // 2
        pixel = self.item * (height // 2 * wide) + (row >> 1) * wide + (column >> 1)
        return pixel, ((row & 1) << 1) + (column & 1)


def merge_samples(pieces: Fragments, code: Tensor) -> tuple[Tensor, Tensor]:
    """One fragment for all samples of a pixel with equal `code` (P,) > 0: places (Q,) and numbers of samples (Q,).

    Shading the few instead of all samples keeps smooth outlines at a third of the cost.
    """
    batch, height, width = pieces.depth.shape
    every = torch.zeros(batch * height * width, dtype=torch.int32)
    every[pieces.sample] = code.to(torch.int32)
    four = every.reshape(batch, height // 2, 2, width // 2, 2)
    a, b, c, d = (four[:, :, row, :, column].reshape(-1) for row in (0, 1) for column in (0, 1))
    ab, ac, ad, bc, bd, cd = (same.to(torch.uint8) for same in (a == b, a == c, a == d, b == c, b == d, c == d))
    # The first of the equal samples speaks for them.
    counts = (1 + ab + ac + ad, (1 - ab) * (1 + bc + bd), (1 - (ac | bc)) * (1 + cd), 1 - (ad | bd | cd))
    pixel, place = pieces.pixel()
    count = torch.stack(counts, -1).reshape(-1).index_select(0, pixel * 4 + place)
    lead = count.nonzero()[:, 0]
    return lead, count.index_select(0, lead).to(torch.float32)


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
    places = keep.reshape(-1).nonzero()[:, 0]
    item = places // len(faces)
    face = places - item * len(faces)
    vertex = faces.index_select(0, face) + (item * count).unsqueeze(-1)
    # Snapping to 1/64 sample makes the edge functions exact, so neighbouring triangles leave no gaps.
    flat = (screen.reshape(-1, 2) * 64).round() / 64
    # index_select moves whole rows; plain indexing is several times slower here.
    first, second, third = (flat.index_select(0, corner) for corner in vertex.unbind(1))
    to_second, to_third = second - first, third - first
    area = to_second[:, 0] * to_third[:, 1] - to_third[:, 0] * to_second[:, 1]
    # Half of all faces are turned away: they go before anything else is computed.
    turned = ((area < 0) | (two_sided.index_select(0, face) & (area > 0))).nonzero()[:, 0]
    item, face, vertex, first, second, third, area = (
        value.index_select(0, turned) for value in (item, face, vertex, first, second, third, area)
    )
    low = torch.minimum(torch.minimum(first, second), third).ceil().clamp(min=0)
    high = torch.maximum(torch.maximum(first, second), third).floor()
    high = torch.minimum(high, torch.tensor([width - 1.0, height - 1.0]))
    span_x, span_y = (high - low).unbind(-1)
    drawn = ((span_x >= 0) & (span_y >= 0)).nonzero()[:, 0]
    item, face, vertex, low, high, first, second, third, area = (
        value.index_select(0, drawn) for value in (item, face, vertex, low, high, first, second, third, area)
    )
    planes = _planes(first - low, second - low, third - low, area, depth.reshape(-1).take(vertex))
    # Corner of the bounding box as a flat sample index.
    origin = item * (height * width) + low[:, 1].long() * width + low[:, 0].long()
    owner, x, y = _inside(planes, high - low + 1)
    plane = planes[:, 6:].contiguous().index_select(0, owner)
    column, line = x.to(torch.float32), y.to(torch.float32)
    z = plane[:, 0] * column + plane[:, 1] * line + plane[:, 2]
    level = ((z - span[0]) / (span[1] - span[0])).clamp(0, 1) * (_DEPTH_STEPS - 1)
    sample = origin.index_select(0, owner) + y * width + x
    key = (level.long() << 40) | torch.arange(len(owner))
    nearest = torch.full((batch * height * width,), _EMPTY).scatter_reduce_(0, sample, key, "amin")
    covered = (nearest != _EMPTY).nonzero()[:, 0]
    winner = nearest.index_select(0, covered) & ((1 << 40) - 1)
    buffer = torch.full((batch * height * width,), torch.inf)
    buffer[covered] = z.index_select(0, winner)
    triangle = owner.index_select(0, winner)
    # Only what is seen needs its barycentric weights.
    plane, column, line = (
        planes.index_select(0, triangle),
        column.index_select(0, winner),
        line.index_select(0, winner),
    )
    w0, w1 = (plane[:, k] * column + plane[:, k + 1] * line + plane[:, k + 2] for k in (0, 3))
    weight = torch.stack((w0, w1, 1 - w0 - w1), -1)
    item, face, vertex = (value.index_select(0, triangle) for value in (item, face, vertex))
    return Fragments(covered, item, face, vertex, weight, buffer.reshape(batch, height, width))


def _inside(planes: Tensor, extent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Triangle, x and y of every sample inside a triangle, counted from the corner of its bounding box (N, 2).

    Triangles of similar extent are tested together on one window: per sample that costs three additions and no gather.
    """
    bucket = torch.searchsorted(_EDGES, extent)
    code = bucket[:, 0] * len(_WINDOWS) + bucket[:, 1]
    order = code.argsort()
    found = []
    start = 0
    codes, counts = torch.unique_consecutive(code.index_select(0, order), return_counts=True)
    for value, count in zip(codes.tolist(), counts.tolist(), strict=True):
        chosen = order[start : start + count]
        start += count
        across, down = (_COUNTING[: _WINDOWS[k]] for k in divmod(value, len(_WINDOWS)))
        plane = planes.index_select(0, chosen).unsqueeze(-1)
        row0, row1 = plane[:, 1] * down + plane[:, 2], plane[:, 4] * down + plane[:, 5]
        column0, column1 = plane[:, 0] * across, plane[:, 3] * across
        w0 = row0.unsqueeze(2) + column0.unsqueeze(1)
        w1 = row1.unsqueeze(2) + column1.unsqueeze(1)
        w2 = (1 - row0 - row1).unsqueeze(2) - (column0 + column1).unsqueeze(1)
        hit = (torch.minimum(torch.minimum(w0, w1), w2) >= -1e-5).reshape(-1).nonzero()[:, 0]
        wide = len(across)
        line = hit // wide
        x, triangle = hit - line * wide, line // len(down)
        y = line - triangle * len(down)
        owner = chosen.index_select(0, triangle)
        # The window can reach beyond the box, and the box ends where the picture does.
        room = extent.index_select(0, owner)
        within = ((x < room[:, 0]) & (y < room[:, 1])).nonzero()[:, 0]
        found.append((owner.index_select(0, within), x.index_select(0, within), y.index_select(0, within)))
    if not found:
        empty = torch.zeros(0, dtype=torch.int64)
        return empty, empty, empty
    owner, x, y = (torch.cat(values) for values in zip(*found, strict=True))
    return owner, x, y


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
