"""Structural similarity under named protocols, batched, equal to scikit-image's loop over single images.

The windowed means are two matrix products, `rows @ image @ columns.T`: each matrix holds the window's taps along its
band, with the border rule and the crop folded in, so nothing is padded or cut. It runs in float64: E[x^2] - E[x]^2 on
0..255 has only three digits left in float32 where a photo is flat. No gradients: this is a metric, not a loss.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.errors import unknown_name
from posegan.metrics.pixels import blacken, eight_bit

CHUNK = 8  # images at a time: their float64 maps stay in a CPU's cache, which saves almost half the time at 128x64


@dataclass(frozen=True)
class Protocol:
    """How one line of papers computes SSIM on uint8 RGB; K1 = 0.01 and K2 = 0.03 in all of them."""

    taps: tuple[float, ...]  # the window, a separable weighted mean
    crop: int  # border pixels left out of the mean over positions
    own_range: bool  # the constants scale with max - min of each generated image, instead of with 255
    sample_covariance: bool = False


def _gaussian(sigma: float, radius: int) -> tuple[float, ...]:
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)]
    return tuple(w / sum(weights) for w in weights)


PROTOCOLS = {
    # Deformable GAN, PATN, APS: scikit-image 0.13, whose Gaussian is cut at 4 sigma but whose crop is that of 3.5 sigma
    "paper": Protocol(_gaussian(1.5, radius=6), crop=5, own_range=True),
    # scikit-image >= 0.16 with gaussian_weights, sigma 1.5 and population covariance: the SSIM of Wang et al. 2004
    "standard": Protocol(_gaussian(1.5, radius=5), crop=5, own_range=False),
    # PG2's own tables: scikit-image's defaults, a flat 7x7 window with sample covariance
    "pg2": Protocol((1 / 7,) * 7, crop=3, own_range=False, sample_covariance=True),
    # the tables with FID and LPIPS since GFLA (2020): photos on [0, 1], data_range=1, win_size=51, else the defaults
    "uniform51": Protocol((1 / 51,) * 51, crop=25, own_range=False, sample_covariance=True),
    # the second SSIM of the same scripts ("SSIM_256"), by GFLA with sigma 1.5, by PIDM with 1.2; scikit-image >= 0.16
    "gaussian1.5": Protocol(_gaussian(1.5, radius=5), crop=5, own_range=True),
    "gaussian1.2": Protocol(_gaussian(1.2, radius=4), crop=4, own_range=True),
}


def ssim(generated: Tensor, target: Tensor, protocol: str = "paper") -> Tensor:
    """Return the (B,) mean structural similarities of two (B, 3, H, W) batches in [-1, 1] or uint8; higher is better.

    protocol: one of PROTOCOLS (docs/protocols.md). "paper" and the "gaussian" ones take the dynamic range of each
    generated image; an image of one single value has range 0 and scores 0.
    Raises UserError for an unknown protocol, ValueError for images smaller than the window.
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("SSIM protocol", protocol, PROTOCOLS)
    return _ssim(*eight_bit(generated, target), PROTOCOLS[protocol])


def masked_ssim(generated: Tensor, target: Tensor, mask: Tensor, protocol: str = "paper") -> Tensor:
    """Return the (B,) SSIM over the whole frame of both images painted black where the (B, H, W) bool mask is false.

    The black surroundings count as perfect agreement, as in the published mask-SSIM (Ma et al. 2017; Siarohin et al.
    2018, who mask with the target's body). Raises as `ssim`.
    """
    generated, target = eight_bit(generated, target)
    return ssim(blacken(generated, mask), blacken(target, mask), protocol)


@torch.no_grad()
def _ssim(generated: Tensor, target: Tensor, protocol: Protocol) -> Tensor:
    least = 2 * protocol.crop + 1
    if min(generated.shape[-2:]) < least:
        raise ValueError(f"SSIM needs images of at least {least}x{least}, got {tuple(generated.shape[-2:])}")
    device = generated.device
    if device.type == "mps":  # has no float64
        generated, target = generated.cpu(), target.cpu()
    pairs = zip(torch.split(generated, CHUNK), torch.split(target, CHUNK), strict=True)
    return torch.cat([_ssim_of_chunk(x, y, protocol) for x, y in pairs]).to(device, torch.float32)


def _ssim_of_chunk(generated: Tensor, target: Tensor, protocol: Protocol) -> Tensor:
    x, y = generated.double(), target.double()
    rows, columns = (_bands(n, protocol.taps, protocol.crop, x.device) for n in x.shape[-2:])
    mean_x, mean_y, squares, products = (
        rows @ image @ columns.T  # (B, 3, H - 2 crop, W - 2 crop)
        for image in (x, y, torch.addcmul(x * x, y, y), x * y)
    )
    window = len(protocol.taps) ** 2
    unbias = window / (window - 1) if protocol.sample_covariance else 1.0
    extent = x.amax((1, 2, 3)) - x.amin((1, 2, 3)) if protocol.own_range else x.new_full((len(x),), 255.0)  # (B,)
    c1, c2 = ((k * extent).square()[:, None, None, None] for k in (0.01, 0.03))
    means_product, means_square = mean_x * mean_y, mean_x.square_().addcmul_(mean_y, mean_y)
    covariance = products.sub_(means_product).mul_(2 * unbias).add_(c2)
    variances = squares.sub_(means_square).mul_(unbias).add_(c2)
    score = covariance.mul_(means_product.mul_(2).add_(c1)).div_(variances.mul_(means_square.add_(c1)))
    score = score.mean((1, 2, 3))
    return torch.where(extent > 0, score, 0.0)  # without a range both constants vanish and 0 / 0 is possible


@functools.lru_cache(maxsize=32)
def _bands(size: int, taps: tuple[float, ...], crop: int, device: torch.device) -> Tensor:
    """(size - 2 crop, size) matrix of the weighted mean at each kept position; beyond the border, pixels mirror."""
    radius = len(taps) // 2
    matrix = torch.zeros(size - 2 * crop, size, dtype=torch.float64)
    for i in range(len(matrix)):
        for k, weight in enumerate(taps):
            j = i + crop + k - radius
            matrix[i, -1 - j if j < 0 else 2 * size - 1 - j if j >= size else j] += weight
    return matrix.to(device)
