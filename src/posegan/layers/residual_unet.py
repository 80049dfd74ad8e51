"""The residual U-Net with a fully connected bottleneck: PG2's first stage and the decoder of Disentangled.

It knows nothing of poses: whatever should be drawn is in its input channels.
"""

import math

from torch import Tensor, cat, nn
from torch.nn import functional as F

from posegan.layers.init import glorot_uniform
from posegan.layers.sizes import SameConv2d, fit_map, halved
from posegan.pose import Size


def unet_blocks(size: Size) -> int:
    """Return how many resolutions PG2's U-Net has: its deepest map is 8 rows high (5 for 128x64, 6 for 256x256)."""
    return max(round(math.log2(size[0])) - 2, 2)


class ResidualPair(nn.Module):
    """x + relu(conv3(relu(conv3(x)))): shapes stay."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of x."""
        out = x
        for conv in self.convs:
            out = F.relu(conv(out))
        return x + out


class _Bottleneck(nn.Module):
    """Flatten, linear, linear, no activation: all that the decoder knows beyond the skips passes through `latent`."""

    def __init__(self, inputs: int, latent: int, outputs: int, size: Size) -> None:
        super().__init__()
        self.size = size
        self.outputs = outputs
        self.narrow = nn.Linear(inputs * size[0] * size[1], latent)
        self.widen = nn.Linear(latent, outputs * size[0] * size[1])

    def forward(self, x: Tensor) -> Tensor:
        code = self.narrow(fit_map(x, self.size).flatten(1))  # (B, latent)
        return fit_map(self.widen(code).reshape(-1, self.outputs, *self.size), (x.shape[-2], x.shape[-1]))


class ResidualUNet(nn.Module):
    """(B, in_channels, H, W) -> (B, out_channels, H, W) without output activation; H, W multiples of `size_multiple`.

    size: (H, W) that the bottleneck is counted from; at other sizes the deepest map is resized to it and back.
    blocks: number of resolutions, one residual block each way at each; `unet_blocks(size)` if None.
    width: the i-th resolution has (i + 1) * width channels. Convolutions are followed by ReLU, there is no norm.
    `first` is the only layer that sees the input; who computes its output otherwise calls `after_first`.
    Source: PG2 (Ma et al. 2017), released code; Glorot-uniform kernels and zero biases.
    """

    def __init__(
        self,
        in_channels: int,
        size: Size,
        *,
        blocks: int | None = None,
        width: int = 128,
        latent: int = 64,
        out_channels: int = 3,
    ) -> None:
        super().__init__()
        blocks = blocks or unet_blocks(size)
        channels = [width * (i + 1) for i in range(blocks)]
        self.size_multiple = 2 ** (blocks - 1)
        self.first = nn.Conv2d(in_channels, width, 3, padding=1)
        self.encoder = nn.ModuleList(ResidualPair(c) for c in channels)
        self.down = nn.ModuleList(SameConv2d(channels[i], channels[i + 1], 3, stride=2) for i in range(blocks - 1))
        self.bottleneck = _Bottleneck(channels[-1], latent, width, halved(size, blocks - 1))
        joined = [width + channels[-1]] + [2 * c for c in reversed(channels[:-1])]
        self.decoder = nn.ModuleList(ResidualPair(c) for c in joined)
        self.up = nn.ModuleList(nn.Conv2d(joined[i], channels[-2 - i], 1) for i in range(blocks - 1))
        self.last = nn.Conv2d(joined[-1], out_channels, 3, padding=1)
        glorot_uniform(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image, not bounded."""
        return self.after_first(self.first(x))

    def after_first(self, x: Tensor) -> Tensor:
        """Return the image from what `first` returns, (B, width, H, W) before its ReLU."""
        skips = [self.encoder[0](F.relu(x))]
        for down, block in zip(self.down, self.encoder[1:], strict=True):
            skips.append(block(F.relu(down(skips[-1]))))
        x = self.decoder[0](cat([self.bottleneck(skips[-1]), skips[-1]], 1))
        for up, skip, block in zip(self.up, reversed(skips[:-1]), self.decoder[1:], strict=True):
            # The paper enlarges first; a 1x1 conv and a ReLU give the same at a quarter of the cost before it.
            x = F.interpolate(F.relu(up(x)), scale_factor=2.0, mode="nearest")
            x = block(cat([x, skip], 1))
        image: Tensor = self.last(x)
        return image
