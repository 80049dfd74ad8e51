"""Adaptive normalisation: a style scales and shifts normalised features, patch by patch (AdaPN) or as a whole (AdaIN).

Both take features (B, C, H, W) and a style (B, S, h, w), and also tell what they did, for people to look at. Built
after the released code of APS (Huang et al. 2020), which adds 1 to the paper's gamma and has LReLU where the paper says
ReLU.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.fitted_up import tile_patches

STATISTICS = ("gamma mean", "gamma deviation", "beta mean", "beta deviation")
EPS = 1e-8  # added to the variance

Modulation = Literal["adapn", "adain"]


class AdaptivePatchNorm(nn.Module):
    """AdaPN: LReLU 0.2, normalisation of each channel, then x * (1 + gamma) + beta with a gamma and beta per patch.

    factor: sides of a patch in pixels of the features; where the patches reach beyond these, their edge is cut off.
    """

    def __init__(self, channels: int, style: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.embed = nn.Conv2d(style, 2 * channels, 1)

    def forward(self, x: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return the modulated features, and statistics (B, 4, h, w) of the modulation."""
        size = x.shape[-2], x.shape[-1]
        beta, gamma = self.embed(style).chunk(2, 1)
        gain, offset = (tile_patches(values, self.factor, size) for values in (gamma, beta))
        return normalised(x) * (1 + gain) + offset, statistics(gamma, beta)


class AdaptiveInstanceNorm(nn.Module):
    """AdaIN: as AdaPN, but with one gamma and beta per channel, a linear layer and LReLU 0.2 of the mean style."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.embed = nn.Linear(style, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return the modulated features, and statistics (B, 4, 1, 1) of the modulation."""
        values = F.leaky_relu(self.embed(style.mean((2, 3))), 0.2)
        beta, gamma = values[..., None, None].chunk(2, 1)  # (B, C, 1, 1)
        return normalised(x) * (1 + gamma) + beta, statistics(gamma, beta)


def adaptive_norm(kind: Modulation, channels: int, style: int, factor: int) -> nn.Module:
    """Return the layer of that name for so many channels of features and of style; AdaIN has no use for the factor."""
    return AdaptivePatchNorm(channels, style, factor) if kind == "adapn" else AdaptiveInstanceNorm(channels, style)


def normalised(x: Tensor) -> Tensor:
    """Return LReLU 0.2 of features with mean 0 and variance 1 over height and width, in their own type.

    The statistics are taken in float32: half precision would round EPS to 0.
    """
    active = F.leaky_relu(x, 0.2).float()
    # Less the first pixel, a constant map (of a pose without joints) is exactly 0 and its rounding is not blown up by
    # 1 / sqrt(EPS). One call, because ONNX export drops an EPS as small as this from a sum.
    return F.instance_norm(active - active[..., :1, :1], eps=EPS).to(x.dtype)


def statistics(gamma: Tensor, beta: Tensor) -> Tensor:
    """Return (B, 4, h, w) from (B, C, h, w) twice, in the order of STATISTICS, cut from the graph."""
    moments = []
    for values in (gamma, beta):
        deviation, mean = torch.std_mean(values.detach().float(), 1, correction=0, keepdim=True)
        moments += [mean, deviation]
    return torch.cat(moments, 1)
