"""Perceptual loss on features that a frozen network (layers/features.py) has already computed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from posegan.losses.absolute import mean_absolute_difference


def perceptual_loss(
    generated_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    weights: Mapping[str, float] | None = None,
) -> Tensor:
    """Return the mean over taps of weight * mean |generated - target|, summed in float32.

    generated_features, target_features: tap name to (B, C, H, W), the same taps in both; the target's are usually
    computed without gradients. weights: tap name to factor, every factor 1 by default.
    Raises ValueError if the taps of the three differ or there are none. Source: Johnson et al. 2016, with L1.
    """
    taps = generated_features.keys()
    if not taps or taps != target_features.keys() or (weights is not None and taps != weights.keys()):
        named = [sorted(m) for m in (generated_features, target_features, weights or {})]
        raise ValueError(f"expected the same taps in generated, target and weights, got {named}")
    terms = [
        mean_absolute_difference(generated_features[tap], target_features[tap]) * (weights[tap] if weights else 1.0)
        for tap in taps
    ]
    return torch.stack(terms).mean()
