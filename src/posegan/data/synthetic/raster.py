"""Batched triangle rasteriser with a z-buffer, in plain torch on the CPU.

Exists because grids of small triangles render people well and fast without a graphics library. It finds the nearest
face of each sample and nothing else: the caller gathers its own vertex attributes with the barycentric weights.

Vectors lie along the first axis throughout, (3, B, V): tensor operations are several times faster on long last axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

SUPERSAMPLE = 2  # samples per pixel along each axis; the four planes of `Buffer.keys` are written for 2
_FACE_MASK = (1 << 15) - 1
_LEVELS = (1 << 16) - 1  # depth levels above the face number; the last one means empty
_PACK = float(1 << 20)  # samples


@dataclass(frozen=True)
class Buffer:
    """The nearest face at each sample: `keys` (4, B, H, W) int32 hold the depth level above the face number + 1.

    The planes are the samples of a pixel: upper left, upper right, lower left, lower right.
    """

    keys: Tensor
    span: tuple[float, float]

    def faces(self) -> Tensor:
        """Face number + 1 at each sample, 0 where nothing was drawn."""
        return self.keys & (_FACE_MASK)

    def depth(self, keys: Tensor) -> Tensor:
        """Depth of some keys in the caller's units, the far end of the span where nothing was drawn."""
        low, high = self.span
        return (keys >> 15).to(torch.float32) * ((high - low) / _LEVELS) + low


@dataclass(frozen=True)
class Fragments:
    """The surface at some samples, Q in all."""

    pixel: Tensor  # (Q,) flat index into (B, H, W)
    item: Tensor  # (Q,)
    face: Tensor  # (Q,)
    vertex: Tensor  # (3, Q) flat index into (B, V)
    weight: Tensor  # (3, Q) barycentric weights
    depth: Tensor  # (Q,)
    back: Tensor  # (Q,) whether the back of the face is seen

    def interpolate(self, attributes: Tensor) -> Tensor:
        """Values (C, Q) of vertex attributes (C, B, V)."""
        table = attributes.flatten(1)
        total = table.index_select(1, self.vertex[0]).mul_(self.weight[0])
        for corner in (1, 2):
            total.addcmul_(table.index_select(1, self.vertex[corner]), self.weight[corner])
        return total


