"""Smoothness of learned flow fields: neighbouring positions should move alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def offset_smoothness_loss(flows: Sequence[Tensor]) -> Tensor:
    """Return mean |d flow/dx| + mean |d flow/dy| by forward differences, averaged over all scales.

    flows: one (B, 2, h, w) field of (dx, dy) a scale, each in pixels of its own scale. The loss is 0 for any rigid
    shift. A scale that is one pixel wide or high has no difference along that axis.
    Raises ValueError for an empty sequence.
    """
    if not flows:
        raise ValueError("offset_smoothness_loss needs at least one flow field")
    return torch.stack([_roughness(flow.float()) for flow in flows]).mean()


def _roughness(flow: Tensor) -> Tensor:
    along = [flow.diff(dim=dim).abs() for dim in (-1, -2) if flow.shape[dim] > 1]
    return sum((difference.mean() for difference in along), start=flow.new_zeros(()))
