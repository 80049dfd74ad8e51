"""The structural similarity as a loss: with gradients and unrounded, unlike the metric in metrics/similarity.py."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RADIUS, SIGMA = 5, 1.5  # an 11x11 Gaussian window
C1, C2 = 0.01**2, 0.03**2  # for a range of 1


def structural_loss(generated: Tensor, target: Tensor) -> Tensor:
    """Return 1 minus the mean structural similarity of two (B, 3, H, W) batches in [-1, 1], in float32: 0 to 2.

    The mean is over the positions at which the window lies inside. Gradients reach whichever requires them.
    Raises ValueError for images of different shape or smaller than the window.
    Source: Wang et al. 2004, window, constants and range as in their equation 13 and section III.
    """
    if generated.shape != target.shape or min(generated.shape[-2:]) <= 2 * RADIUS:
        shapes = f"{tuple(generated.shape)} and {tuple(target.shape)}"
        raise ValueError(f"expected two batches of one shape, 11 pixels wide and high at least, got {shapes}")
    with torch.autocast(generated.device.type, enabled=False):
        x, y = generated.float() / 2, target.float() / 2  # grey is 0: variances keep more digits
        rows, columns = (_windows(n, x.device) for n in x.shape[-2:])
        # A window's moments are two matrix products; those of x and y together in one.
        mean_x, mean_y, squares, products = (rows @ torch.cat([x, y, x * x + y * y, x * y]) @ columns.T).chunk(4)
        variances = squares - mean_x.square() - mean_y.square()
        covariance = products - mean_x * mean_y
        light_x, light_y = mean_x + 0.5, mean_y + 0.5  # black is 0
        score = (2 * light_x * light_y + C1) / (light_x.square() + light_y.square() + C1)
        score = score * (2 * covariance + C2) / (variances + C2)
        return 1 - score.mean()


def _windows(size: int, device: torch.device) -> Tensor:
    """(size - 10, size): each row is the window at one position."""
    taps = [math.exp(-0.5 * (k / SIGMA) ** 2) for k in range(-RADIUS, RADIUS + 1)]
    window = torch.tensor([tap / sum(taps) for tap in taps], device=device)
    count = size - 2 * RADIUS
    places = torch.arange(count, device=device)[:, None] + torch.arange(2 * RADIUS + 1, device=device)
    return torch.zeros(count, size, device=device).scatter_(1, places, window.expand(count, -1))
