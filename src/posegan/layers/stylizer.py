"""The two decoders of APS: the appearance-aware pose stylizer, and the plain one of its ablations.

Both take a style map (B, S, h, w), the photo seen through an encoder, and joint heatmaps (B, 18, H, W) of the target
pose, and paint photos (B, 3, H, W) in [-1, 1] for even H and W. Encoders and training are in models/aps.py.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.adapn import Modulation, adaptive_norm
from posegan.layers.dropout import Dropout
from posegan.layers.fitted_up import FittedUpConv, sizes_up
from posegan.layers.patch_resnet import Norm, norm_layer
from posegan.layers.sizes import fit_map
from posegan.pose import COCO18, Size

JOINTS = len(COCO18)

Painted = tuple[Tensor, dict[str, list[Tensor]]]  # photos, and what there is to look at inside


class NormedUp(nn.Module):
    """FittedUpConv, norm, LReLU 0.2; the bias stays beside either norm, as in the released code."""

    def __init__(self, inputs: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        self.up = FittedUpConv(inputs, outputs)
        self.norm = norm_layer(norm, outputs)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Return the features at that size."""
        return F.leaky_relu(self.norm(self.up(x, size)), 0.2)


def to_photo(channels: int) -> nn.Sequential:
    """Return (B, channels, H, W) -> photos in [-1, 1] by a 7x7 convolution (1x1 in the paper)."""
    return nn.Sequential(nn.Conv2d(channels, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())


class StylizerLevel(nn.Module):
    """One doubling of the foreground: f = dropout(y * attention + r), y being r modulated by the style twice.

    pose: channels of the heatmaps that attention sees beside y, 0 for none. without `attention`, f = dropout(y + r).
    """

    def __init__(
        self, inputs: int, outputs: int, style: int, factor: int, modulation: Modulation, pose: int, attention: bool
    ) -> None:
        super().__init__()
        self.up = FittedUpConv(inputs, outputs)
        self.before = adaptive_norm(modulation, outputs, style, factor)
        self.conv = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.after = adaptive_norm(modulation, outputs, style, factor)
        self.look = nn.Conv2d(outputs + pose, outputs, 3, padding=1) if attention else None

    def forward(
        self, f: Tensor, style: Tensor, maps: Tensor | None, size: Size
    ) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        """Return the foreground before dropout, the attention (B, C, H, W), and the statistics of both modulations.

        maps: heatmaps at the resolution of f, None if attention sees none.
        """
        r = self.up(f, size)
        y, before = self.before(r, style)
        y, after = self.after(self.conv(y), style)
        if self.look is None:
            return y + r, None, [before, after]
        seen = y if maps is None else torch.cat([y, fit_map(maps, size).to(y.dtype)], 1)
        attention = torch.sigmoid(self.look(seen))
        return y * attention + r, attention, [before, after]


class PoseStylizer(nn.Module):
    """The appearance-aware pose stylizer: a foreground that grows from the pose, and a full image painted along it.

    channels: of the foreground after each level, and of the full image, which is one doubling ahead of it but for the
    last level. style: channels of the style map.
    start: (h, w) of the style map it is built for if the foreground starts from a learned constant instead of the
    heatmaps (as in StyleGAN), which are then a part of the style and enter nowhere else; None for the heatmaps.
    foreground: whether the last layer sees the foreground beside the full image.
    """

    def __init__(
        self,
        channels: Sequence[int],
        style: int,
        norm: Norm,
        modulation: Modulation = "adapn",
        start: Size | None = None,
        attention: bool = True,
        foreground: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        pose = JOINTS if start is None else 0
        # Deviation 1 as the style it stands in for: the first normalisation would blow up a smooth constant's rounding.
        self.constant = nn.Parameter(torch.randn(1, style, *start)) if start is not None else None
        first = JOINTS if start is None else style
        inputs = [first, *(c + pose for c in channels[:-1])]
        styles = style if start is None else style + JOINTS
        self.levels = nn.ModuleList(
            StylizerLevel(a, b, styles, 2 ** (i + 1), modulation, pose, attention)
            for i, (a, b) in enumerate(zip(inputs, channels, strict=True))
        )
        self.dropout = Dropout(dropout)
        seen = [channels[0], *(a + b for a, b in pairwise(channels))]  # by the full image: itself and the foreground
        self.image = nn.ModuleList(NormedUp(a, b, norm) for a, b in zip(seen[:-1], channels[:-1], strict=True))
        last = channels[-1]
        self.image_last = nn.Sequential(
            nn.Conv2d(seen[-1], last, 7, padding=3, padding_mode="reflect"), norm_layer(norm, last), nn.LeakyReLU(0.2)
        )
        self.to_photo = to_photo(2 * last if foreground else last)
        self.foreground = foreground

    def forward(self, style: Tensor, maps: Tensor) -> Painted:
        """Return the photos; of each level "attention" (B, 1, H_i, W_i), mean over channels, and two of "adapn".

        "adapn" are the statistics (B, 4, h, w) of layers/adapn.py, in the order of the computation.
        """
        sizes = sizes_up((maps.shape[-2], maps.shape[-1]), len(self.levels))
        small = fit_map(maps, (style.shape[-2], style.shape[-1])).to(style.dtype)
        if self.constant is None:
            f = small
        else:
            f = fit_map(self.constant, (style.shape[-2], style.shape[-1])).expand(style.shape[0], -1, -1, -1)
            style = torch.cat([style, small], 1)
        g: Tensor | None = None
        attentions, statistics = [], []
        for i, (level, size) in enumerate(zip(self.levels, sizes, strict=True)):
            h = fit_map(maps, (f.shape[-2], f.shape[-1])).to(f.dtype) if self.constant is None else None
            f, attention, moments = level(f if h is None or i == 0 else torch.cat([f, h], 1), style, h, size)
            f = self.dropout(f)
            g = f if g is None else torch.cat([g, f], 1)
            g = self.image[i](g, sizes[i + 1]) if i + 1 < len(sizes) else self.image_last(g)
            statistics += moments
            attentions += [attention.mean(1, keepdim=True)] if attention is not None else []
        assert g is not None
        image = self.to_photo(torch.cat([g, f], 1) if self.foreground else g)
        return image, {"adapn": statistics} | ({"attention": attentions} if attentions else {})


class PlainDecoder(nn.Module):
    """Style and heatmaps, joined at the style's resolution, through transposed convolutions; no adaptive norm."""

    def __init__(self, channels: Sequence[int], style: int, norm: Norm) -> None:
        super().__init__()
        self.levels = nn.ModuleList(NormedUp(a, b, norm) for a, b in pairwise([style + JOINTS, *channels]))
        self.to_photo = to_photo(channels[-1])

    def forward(self, style: Tensor, maps: Tensor) -> Painted:
        """Return the photos."""
        sizes = sizes_up((maps.shape[-2], maps.shape[-1]), len(self.levels))
        x = torch.cat([style, fit_map(maps, (style.shape[-2], style.shape[-1])).to(style.dtype)], 1)
        for level, size in zip(self.levels, sizes, strict=True):
            x = level(x, size)
        return self.to_photo(x), {}
