"""The mean absolute difference of two feature maps in few passes over memory; the graph keeps one byte a number."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def mean_absolute_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return mean |a - b| of two tensors of one shape and type, summed in float32 for lower precisions.

    Gradients reach whichever requires them. `F.l1_loss` in float32 gives the same numbers, but its graph keeps the
    difference in float32 and goes through memory several times as often.
    Raises ValueError for tensors of different shape.
    """
    if a.shape != b.shape:
        raise ValueError(f"expected two tensors of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    value: Tensor = _MeanAbsoluteDifference.apply(a, b)
    return value


class _MeanAbsoluteDifference(torch.autograd.Function):
    """Keeps the sign of the difference only."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        difference = a.to(torch.promote_types(a.dtype, torch.float32)) - b
        ctx.save_for_backward(difference.sign().to(torch.int8))
        ctx.dtype = a.dtype
        return difference.abs_().mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (sign,) = ctx.saved_tensors
        gradient = sign * (gradients[0] / sign.numel()).to(ctx.dtype)
        wanted = ctx.needs_input_grad
        return gradient if wanted[0] else None, -gradient if wanted[1] else None
