"""Deformable skip connections: features moved by one affine per body part, and by a dense flow.

An affine is (2, 3) and maps a pixel (x, y) of the target frame to a pixel of the source frame, both at full resolution;
on a smaller feature map only its translation shrinks. The affines and masks themselves are made in posegan.pose.
"""

import importlib.util
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.rows import as_map, as_rows
from posegan.pose import Size

Sampling = Literal["nearest", "bilinear"]
Aggregation = Literal["max", "avg"]
HAS_TRITON = importlib.util.find_spec("triton") is not None


def affine_grid_pixels(affines: Tensor, size: Size, frame: Size) -> Tensor:
    """Return where each pixel of an (h, w) map comes from under each affine, in pixels of that map.

    affines (..., 2, 3) in pixels of `frame` (H, W); returns (..., h, w, 2) as (x, y).
    """
    height, width = size
    x = torch.arange(width, device=affines.device, dtype=affines.dtype)
    y = torch.arange(height, device=affines.device, dtype=affines.dtype)[:, None]
    ratio = affines.new_tensor([frame[1] / width, frame[0] / height])
    linear, shift = affines[..., :2], affines[..., 2] / ratio
    ax, ay, shift = linear[..., None, None, :, 0], linear[..., None, None, :, 1], shift[..., None, None, :]
    return ax * x[..., None] + ay * y[..., None] + shift


def warp_by_parts(
    features: Tensor,
    affines: Tensor,
    masks: Tensor,
    sampling: Sampling = "nearest",
    aggregation: Aggregation = "max",
) -> Tensor:
    """Return features moved part by part from the source to the target pose and joined (Deformable GAN).

    features (B, C, h, w); affines (B, P, 2, 3) in pixels of the masks' frame; masks (B, P, H, W) of 0 and 1, the first
    part's all ones; returns (B, C, h, w). Samples outside the map are 0. "max": the largest over the parts of
    mask * warped, so that 0 competes wherever a mask is 0. "avg": the sum over the parts divided by the sum of masks.
    No gradient flows to affines or masks.
    """
    size = (features.shape[-2], features.shape[-1])
    with torch.no_grad():
        frame = (masks.shape[-2], masks.shape[-1])
        grid = affine_grid_pixels(affines.float(), size, frame)
        small = F.interpolate(masks, size=size, mode="nearest")
    if sampling == "nearest" and aggregation == "max":
        with torch.no_grad():
            index = nearest_index(grid, small)
        return gather_max(features, index)
    return _warp_dense(features, grid, small, sampling, aggregation)


