"""LPIPS's distance over given feature maps and heads, and similarity of identity embeddings; it runs no network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

EPSILON = 1e-10  # added to each vector's length, as in the lpips package


def perceptual_distance(generated: Sequence[Tensor], target: Sequence[Tensor], heads: Sequence[Tensor]) -> Tensor:
    """Return the (B,) distances of two photos' feature maps; lower is better.

    generated, target: L maps (B, C_l, h_l, w_l) each. heads: L weights (C_l,).
    Each map is scaled to unit length over its channels; the squared differences are weighted by the head, averaged
    over positions and summed over maps. Source: Zhang et al. 2018 (LPIPS), equation 1.
    """
    distance = torch.zeros(len(generated[0]), device=generated[0].device)
    for x, y, head in zip(generated, target, heads, strict=True):
        squares = (_unit(x) - _unit(y)).square()  # (B, C, h, w)
        distance = distance + torch.einsum("bchw,c->b", squares, head) / squares[0, 0].numel()
    return distance


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)


def identity_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Return the (B,) cosines between two batches of embeddings (B, D), -1 to 1; higher means more alike."""
    return torch.cosine_similarity(first, second, dim=-1)
