"""Gram loss: compares which features occur together, wherever they occur. The features are computed elsewhere."""

import torch
import torch.nn.functional as F
from torch import Tensor


def gram_loss(generated: Tensor, target: Tensor) -> Tensor:
    """Return mean |G(generated) - G(target)| of feature maps (B, C, H, W), with G = F F^T / (4 H W), in float32.

    Source: Gatys et al. 2016, in the scale of VUNet's released code.
    """
    with torch.autocast(generated.device.type, enabled=False):
        return F.l1_loss(_gram(generated.float()), _gram(target.float()))


def _gram(features: Tensor) -> Tensor:
    rows = features.flatten(2)  # (B, C, H * W)
    return rows @ rows.transpose(1, 2) / (4 * rows.shape[2])
