"""Feature maps as rows, one a pixel: the order in which gathers read them."""

from __future__ import annotations

import torch
from torch import Tensor


def as_rows(features: Tensor) -> Tensor:
    """(B, C, h, w) -> (B*h*w, C), without a copy where the memory order is channels-last."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])


def as_map(rows: Tensor, shape: torch.Size) -> Tensor:
    """(B*h*w, C) -> (B, C, h, w) of the given shape, in channels-last memory order."""
    batch, channels, height, width = shape
    return rows.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