def nearest_index(grid: Tensor, masks: Tensor) -> Tensor:
    """Return for each part and pixel the flat index of the pixel to copy, -1 where the mask or the sample is empty.

    grid (B, P, h, w, 2) in pixels; masks (B, P, h, w); returns (B, P, h*w) int64.
    """
    height, width = masks.shape[-2:]
    nearest = torch.floor(grid + 0.5)
    x, y = nearest.unbind(-1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (masks > 0)
    index = torch.where(inside, y * width + x, -1.0)
    return index.long().flatten(-2)


def gather_max(features: Tensor, index: Tensor) -> Tensor:
    """Return the largest over the parts of the features (B, C, h, w) that index (B, P, h*w) points at, 0 for -1.

    Of equal ones the first part's gets the gradient.
    """
    joined: Tensor
    if torch.compiler.is_exporting():
        joined = _gather_max_plain(features, index)
    elif features.is_cuda and HAS_TRITON:
        from posegan.layers.gather_max_triton import GatherMax

        joined = GatherMax.apply(features, index)
    else:
        joined = _GatherMax.apply(features, index)
    return joined


class _GatherMax(torch.autograd.Function):
    """The maximum over parts of gathered features, without parts x channels copies: a running maximum and its winner.

    On the CPU a part other than the first (whose mask is full) touches only the pixels inside its mask.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, index: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        pixels = height * width
        rows = as_rows(features)
        # Row numbers over the whole batch; the appended zero row stands for "nothing to copy".
        offset = torch.arange(batch, device=index.device)[:, None, None] * pixels
        lookup = torch.where(index >= 0, index + offset, batch * pixels).transpose(0, 1).reshape(index.shape[1], -1)
        rows = torch.cat([rows, rows.new_zeros(1, channels)])
        out = rows.index_select(0, lookup[0])
        winner = torch.zeros_like(out, dtype=torch.int8)
        moves: list[tuple[Tensor, Tensor] | None] = []
        for part in range(1, len(lookup)):
            move = _sparse_move(lookup[part], batch * pixels) if out.device.type == "cpu" else None
            _keep_larger(out, winner, rows, lookup[part], move, part)
            moves.append(move)
        empty = (lookup == batch * pixels).any(0)[:, None]  # some part offers 0 here
        clipped = empty & (out < 0)
        out = out.masked_fill(clipped, 0)
        winner.masked_fill_(clipped, -1)
        ctx.save_for_backward(lookup, winner)
        ctx.moves = moves
        ctx.shape = features.shape
        return as_map(out, features.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        lookup, winner = ctx.saved_tensors
        gradient = as_rows(gradients[0])
        total = gradient.new_zeros(len(gradient) + 1, gradient.shape[1])
        total.index_add_(0, lookup[0], gradient.masked_fill(winner != 0, 0))
        for part, move in enumerate(ctx.moves, start=1):
            if move is None:
                total.index_add_(0, lookup[part], gradient.masked_fill(winner != part, 0))
            else:
                to, source = move
                share = gradient.index_select(0, to).masked_fill_(winner.index_select(0, to) != part, 0)
                total.index_add_(0, source, share)
        return as_map(total[:-1], ctx.shape), None


def _sparse_move(lookup: Tensor, nothing: int) -> tuple[Tensor, Tensor]:
    to = (lookup != nothing).nonzero()[:, 0]
    return to, lookup.index_select(0, to)


def _keep_larger(
    out: Tensor, winner: Tensor, rows: Tensor, lookup: Tensor, move: tuple[Tensor, Tensor] | None, part: int
) -> None:
    """Raise `out` to a part's features where they are larger and note that part as the winner, in place."""
    if move is None:
        candidate = rows.index_select(0, lookup)
        better = (candidate > out) & (lookup != len(rows) - 1)[:, None]
        winner.masked_fill_(better, part)
        torch.where(better, candidate, out, out=out)
        return
    to, source = move
    candidate, current = rows.index_select(0, source), out.index_select(0, to)
    better = candidate > current
    winner.index_copy_(0, to, winner.index_select(0, to).masked_fill_(better, part))
    out.index_copy_(0, to, torch.where(better, candidate, current))


def _gather_max_plain(features: Tensor, index: Tensor) -> Tensor:
    """The same in plain operations, for export: one gather per part and a maximum."""
    flat = features.flatten(2)
    parts = []
    for part in range(index.shape[1]):
        lookup = index[:, part, None]
        moved = flat.gather(2, lookup.clamp_min(0).expand(-1, flat.shape[1], -1))
        parts.append(torch.where(lookup >= 0, moved, torch.zeros_like(moved)))
    return torch.stack(parts).amax(0).reshape(features.shape)


def _warp_dense(features: Tensor, grid: Tensor, masks: Tensor, sampling: Sampling, aggregation: Aggregation) -> Tensor:
    """One full warp per part: the plain form, for the options that the published runs do not use."""
    joined: Tensor | None = None
    for part in range(grid.shape[1]):
        warped = sample_pixels(features, grid[:, part], sampling, padding="zeros") * masks[:, part, None]
        if joined is None:
            joined = warped
        else:
            joined = torch.maximum(joined, warped) if aggregation == "max" else joined + warped
    assert joined is not None
    return joined if aggregation == "max" else joined / masks.sum(1, keepdim=True).clamp_min(1)


def sample_pixels(
    features: Tensor, grid: Tensor, sampling: Sampling = "bilinear", padding: Literal["zeros", "border"] = "border"
) -> Tensor:
    """Return features (B, C, h, w) at the pixel positions grid (B, h', w', 2) of that map: (B, C, h', w')."""
    height, width = features.shape[-2:]
    # align_corners=True: -1 and 1 are the centres of the outer pixels, so a pixel coordinate scales by 2 / (size - 1).
    scale = grid.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    unit = grid * scale - 1
    if torch.compiler.is_exporting() and (sampling, padding) == ("bilinear", "border"):
        return _sample_plain(features, grid)
    # In the wider type of the two: a bfloat16 grid would be off by a quarter of a pixel on a map 64 pixels wide.
    dtype = torch.promote_types(features.dtype, unit.dtype)
    sampled = F.grid_sample(features.to(dtype), unit.to(dtype), mode=sampling, padding_mode=padding, align_corners=True)
    return sampled.to(features.dtype)


def _sample_plain(features: Tensor, grid: Tensor) -> Tensor:
    """The same by gathering whole rows of channels, for export: onnxruntime's GridSample is several times slower.

    Positions outside the map are moved to its edge.
    """
    batch, channels, height, width = features.shape
    x, y = grid[..., 0].flatten(1).clamp(0, width - 1), grid[..., 1].flatten(1).clamp(0, height - 1)  # (B, P)
    left, top = x.floor().clamp(max=max(width - 2, 0)), y.floor().clamp(max=max(height - 2, 0))
    x, y = x - left, y - top
    right, below = min(1, width - 1), width * min(1, height - 1)
    rows = as_rows(features)
    corner = (top * width + left).long() + torch.arange(batch, device=features.device)[:, None] * (height * width)

    def share(step: int, weight: Tensor) -> Tensor:
        found = rows.index_select(0, (corner + step).flatten()).reshape(*corner.shape, channels)
        return found.transpose(1, 2) * weight[:, None]  # turned before the product, which is several times as fast

    mixed = share(0, (1 - x) * (1 - y)) + share(right, x * (1 - y))
    mixed = mixed + share(below, (1 - x) * y) + share(right + below, x * y)  # (B, C, P)
    return mixed.reshape(batch, channels, *grid.shape[1:3])


def pixel_grid(size: Size, device: torch.device) -> Tensor:
    """Return (h, w, 2): each pixel's own (x, y), to which a flow in pixels is added before `sample_pixels`."""
    y, x = torch.meshgrid(
        torch.arange(size[0], device=device, dtype=torch.float32),
        torch.arange(size[1], device=device, dtype=torch.float32),
        indexing="ij",
    )
    return torch.stack([x, y], -1)


def warp_by_flow(features: Tensor, flow: Tensor) -> Tensor:
    """Return features (B, C, h, w) fetched along a flow (B, 2, h, w), bilinear, the edge repeated outside.

    The flow is the source's position minus the target's, (x, y) in pixels of that map.
    """
    grid = pixel_grid((features.shape[-2], features.shape[-1]), features.device)
    return sample_pixels(features, grid + flow.permute(0, 2, 3, 1))
