"""The nearest-neighbour loss of Deformable GAN: compare each position with the best match in a window of the target.

A true windowed search that holds one map more than its inputs, never the n * n shifted copies: first the winners are
found without gradients, one shift after the other with a running minimum, then the loss is a plain L1 to the gathered
winners, whose derivative is the derivative of the minimum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.losses.absolute import mean_absolute_difference

WINDOWS = range(1, 16, 2)  # sides of the search window


def nearest_neighbour_loss(generated: Tensor, target: Tensor, window: int = 3) -> Tensor:
    """Return mean over B and positions p of min over q in the window around p of sum_c |generated(p) - target(q)|.

    generated, target: (B, C, H, W) feature maps (or images), any memory order; gradients reach whichever requires
    them. Positions q outside the target never win. window: odd, 1 to 15; window 1 is feature matching, C times the
    mean absolute difference. Sums run in float32 for lower precisions.
    Raises ValueError for maps of different shape or an even window. Source: Siarohin et al. 2018, equation 6, as in
    their code: a mean over positions, not a sum, and channels summed.
    """
    if generated.shape != target.shape or generated.dim() != 4:
        shapes = f"{tuple(generated.shape)} and {tuple(target.shape)}"
        raise ValueError(f"expected two (B, C, H, W) maps of one shape, got {shapes}")
    if window not in WINDOWS:
        raise ValueError(f"window must be odd and between 1 and 15, got {window}")
    match = target if window == 1 else _gather(target, nearest_positions(generated, target, window))
    return mean_absolute_difference(generated, match) * generated.shape[1]


def require_window(key: str, window: int) -> None:
    """Raise UserError naming the config key if `nearest_neighbour_loss` does not take that window."""
    if window not in WINDOWS:
        raise UserError(f"{key} is {window}: it must be odd and between 1 and 15.")


@torch.no_grad()
def nearest_positions(generated: Tensor, target: Tensor, window: int) -> Tensor:
    """Return for each position of `generated` the flat index y * W + x of its winner in `target`, (B, H * W) int64.

    Of equally good positions the nearest in row distance, then in column distance, wins.
    """
    batch, _, height, width = generated.shape
    dtype = torch.promote_types(generated.dtype, torch.float32)
    best = generated.new_full((batch, height, width), torch.inf, dtype=dtype)
    step = torch.zeros(batch, height, width, dtype=torch.int32, device=generated.device)  # winner minus position
    shifts = sorted(range(-(window // 2), window // 2 + 1), key=abs)
    for dy in (d for d in shifts if abs(d) < height):
        for dx in (d for d in shifts if abs(d) < width):
            here = (..., _overlap(dy, height), _overlap(dx, width))
            there = (..., _overlap(-dy, height), _overlap(-dx, width))
            distance = (generated[here] - target[there]).abs_().sum(1, dtype=dtype)
            closer = distance < best[here]
            best[here] = torch.where(closer, distance, best[here])
            step[here] = step[here].masked_fill(closer, dy * width + dx)
    return step.flatten(1) + torch.arange(height * width, device=generated.device)


def _overlap(shift: int, size: int) -> slice:
    """The positions i for which i + shift lies inside as well."""
    return slice(max(-shift, 0), size - max(shift, 0))


def _gather(target: Tensor, positions: Tensor) -> Tensor:
    """(B, C, H, W) values of the target at (B, H * W) flat positions."""
    index = positions[:, None].expand(-1, target.shape[1], -1)  # a view
    return target.flatten(2).gather(2, index).view(target.shape)
