"""The running average of the generator's weights, which is what gets saved for generation."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """Keeps an averaged copy of a module: average = decay * average + (1 - decay) * weights after every step.

    The decay starts low, (1 + step) / (10 + step), so that the initial weights are forgotten. Buffers are copied;
    those of batch norm belong to other weights then, and are measured before use (batch_norm.py).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the module's weights after step `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        average: list[Tensor] = list(self.module.parameters())
        weights: list[Tensor] = list(module.parameters())
        torch._foreach_lerp_(average, weights, 1 - decay)
        for kept, new in zip(self.module.buffers(), module.buffers(), strict=True):
            kept.copy_(new)
