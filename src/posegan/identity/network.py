"""`IdentityNet`: a small residual network from a photo of a person to a unit vector. It reads no files."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.pose import Size

SIZE: Size = (128, 64)  # of the photos that the network takes
STRIPES = 4  # head, chest, legs, feet: averaged apart, because they are dressed apart


class IdentityNet(nn.Module):
    """(B, 3, 128, 64) in [-1, 1] to (B, numbers) of length 1; the cosine of two tells how alike two people look.

    widths: channels at 1/4, 1/8 and 1/16 of the size. The first convolution sees patches of 4x4 pixels laid out as
    channels, which on a CPU takes 0.6 of the time of two convolutions with stride 2 and keeps every pixel.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 112), numbers: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(4), _convolution(48, widths[0]), nn.ReLU(), _Block(widths[0])]
        for before, width in itertools.pairwise(widths):
            layers += [_convolution(before, width, 2), nn.ReLU(), _Block(width)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(STRIPES * widths[-1], numbers)

    def forward(self, photos: Tensor) -> Tensor:
        """Return the unit vectors of photos."""
        features = F.adaptive_avg_pool2d(self.features(photos), (STRIPES, 1))
        return F.normalize(self.head(features.flatten(1)), dim=1)


class _Block(nn.Module):
    """relu(x + norm(conv3(relu(norm(conv3(x)))))) (He et al. 2016); shapes stay."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))
