"""The means and variances that batch norm uses in generation, measured for the weights that are saved."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from posegan.data import PosePairDataset
from posegan.spread import evenly_spread

PAIRS = 256  # to measure on
BATCH = 32


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


@torch.no_grad()
def measure_batch_norm(generator: nn.Module, data: PosePairDataset, device: str | torch.device = "cpu") -> None:
    """Give a generator in eval mode statistics of its own: over training pairs from all over `data`, always the same.

    One without batch norm stays as it is.
    """
    if not batch_norms(generator):
        return
    pairs = evenly_spread(len(data), PAIRS)
    with measured_anew(generator):
        for part in pairs.tensor_split(-(-len(pairs) // BATCH)):  # alike in size: each counts the same
            batch = data.batch(part).to(device)
            generator(batch.source_image, batch.source_pose, batch.target_pose)
