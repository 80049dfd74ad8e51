"""The means and variances that batch norm uses in generation, measured for the weights that are saved."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    """Return the layers of a module whose running statistics have to be measured."""
    return [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]


@contextmanager
def measured_anew(module: nn.Module) -> Iterator[None]:
    """Let the batch norm of a module in eval mode forget its statistics, and take the mean over the calls inside.

    What training leaves there belongs to the last few batches, and to dropout; a running average of weights has only
    what other weights left. After Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021.
    """
    norms = batch_norms(module)
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # each call counts the same
        norm.train()
    try:
        yield
    finally:
        for norm, momentum in zip(norms, usual, strict=True):
            norm.momentum = momentum
            norm.eval()
