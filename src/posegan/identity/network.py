"""`IdentityNet`: which colours a person wears at which height, compared as people compare across cameras.

A photo becomes a soft histogram of colours in horizontal stripes, in which the middle columns count most; a linear map
learned from photos of the same and of other people turns it into a unit vector. It sees clothes, hair and skin, no
faces and no build. It reads no files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.pose import Size

SIZE: Size = (128, 64)  # of the photos that the network takes
STRIPE, STEP = 8, 4  # rows of a stripe and between two, at half the size
CENTRE = 9.0  # columns at half the size: sigma of the weight of the middle
STRIPES = (SIZE[0] // 2 - STRIPE) // STEP + 1


class IdentityNet(nn.Module):
    """(B, 3, 128, 64) in [-1, 1] to (B, numbers) of length 1; the cosine of two tells how alike two people look.

    colours: how many are told apart.
    """

    colours: Tensor
    """(K, 3) in the space of `opponent_colours`."""
    spread: Tensor
    """() squared distance over which a pixel is shared between colours."""
    mean: Tensor
    """(K * STRIPES,) of the histograms."""
    deviation: Tensor
    """() of the histograms from their mean."""

    def __init__(self, colours: int = 64, numbers: int = 128) -> None:
        super().__init__()
        self.register_buffer("colours", torch.zeros(colours, 3))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("mean", torch.zeros(colours * STRIPES))
        self.register_buffer("deviation", torch.ones(()))
        self.head = nn.Linear(colours * STRIPES, numbers)

    def forward(self, photos: Tensor) -> Tensor:
        """Return the unit vectors of photos."""
        return self.compare(self.histograms(photos))

    def histograms(self, photos: Tensor) -> Tensor:
        """Return the root of the share of each colour in each stripe, (B, K * STRIPES)."""
        pixels = opponent_colours(photos).permute(0, 2, 3, 1)  # (B, H, W, 3)
        gap = self.colours.square().sum(1) - 2 * pixels @ self.colours.T  # without what all colours share
        shares = torch.softmax(-gap / self.spread, -1)  # (B, H, W, K)
        columns = torch.arange(pixels.shape[2], device=photos.device) - (pixels.shape[2] - 1) / 2
        weights = torch.exp(-((columns / CENTRE) ** 2))
        rows = torch.einsum("bhwk,w->bkh", shares, weights / weights.sum())
        return F.avg_pool1d(rows, STRIPE, STEP).clamp(min=1e-6).sqrt().flatten(1)

    def compare(self, histograms: Tensor) -> Tensor:
        """Return the unit vectors of histograms."""
        return F.normalize(self.head((histograms - self.mean) / self.deviation), dim=1)


def opponent_colours(photos: Tensor) -> Tensor:
    """Return brightness, red-green and yellow-blue of photos [-1, 1] at half their size, the last two per brightness.

    So a shirt in the shade keeps its hue and saturation.
    """
    red, green, blue = F.avg_pool2d((photos + 1) / 2, 2).unbind(1)
    brightest = torch.maximum(torch.maximum(red, green), blue) + 0.15  # black has no colour
    return torch.stack([(red + green + blue) / 3, (red - green) / brightest, ((red + green) / 2 - blue) / brightest], 1)
