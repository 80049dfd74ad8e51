"""The maximum over parts of gathered features as two Triton kernels, for GPUs. When it is used, warp.py decides.

Each feature is read once a part that reaches it and each output is written once; the plain form in warp.py passes over
the whole map for every part. Values, winners and ties are the same.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from posegan.layers.rows import as_map, as_rows

PIXELS, CHANNELS = 32, 64  # of a block


@triton.jit  # type: ignore[untyped-decorator]
def _block(pixels: tl.tensor, channels: tl.tensor, block_pixels: tl.constexpr, block_channels: tl.constexpr) -> Any:
    """Return this program's batch, pixels and channels, which of the pixels exist, and which of pixels x channels."""
    batch = tl.program_id(2).to(tl.int64)
    pixel = tl.program_id(0) * block_pixels + tl.arange(0, block_pixels)
    channel = tl.program_id(1) * block_channels + tl.arange(0, block_channels)
    there = pixel < pixels
    inside = there[:, None] & (channel < channels)[None, :]
    return batch, pixel, channel, there, inside


@triton.jit  # type: ignore[untyped-decorator]
def forward_kernel(
    rows: tl.tensor,
    index: tl.tensor,
    out: tl.tensor,
    winner: tl.tensor,
    pixels: tl.tensor,
    channels: tl.tensor,
    parts: tl.constexpr,
    block_pixels: tl.constexpr,
    block_channels: tl.constexpr,
) -> None:
    """out, winner[batch, pixel, channel] = largest of rows[batch, index[batch, part, pixel], channel] and its part.

    rows, out, winner: (B, pixels, channels) in memory; index: (B, parts, pixels) int64, -1 where a part has nothing to
    give, which counts as 0; the winner is then -1.
    """
    batch, pixel, channel, there, inside = _block(pixels, channels, block_pixels, block_channels)
    place = index + batch * parts * pixels + pixel
    rows += batch * pixels * channels
    row = tl.load(place, mask=there, other=-1)
    empty = row < 0
    best = tl.load(rows + row[:, None] * channels + channel[None, :], mask=inside & (row >= 0)[:, None], other=0.0)
    first = tl.zeros((block_pixels, block_channels), tl.int8)
    for part in range(1, parts):
        row = tl.load(place + part * pixels, mask=there, other=-1)
        given = inside & (row >= 0)[:, None]
        candidate = tl.load(rows + row[:, None] * channels + channel[None, :], mask=given, other=0.0)
        better = given & (candidate > best)
        best = tl.where(better, candidate, best)
        first = tl.where(better, part, first).to(tl.int8)
        empty = empty | (row < 0)
    clipped = empty[:, None] & (best < 0)
    best = tl.where(clipped, 0.0, best).to(best.dtype)
    first = tl.where(clipped, -1, first).to(tl.int8)
    to = batch * pixels * channels + pixel[:, None].to(tl.int64) * channels + channel[None, :]
    tl.store(out + to, best, mask=inside)
    tl.store(winner + to, first, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def backward_kernel(
    gradient: tl.tensor,
    index: tl.tensor,
    winner: tl.tensor,
    total: tl.tensor,
    pixels: tl.tensor,
    channels: tl.tensor,
    parts: tl.constexpr,
    block_pixels: tl.constexpr,
    block_channels: tl.constexpr,
) -> None:
    """total[batch, index[batch, winner, pixel], channel] += gradient[batch, pixel, channel], where there is a winner.

    total: (B, pixels, channels) float32 or float64, zero before.
    """
    batch, pixel, channel, there, inside = _block(pixels, channels, block_pixels, block_channels)
    place = batch * pixels * channels + pixel[:, None].to(tl.int64) * channels + channel[None, :]
    won = tl.load(winner + place, mask=inside, other=-1)
    source = tl.full((block_pixels, block_channels), -1, tl.int64)
    for part in range(parts):
        row = tl.load(index + (batch * parts + part) * pixels + pixel, mask=there, other=-1)
        source = tl.where(won == part, row[:, None], source)
    given = inside & (source >= 0)
    share = tl.load(gradient + place, mask=given, other=0.0).to(total.dtype.element_ty)
    to = total + batch * pixels * channels + source * channels + channel[None, :]
    tl.atomic_add(to, share, mask=given, sem="relaxed")


def _launch(kernel: Any, tensors: tuple[Tensor, ...], shape: torch.Size, parts: int) -> None:
    batch, channels, height, width = shape
    pixels = height * width
    grid = (triton.cdiv(pixels, PIXELS), triton.cdiv(channels, CHANNELS), batch)
    device = tensors[0].device  # Triton takes the current one, which need not be it; the interpreter runs on the CPU
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        kernel[grid](*tensors, pixels, channels, parts, PIXELS, CHANNELS)


class GatherMax(torch.autograd.Function):
    """features (B, C, h, w), index (B, P, h*w) int64 with -1 for nothing -> (B, C, h, w), as `warp._GatherMax`."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, index: Tensor) -> Tensor:
        """Return the joined features and keep who won."""
        rows, index = as_rows(features).contiguous(), index.contiguous()
        out, winner = torch.empty_like(rows), torch.empty_like(rows, dtype=torch.int8)
        _launch(forward_kernel, (rows, index, out, winner), features.shape, index.shape[1])
        ctx.save_for_backward(index, winner)
        ctx.shape = features.shape
        return as_map(out, features.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return each gradient to where the winner came from."""
        index, winner = ctx.saved_tensors
        gradient = as_rows(gradients[0]).contiguous()
        total = torch.zeros_like(gradient, dtype=torch.promote_types(gradient.dtype, torch.float32))
        _launch(backward_kernel, (gradient, index, winner, total), ctx.shape, index.shape[1])
        return as_map(total.to(gradient.dtype), ctx.shape), None
