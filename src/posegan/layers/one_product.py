"""Convolutions of small maps with many channels as one product of matrices, over all pixels, taps and channels.

There most of the time goes by in bringing kernels into the order that torch's convolutions want, at every call; in
channels-last order they are a matrix as they stand.
"""

from torch import Tensor

from posegan.layers.squares import Grid, add_up, cut, times_transposed, with_bias


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Return `F.conv2d` of x (B, C, H, W) and weight (O, C, k, k), in channels-last order.

    The result can be differentiated any number of times.
    """
    outputs, _, size, _ = weight.shape
    rows, columns = ((length + 2 * padding - size) // stride + 1 for length in x.shape[2:])
    seen = cut(x, Grid(size, stride, padding, rows, columns))
    kernels = weight.permute(0, 2, 3, 1).reshape(outputs, -1)
    out = times_transposed(seen[None], kernels[None]).view(len(x), rows, columns, outputs)
    return with_bias(out.permute(0, 3, 1, 2), bias)


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, more: int = 0
) -> Tensor:
    """Return `F.conv_transpose2d` of x (B, C, H, W) and weight (C, O, k, k), as `convolve` does.

    more: the output padding, rows and columns that the result has below and to the right.
    """
    channels, outputs, size, _ = weight.shape
    kernels = weight.permute(0, 2, 3, 1).reshape(channels, -1)
    squares = x.permute(0, 2, 3, 1).reshape(-1, channels) @ kernels
    high, wide = (stride * (length - 1) + size - 2 * padding + more for length in x.shape[2:])
    grid = Grid(size, stride, padding, x.shape[2], x.shape[3])
    return with_bias(add_up(squares, grid, (len(x), outputs, high, wide)), bias)
