"""Which of many are taken where a few have to stand for all."""

import torch
from torch import Tensor


def evenly_spread(total: int, most: int) -> Tensor:
    """Return at most so many of the numbers below `total`, at even distances from the first to the last: (N,) int64."""
    return torch.linspace(0, total - 1, min(most, total), dtype=torch.float64).round().long()
