"""Maps cut into squares that may overlap, and sums of such squares: what makes convolutions products of matrices.

The two are each other's transpose, and each is the other's gradient, so both can be differentiated any number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Grid:
    """How maps (B, C, H, W) are cut: `down` x `across` squares of `reach` x `reach` cells, one each `apart` cells.

    cell: pixels of a cell's side. padding: of zeros, pixels above and to the left; below and right as much as needed.
    cells_first: whether the cut maps are (reach^2, B * down * across * cell^2 * C), one cell of all squares a row, or
    (B * down * across, reach^2 * cell^2 * C), one square a row.
    """

    reach: int
    apart: int
    padding: int
    down: int
    across: int
    cell: int = 1
    cells_first: bool = False

    def padded(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """Return the shape (B, H', W', C) of what squares are cut from."""
        high, wide = (self.cell * (self.apart * (squares - 1) + self.reach) for squares in (self.down, self.across))
        return shape[0], high, wide, shape[1]

    def flat(self, squares: Tensor) -> Tensor:
        """Return (reach, reach, B, down, across, cell, cell, C) as the matrix of cut maps."""
        if self.cells_first:
            return squares.reshape(self.reach**2, -1)
        rows = squares.shape[2] * self.down * self.across
        return squares.permute(2, 3, 4, 0, 1, 5, 6, 7).reshape(rows, -1)

    def whole(self, flat: Tensor, count: int) -> Tensor:
        """Undo `flat` for `count` maps."""
        cells, places = (self.reach, self.reach), (count, self.down, self.across)
        if self.cells_first:
            return flat.view(*cells, *places, self.cell, self.cell, -1)
        return flat.view(*places, *cells, self.cell, self.cell, -1).permute(3, 4, 0, 1, 2, 5, 6, 7)


def cut(maps: Tensor, grid: Grid) -> Tensor:
    """Return the squares of maps (B, C, H, W), channels last, as the matrix that the grid says."""
    return cast(Tensor, _Cut.apply(maps, grid))


def add_up(squares: Tensor, grid: Grid, shape: Sequence[int]) -> Tensor:
    """Return maps of `shape` (B, C, H, W), channels last, each pixel the sum of what stands for it in squares."""
    return cast(Tensor, _AddUp.apply(squares, grid, shape))


def times_transposed(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b.mT for (n, p, k) and (n, q, k); torch would write the gradient of b transposed and copy it."""
    return cast(Tensor, _TimesTransposed.apply(a, b))


def with_bias(maps: Tensor, bias: Tensor | None) -> Tensor:
    """Return maps (B, C, H, W) plus the bias (C,) of a convolution, if it has one."""
    return maps if bias is None else maps + bias[:, None, None]


class _Cut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, grid: Grid) -> Tensor:
        ctx.shape, ctx.grid = maps.shape, grid
        around, cell, step = grid.padding, grid.cell, grid.cell * grid.apart
        padded = maps.new_zeros(grid.padded(maps.shape))
        high, wide = (min(maps.shape[axis], padded.shape[axis - 1] - around) for axis in (2, 3))
        padded[:, around : around + high, around : around + wide] = maps[:, :, :high, :wide].permute(0, 2, 3, 1)
        image, row, pixel, channel = padded.stride()
        sizes = (grid.reach, grid.reach, len(maps), grid.down, grid.across, cell, cell, maps.shape[1])
        strides = (cell * row, cell * pixel, image, step * row, step * pixel, row, pixel, channel)
        return grid.flat(padded.as_strided(sizes, strides))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return add_up(gradients[0], ctx.grid, ctx.shape), None


class _AddUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, squares: Tensor, grid: Grid, shape: Sequence[int]) -> Tensor:
        ctx.grid = grid
        count, high, wide, channels = grid.padded(shape)
        cell, step = grid.cell, grid.apart
        parts = grid.whole(squares, count)
        padded = squares.new_zeros(count, high // cell, cell, wide // cell, cell, channels)
        for i in range(grid.reach):
            for j in range(grid.reach):
                rows = slice(i, i + step * (grid.down - 1) + 1, step)
                columns = slice(j, j + step * (grid.across - 1) + 1, step)
                padded[:, rows, :, columns] += parts[i, j].permute(0, 1, 3, 2, 4, 5)
        around = grid.padding
        found = padded.view(count, high, wide, channels)[:, around : around + shape[2], around : around + shape[3]]
        missing = shape[2] - found.shape[1], shape[3] - found.shape[2]  # pixels that lie in no square
        return F.pad(found, (0, 0, 0, missing[1], 0, missing[0])).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return cut(gradients[0], ctx.grid), None, None


class _TimesTransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return torch.bmm(a, b.mT)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        of_a = torch.bmm(gradients[0], b) if wanted[0] else None
        return of_a, torch.bmm(gradients[0].mT, a) if wanted[1] else None
