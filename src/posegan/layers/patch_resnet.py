"""The residual networks of PATN and APS: stems, blocks of two convolutions, and the discriminator made of them.

The generators are in models/. Weights keep torch's default initialisation, as the released discriminators do.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from posegan.layers.dropout import Dropout

Norm = Literal["batch", "instance"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return batch norm with an affine, or instance norm without one, whose statistics are always the picture's own."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels)


def has_bias(norm: Norm) -> bool:
    """Tell whether convolutions have a bias: only with instance norm, as in the released code."""
    return norm == "instance"


def stem(inputs: int, width: int, norm: Norm) -> nn.Sequential:
    """Return (B, inputs, H, W) -> (B, 4 * width, H / 4, W / 4): conv 7, two convs 3 of stride 2, norms and ReLUs."""
    first = nn.Conv2d(inputs, width, 7, padding=3, padding_mode="reflect", bias=has_bias(norm))
    layers = [first, norm_layer(norm, width), nn.ReLU()]
    for a, b in pairwise((width, 2 * width, 4 * width)):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1, bias=has_bias(norm)), norm_layer(norm, b), nn.ReLU()]
    return nn.Sequential(*layers)


def two_convs(inputs: int, outputs: int, norm: Norm, dropout: float, *, last_norm: bool = True) -> nn.Sequential:
    """Return conv 3 (inputs to inputs), norm, ReLU, dropout, conv 3 (inputs to outputs) and, if asked, norm."""

    def conv(channels: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, channels, 3, padding=1, padding_mode="reflect", bias=has_bias(norm))

    layers = [conv(inputs), norm_layer(norm, inputs), nn.ReLU(), Dropout(dropout), conv(outputs)]
    return nn.Sequential(*layers, *([norm_layer(norm, outputs)] if last_norm else []))


class ResidualConvs(nn.Module):
    """x + two_convs(x), without an activation after the sum; shapes stay."""

    def __init__(self, channels: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.layers = two_convs(channels, channels, norm, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of x."""
        out: Tensor = x + self.layers(x)
        return out


class ResnetDiscriminator(nn.Module):
    """Photo and condition (B, in_channels, H, W) -> logits (B, 4 * width, H / 4, W / 4), every element a score.

    The released code has no last convolution to one channel: the adversarial loss is a mean over the whole feature map.
    Its sigmoid before the binary cross entropy is left to the loss, which takes logits.
    Source: Zhu et al. 2019 (PATN), used unchanged by Huang et al. 2020 (APS).
    """

    def __init__(
        self, in_channels: int, width: int = 64, norm: Norm = "batch", blocks: int = 3, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.stem = stem(in_channels, width, norm)
        self.blocks = nn.Sequential(*(ResidualConvs(4 * width, norm, dropout) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.blocks(self.stem(x))
        return logits
