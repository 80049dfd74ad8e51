"""Pixel distances between two batches of photos: L1 (with and without a mask) and PSNR.

Every image metric of this folder starts with `eight_bit`: scores are taken from tensors rounded to 8 bits once, here
and in the open, so that they equal the scores of the same pictures written to PNG. Nothing here knows a pose: masks
are arguments. Exact definitions: docs/protocols.md.
"""

from __future__ import annotations

import math

from torch import Tensor

from posegan.images import to_bytes


def eight_bit(generated: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return two (B, 3, H, W) batches in [-1, 1] rounded to uint8; uint8 passes unchanged, other shapes ValueError."""
    if generated.shape != target.shape or generated.dim() != 4 or generated.shape[1] != 3:
        raise ValueError(f"expected two (B, 3, H, W) batches, got {tuple(generated.shape)} and {tuple(target.shape)}")
    return to_bytes(generated), to_bytes(target)


def blacken(image: Tensor, mask: Tensor) -> Tensor:
    """Return (B, 3, H, W) uint8 with zeros (black) where the (B, H, W) bool mask is false."""
    if mask.shape != (image.shape[0], *image.shape[2:]):
        raise ValueError(f"expected a mask (B, H, W) for images {tuple(image.shape)}, got {tuple(mask.shape)}")
    return image * mask.bool()[:, None]


def l1(generated: Tensor, target: Tensor) -> Tensor:
    """Return the (B,) mean absolute differences on the [-1, 1] scale (0 to 2, twice the [0, 1] value); lower is better.

    generated, target: (B, 3, H, W) in [-1, 1] or uint8. Source: table 2 of Huang et al. 2020 (APS).
    """
    generated, target = eight_bit(generated, target)
    return _mean_distance(generated, target)


def masked_l1(generated: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the (B,) L1 of both images with zeros where the (B, H, W) bool mask is false, divided by all pixels.

    The denominator is the whole frame, as published, so a small mask gives a small number. Source: APS, table 2.
    """
    generated, target = eight_bit(generated, target)
    return _mean_distance(blacken(generated, mask), blacken(target, mask))


def psnr(generated: Tensor, target: Tensor) -> Tensor:
    """Return the (B,) peak signal-to-noise ratios in dB, peak 255; equal images give infinity; higher is better."""
    generated, target = eight_bit(generated, target)
    return 20 * math.log10(255) - 10 * (generated.float() - target.float()).square().mean(dim=(1, 2, 3)).log10()


def _mean_distance(generated: Tensor, target: Tensor) -> Tensor:
    return (generated.float() - target.float()).abs().mean(dim=(1, 2, 3)) * (2 / 255)
