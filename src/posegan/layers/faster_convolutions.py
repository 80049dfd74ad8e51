"""A context in which convolutions in float32 on a CPU are computed by whichever form is fastest for their shape."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from posegan.layers import one_product, winograd

SQUARE_COST = 86  # multiplications that take as long as changing the basis of one number of a map
KERNEL_COST = {True: 33, False: 66}  # the same for kernels, beside passes with gradients or without
GAIN = 0.8  # of the usual form's multiplications: what pays costs less
PIXELS = {True: 1, False: 1 / 8}  # for each input channel: a map with fewer is small
KERNELS = 1 << 15  # numbers of a kernel from which on its order is worth anything
WIDE = 10_000_000  # numbers of a network from which on it has something to gain


class FasterConvolutions(TorchFunctionMode):
    """Wide convolutions take fewer multiplications or one product of matrices here; all others stay torch's own.

    It sees every call of torch, a microsecond each, which costs a narrow network more than it gains: see `wide`.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Answer for torch's function `func`, which this context sees before torch does."""
        kwargs = kwargs or {}
        if func is F.conv2d:
            out = _conv2d(*args, **kwargs)
        elif func is F.conv_transpose2d:
            out = _conv_transpose2d(*args, **kwargs)
        else:
            return func(*args, **kwargs)
        return func(*args, **kwargs) if out is None else out


def wide(network: nn.Module) -> bool:
    """Tell whether a network is so large that it gains by the context; frozen feature networks in it count."""
    return sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers())) >= WIDE


def _conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor | None:
    """Return `F.conv2d` of the same arguments, None where torch is to compute it."""
    step, around = _alike(stride), _alike(padding)
    if step is None or around is None or groups != 1 or _alike(dilation) != 1 or not _plain(x, weight, 1):
        return None
    (outputs, channels, size, _), count = weight.shape, len(x)
    rows, columns = ((length + 2 * around - size) // step + 1 for length in x.shape[2:])
    if min(rows, columns) < 1:
        return None
    if (size, step) in ((3, 1), (4, 2)):
        taps = size // step
        usual = taps**2 * count * rows * columns
        side = cheapest_side(channels * step**2, outputs, taps, (count, rows, columns), usual, torch.is_grad_enabled())
        if side is not None:
            return winograd.convolve(x, weight, bias, step, around, side)
    if few_pixels(count * rows * columns, channels, weight.numel(), torch.is_grad_enabled()):
        return one_product.convolve(x, weight, bias, step, around)
    return None


def _conv_transpose2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor | None:
    """Return `F.conv_transpose2d` of the same arguments, None where torch is to compute it."""
    step, around, more = _alike(stride), _alike(padding), _alike(output_padding)
    if step is None or around is None or more is None:
        return None
    if groups != 1 or _alike(dilation) != 1 or not _plain(x, weight, 0):
        return None
    (channels, outputs, size, _), count = weight.shape, len(x)
    rows, columns = x.shape[2:]
    if (size, step, more) == (4, 2, 0):
        results, usual = (count, rows + 1, columns + 1), 4 * count * rows * columns
        side = cheapest_side(channels, 4 * outputs, 2, results, usual, torch.is_grad_enabled())
        if side is not None:
            return winograd.convolve_transposed(x, weight, bias, around, side)
    if few_pixels(count * rows * columns, channels, weight.numel()):  # which gains as much without gradients
        return one_product.convolve_transposed(x, weight, bias, step, around, more)
    return None


def _plain(x: Tensor, weight: Tensor, axis: int) -> bool:
    """Tell whether this is a convolution of some maps with square kernels in float32 on a CPU.

    axis: of the kernels, where their input channels are.
    """
    if x.dtype != torch.float32 or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return x.dim() == 4 and len(x) > 0 and weight.shape[axis] == x.shape[1] and weight.shape[2] == weight.shape[3]


def _alike(value: int | str | Sequence[int]) -> int | None:
    """Return what an argument says for both axes; None if they differ, or for the name of a padding."""
    if isinstance(value, int):
        return value
    return None if isinstance(value, str) or value[0] != value[-1] else value[0]


@functools.lru_cache(maxsize=4096)
def cheapest_side(
    channels: int, outputs: int, taps: int, results: tuple[int, int, int], usual: int, gradients: bool = True
) -> int | None:
    """Return m, the side of a square of results by which Winograd's form is cheapest; None if that gains too little.

    All is counted over cells: channels and outputs of one, taps r of a kernel's side, results (B, H, W).
    Costs are in multiplications for each pair of channels; usual: those of the usual form. They were fitted to what
    benchmarks/convolutions.py measures. gradients: whether there will be any, by which this form gains more.
    """
    costs = {}
    for side in winograd.SIDES:
        squares = results[0] * -(-results[1] // side) * -(-results[2] // side)
        overhead = SQUARE_COST * squares * (1 / channels + 1 / outputs) + KERNEL_COST[gradients]
        costs[side] = (side + taps - 1) ** 2 * (squares + overhead)
    best = min(costs, key=lambda side: costs[side])
    return best if costs[best] < GAIN * usual else None


def few_pixels(pixels: int, channels: int, kernels: int, gradients: bool = True) -> bool:
    """Tell whether one product is faster, from the pixels of all smaller maps, input channels and numbers of a kernel.

    Then there are more numbers in the kernels than in the maps; measured in the same place.
    """
    return pixels < channels * PIXELS[gradients] and kernels >= KERNELS
