"""Convolutions with fewer multiplications, by Winograd's minimal filtering (faster_convolutions.py: where that pays).

A square of m x m results of an r x r kernel needs a square of n x n inputs, n = m + r - 1. Both are brought into
another basis, in which the convolution is n * n products of matrices over channels: n * n multiplications a square and
pair of channels instead of (m * r)^2, a quarter of them for m = 4 and r = 3. A 4x4 convolution of stride 2 is a 2x2 one
over cells of 2x2 pixels, and its transpose makes such cells.
What is computed is the same; in float32 the largest error is some 1e-5 of the largest value, ten times that of the
usual form. Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.squares import Grid, cut, times_transposed, with_bias

POINTS = (0, 1, -1, 2, -2)  # where polynomials are evaluated, besides infinity
SIDES = (2, 3, 4)  # m, as far as these points go for kernels of up to 3
Basis = tuple[Tensor, Tensor, Tensor]


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, side: int = 4
) -> Tensor:
    """Return `F.conv2d` of x (B, C, H, W) and weight (O, C, r * stride, r * stride), in channels-last order.

    side: m. The result can be differentiated any number of times.
    """
    outputs, channels, size, _ = weight.shape
    taps = size // stride
    rows, columns = ((length + 2 * padding - size) // stride + 1 for length in x.shape[2:])
    grid = _grid(taps, side, padding, (rows, columns), stride)
    kernels = weight.view(outputs, channels, taps, stride, taps, stride).permute(2, 4, 0, 3, 5, 1)
    found = _multiply(x, kernels.reshape(taps**2, outputs, -1), grid, basis(side, taps, x.dtype), times_transposed)
    squares = found.view(side, side, len(x), grid.down, grid.across, outputs).permute(2, 3, 0, 4, 1, 5)
    whole = squares.reshape(len(x), side * grid.down, side * grid.across, outputs)
    return with_bias(whole[:, :rows, :columns].permute(0, 3, 1, 2), bias)


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, padding: int = 0, side: int = 3
) -> Tensor:
    """Return `F.conv_transpose2d` of stride 2 for x (B, C, H, W) and weight (C, O, 4, 4), as `convolve` does.

    Without padding, the cell of results at J is made of x at J - 1 and J, each axis for itself: result 2 J + b is
    x[J - 1] * weight[2 + b] + x[J] * weight[b].
    """
    channels, outputs = weight.shape[:2]
    rows, columns = x.shape[2] + 1, x.shape[3] + 1
    grid = _grid(2, side, 1, (rows, columns))
    kernels = weight.view(channels, outputs, 2, 2, 2, 2).permute(2, 4, 0, 3, 5, 1)
    of_input, of_kernel, of_result = basis(side, 2, x.dtype)
    reversed_basis = of_input, of_kernel.flip(1), of_result  # of two taps, that of J - 1 comes first
    found = _multiply(x, kernels.reshape(4, channels, 4 * outputs), grid, reversed_basis, torch.bmm)
    squares = found.view(side, side, len(x), grid.down, grid.across, 2, 2, outputs).permute(2, 3, 0, 5, 4, 1, 6, 7)
    whole = squares.reshape(len(x), 2 * side * grid.down, 2 * side * grid.across, outputs)
    out = whole[:, padding : 2 * rows - padding, padding : 2 * columns - padding].permute(0, 3, 1, 2)
    return with_bias(out, bias)


def _grid(taps: int, side: int, padding: int, results: tuple[int, int], cell: int = 1) -> Grid:
    """Return the squares that results (rows, columns), counted in cells, need."""
    down, across = (-(-length // side) for length in results)
    return Grid(side + taps - 1, side, padding, down, across, cell, cells_first=True)


def _multiply(
    x: Tensor, kernels: Tensor, grid: Grid, basis: Basis, product: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Return (m^2, squares * outputs) results from maps and kernels, one tap a row.

    product: `torch.bmm` for kernels (r^2, channels of a cell, outputs), `times_transposed` for (r^2, outputs, channels
    of a cell).
    """
    of_input, of_kernel, of_result = basis
    seen = (of_input @ cut(x, grid)).view(len(of_input), -1, x.shape[1] * grid.cell**2)
    changed = (of_kernel @ kernels.flatten(1)).view(len(of_input), *kernels.shape[1:])
    return of_result @ product(seen, changed).flatten(1)


@functools.cache
@torch.inference_mode(False)  # which the first caller may be in, and another one wants gradients
def basis(side: int, taps: int, dtype: torch.dtype) -> Basis:
    """Return what changes squares of the input (n^2, n^2), of kernels (n^2, r^2) and of results (m^2, n^2).

    A filter is the transpose of a product of polynomials, which is found from their values at n points.
    """
    points = POINTS[: side + taps - 2]
    last = len(points)
    rows = torch.zeros(last + 1, last + 1, dtype=torch.float64)
    kernel, result = torch.zeros(last + 1, taps, dtype=torch.float64), torch.zeros(side, last + 1, dtype=torch.float64)
    for j, point in enumerate(points):
        others = [other for other in points if other != point]
        rows[j, :last] = _coefficients(others)
        scale = torch.tensor([point - other for other in others], dtype=torch.float64).prod()
        kernel[j] = torch.tensor([point**k for k in range(taps)], dtype=torch.float64) / scale
        result[:, j] = torch.tensor([point**k for k in range(side)], dtype=torch.float64)
    rows[last] = _coefficients(points)
    kernel[last, -1] = result[-1, last] = 1  # infinity
    squared = [torch.kron(matrix, matrix).to(dtype) for matrix in (rows, kernel, result)]
    return squared[0], squared[1], squared[2]


def _coefficients(roots: Sequence[int]) -> Tensor:
    """Return the coefficients of the polynomial with these roots, that of the highest power, 1, last."""
    found = torch.ones(1, dtype=torch.float64)
    for root in roots:
        found = F.pad(found, (1, 0)) - root * F.pad(found, (0, 1))
    return found
