"""The DCGAN discriminator that PG2 and Disentangled share: one logit for a whole photo, no pose, no source."""

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.init import uniform_of_std
from posegan.layers.sizes import SameConv2d, fit_map, halved
from posegan.pose import Size


class DCGANDiscriminator(nn.Module):
    """(B, in_channels, H, W) photos -> (B, 1) logits.

    5x5 convolutions of stride 2 (SAME padding), batch norm after all but the first, LReLU 0.2, down to a map 8 rows
    high (4 convolutions for 128x64, 5 for 256x256), then one linear layer; other sizes are resized to that map.
    In training the batch norm takes the statistics of all photos passed together, so who is in there is part of the
    loss. Source: PG2 (Ma et al. 2017), released code; uniform kernels of standard deviation 0.02, zero biases.
    """

    def __init__(self, size: Size, *, in_channels: int = 3, width: int = 64) -> None:
        super().__init__()
        halvings = max(round(math.log2(size[0])) - 3, 2)
        channels = [min(width * 2**i, width * 8) for i in range(halvings)]
        self.convs = nn.ModuleList(
            SameConv2d(before, after, 5, stride=2) for before, after in pairwise([in_channels, *channels])
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels[1:])
        self.map_size = halved(size, halvings)
        self.judge = nn.Linear(channels[-1] * self.map_size[0] * self.map_size[1], 1)
        uniform_of_std(self, 0.02)

    def forward(self, photo: Tensor) -> Tensor:
        """Return one logit a photo."""
        x = F.leaky_relu(self.convs[0](photo), 0.2)
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        logits: Tensor = self.judge(fit_map(x, self.map_size).flatten(1))
        return logits
