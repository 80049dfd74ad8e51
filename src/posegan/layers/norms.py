"""Normalisation layers that torch does not have. Statistics are taken in float32 whatever the autocast type."""

import torch
from torch import Tensor, nn


class SampleNorm(nn.Module):
    """Normalise each sample over channels, height and width together, with one scalar gain and one scalar bias.

    (B, C, H, W) -> (B, C, H, W): (x - mean) / (std + eps) * weight + bias. This is what keras-contrib's
    InstanceNormalization does by default, and so what Deformable GAN's published numbers come from; eps is added to the
    standard deviation, not to the variance.
    """

    def __init__(self, eps: float = 1e-3) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features in the type they came in."""
        values = x.float()
        mean = values.mean((1, 2, 3), keepdim=True)
        # 1e-12 keeps the slope of the root finite for a constant sample.
        std = (values - mean).square().mean((1, 2, 3), keepdim=True).add(1e-12).sqrt()
        gain = self.weight / (std + self.eps)
        return (values * gain + (self.bias - mean * gain)).to(x.dtype)