@lru_cache(maxsize=8)
def grid_faces(shapes: tuple[tuple[int, int, int], ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Triangles (3, F) over the concatenated vertices of grids, the grid of each (F,),
    and whether its back is drawn (F,).

    `shapes` holds rows, columns and the number of last rows whose back is drawn.
    """
    faces, owner, two_sided = [], [], []
    start = 0
    for number, (rows, columns, inside) in enumerate(shapes):
        index = start + torch.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        faces += [torch.stack((a, c, b)).reshape(3, -1), torch.stack((b, c, d)).reshape(3, -1)]
        cells = (rows - 1) * (columns - 1)
        owner.append(torch.full((2 * cells,), number))
        row = torch.arange(rows - 1).repeat_interleave(columns - 1)
        two_sided.append((row >= rows - 1 - inside).repeat(2))
        start += rows * columns
    return torch.cat(faces, 1), torch.cat(owner), torch.cat(two_sided)


def snap(screen: Tensor) -> Tensor:
    """Round sample coordinates to 1/64: that makes edge functions exact, so neighbouring triangles leave no gaps."""
    return (screen * 64).round_().div_(64)


def rasterise(
    screen: Tensor,
    depth: Tensor,
    faces: Tensor,
    keep: Tensor,
    two_sided: Tensor,
    size: tuple[int, int],
    span: tuple[float, float],
) -> Buffer:
    """Draw triangles; `screen` (2, B, V) in snapped samples (first centre at 0),
    `depth` (B, V) grows away from the camera within `span`; `size` is that of the picture in pixels.

    `keep` (B, F) selects faces, `two_sided` (F,) those whose back is drawn too. A face is frontal when its corners run
    counter-clockwise in a y-up view.
    """
    height, width = size
    batch, count = depth.shape
    corners = screen.flatten(0, 1).index_select(1, faces.reshape(-1)).reshape(2, batch, 3, -1)
    (x0, x1, x2), (y0, y1, y2) = corners[0].unbind(1), corners[1].unbind(1)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    # Half of all faces are turned away: they go before anything else is computed.
    item, face = (keep & ((area < 0) | (two_sided & (area > 0)))).nonzero().t().contiguous()
    vertex = (faces.index_select(1, face) + item * count).reshape(-1)
    level = ((depth - span[0]) * (_LEVELS / (span[1] - span[0]))).clamp_(1, _LEVELS - 2)
    points = torch.cat((screen, level[None])).flatten(1).index_select(1, vertex).reshape(3, 3, -1)
    triangle, low, high = _triangles(points, size)
    # From triangles to their rows of samples.
    many = (high - low).add_(1).clamp_(min=0).long()
    owner = torch.repeat_interleave(many)
    line = torch.arange(len(owner)) + (low.long() - many.cumsum(0) + many).index_select(0, owner)
    start, level, slope, many = _rows(triangle.index_select(1, owner), line.to(torch.float32), width)
    rows, columns = _sample_tables(batch, height, width)
    base = rows.index_select(0, line) + (item * (height * width)).index_select(0, owner)
    # From rows to samples.
    before = (many.cumsum(0) - many).to(torch.float32)
    name = face.index_select(0, owner).add_(1).to(torch.float32)
    values = torch.stack((level, slope, start - before, name))
    owner = torch.repeat_interleave(many)
    level, slope, column, number = values.index_select(1, owner).unbind(0)
    column += torch.arange(len(owner), dtype=torch.float32)
    level = torch.addcmul(level, slope, column).clamp_(0, _LEVELS - 1).to(torch.int32)
    place = columns.index_select(0, column.long()).add_(base.index_select(0, owner))
    keys = torch.full((4 * batch * height * width,), _LEVELS << 15, dtype=torch.int32)
    keys.scatter_reduce_(0, place, level.bitwise_left_shift_(15).add_(number.to(torch.int32)), "amin")
    return Buffer(keys.reshape(4, batch, height, width), span)


def _triangles(points: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """What `_rows` needs of each triangle (10, N), and its first and last row of samples (N,).

    `points` (3, 3, N) holds x, y and the depth level (first axis) of the three corners.
    """
    (x0, x1, x2), (y0, y1, y2), (z0, z1, z2) = points.unbind(0)
    right, left, below, above, far, near = x1 - x0, x2 - x0, y1 - y0, y2 - y0, z1 - z0, z2 - z0
    area = right * above - left * below
    across, down = (far * above - near * below) / area, (near * right - far * left) / area
    # Corners from the top to the bottom: one exact number for y and x sorts them without a selection.
    packed = torch.add(points[0], points[1].double(), alpha=_PACK)
    first, second, third = packed.unbind(0)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    packed = torch.stack((torch.minimum(low, third), torch.maximum(low, torch.minimum(high, third)), high))
    torch.maximum(high, third, out=packed[2])
    y = (packed * (64 / _PACK)).round_().div_(64)
    x = torch.sub(packed, y, alpha=_PACK).float()
    y = y.float()
    # Slopes of the long, the upper and the lower edge; that of a level edge is used at its start only.
    rise = torch.stack((y[2] - y[0], y[1] - y[0], y[2] - y[1])).clamp_(min=1 / 64)
    slope = torch.stack((x[2] - x[0], x[1] - x[0], x[2] - x[1])).div_(rise)
    level = z0 + across * (x[0] - x0) + down * (y[0] - y0)
    values = torch.cat((x[:2], y[:2], slope, across[None], down[None], level[None]))
    return values, y[0].ceil().clamp_(min=0), y[2].floor().clamp_(max=2 * size[0] - 1)


def _rows(triangle: Tensor, line: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """First sample, depth level in column 0, its slope and the number of samples of triangles (10, R) on lines.

    Triangles own what lies within a thousandth of a sample of them: rounding leaves no gaps between neighbours.
    """
    x_top, x_middle, y_top, y_middle, long, upper, lower, across, down, level = triangle.unbind(0)
    fall, beyond = line - y_top, line - y_middle
    one = torch.addcmul(x_top, fall, long)
    two = x_middle.addcmul(beyond.clamp(max=0), upper).addcmul_(beyond.clamp_(min=0), lower)
    start = torch.minimum(one, two).sub_(1e-3).ceil_().clamp_(min=0)
    stop = torch.maximum(one, two).add_(1e-3).floor_().clamp_(max=2 * width - 1)
    level = level.addcmul(across, x_top, value=-1).addcmul_(down, fall)
    return start, level, across, (stop - start).add_(1).clamp_(min=0).long()


@lru_cache(maxsize=8)
def _sample_tables(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Places in the key planes of sample rows and columns."""
    plane = batch * height * width
    row, column = torch.arange(2 * height), torch.arange(2 * width)
    return (row & 1) * (2 * plane) + (row >> 1) * width, (column & 1) * plane + (column >> 1)


def share_samples(code: Tensor, apart: int) -> Tensor:
    """How many of the four samples (4, ...) of a pixel each one speaks for: the first of those with equal `code` for
    all of them, the others for none; samples of code `apart` for themselves.

    Shading the few instead of all samples keeps smooth outlines at a third of the cost.
    """
    a, b, c, d = code.unbind(0)
    ab, ac, ad, bc, bd, cd = ((p == q).view(torch.uint8) for p, q in ((a, b), (a, c), (a, d), (b, c), (b, d), (c, d)))
    count = torch.stack((1 + ab + ac + ad, (1 - ab) * (1 + bc + bd), (1 - (ac | bc)) * (1 + cd), 1 - (ad | bd | cd)))
    return count.mul_(code > 0).masked_fill_(code == apart, 1)


def fragments(buffer: Buffer, place: Tensor, pixel: Tensor, screen: Tensor, faces: Tensor) -> Fragments:
    """The surface at samples `place` (Q,) 0 .. 3 of pixels (Q,), flat indices into (B, H, W); `screen` as drawn."""
    _, batch, height, width = buffer.keys.shape
    keys = buffer.keys.reshape(-1).index_select(0, place * (batch * height * width) + pixel)
    face = (keys & (_FACE_MASK)).long() - 1
    item = torch.arange(batch).repeat_interleave(height * width).index_select(0, pixel)
    local = (pixel - item * (height * width)).to(torch.float32)
    row = (local / width).floor_()
    x, y = (local - row * width) * 2 + (place & 1), row * 2 + (place >> 1)
    vertex = faces.index_select(1, face) + item * screen.shape[2]
    corner_x, corner_y = screen.flatten(1).index_select(1, vertex.reshape(-1)).reshape(2, 3, -1)
    corner_x, corner_y = corner_x - x, corner_y - y
    edge = corner_x.roll(-1, 0) * corner_y.roll(-2, 0) - corner_x.roll(-2, 0) * corner_y.roll(-1, 0)
    total = edge.sum(0)
    return Fragments(pixel, item, face, vertex, edge / total, buffer.depth(keys), total > 0)
