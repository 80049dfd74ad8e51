"""The four networks of VUNet: encoder, posterior and prior of the latents, decoder. They know neither poses nor losses.

Latents are Gaussians of unit variance, so networks give means only. Maps come in pairs, two of each resolution.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from posegan.layers.weight_norm import (
    GuidedResidual,
    SubPixelUp,
    WeightNormConv2d,
    depth_to_space,
    space_to_depth,
)

Maps = Sequence[tuple[Tensor, Tensor]]  # two maps of each resolution


class PyramidEncoder(nn.Module):
    """(B, C, H, W) -> the maps of each resolution, H x W first: conv 1; two residual blocks before each halving."""

    def __init__(self, inputs: int, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.first = WeightNormConv2d(inputs, channels[0], 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(GuidedResidual(c, dropout=dropout) for _ in range(2)) for c in channels
        )
        self.downs = nn.ModuleList(WeightNormConv2d(a, b, 3, stride=2) for a, b in pairwise(channels))

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return what each of the two residual blocks of each resolution puts out."""
        x = self.first(x)
        maps: list[tuple[Tensor, Tensor]] = []
        for level, pair in enumerate(self.blocks):
            assert isinstance(pair, nn.ModuleList)
            if level:
                x = self.downs[level - 1](x)
            half = pair[0](x)
            x = pair[1](half)
            maps.append((half, x))
        return maps


class Posterior(nn.Module):
    """Means and samples of the latents, lowest resolution first, from the two maps of each of those resolutions.

    The released code goes on after the last sample, to no effect; that tail is left out.
    """

    def __init__(self, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.first = WeightNormConv2d(channels[0], channels[0], 1)
        self.before = nn.ModuleList(GuidedResidual(c, c, dropout) for c in channels)
        self.means = nn.ModuleList(WeightNormConv2d(c, c, 3) for c in channels)
        self.after = nn.ModuleList(GuidedResidual(c, 2 * c, dropout) for c in channels[:-1])
        self.ups = nn.ModuleList(SubPixelUp(a, b) for a, b in pairwise(channels))

    def forward(self, maps: Maps) -> tuple[list[Tensor], list[Tensor]]:
        """Return the means and the samples, which are the means themselves in evaluation."""
        h = self.first(maps[0][1])
        means: list[Tensor] = []
        samples: list[Tensor] = []
        for level, (one, two) in enumerate(maps):
            h = self.before[level](h, two)
            means.append(self.means[level](h))
            samples.append(_drawn(means[-1]) if self.training else means[-1])
            if level < len(self.ups):
                h = self.ups[level](self.after[level](h, torch.cat([one, samples[-1]], 1)))
        return means, samples


class Prior(nn.Module):
    """A latent's distribution given the shape: the four pixels of each 2x2, each predicted from those before it."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.first = GuidedResidual(channels, dropout=dropout)
        self.means = nn.ModuleList(WeightNormConv2d(4 * channels, channels, 3) for _ in range(4))
        self.feedback = nn.ModuleList(GuidedResidual(4 * channels, channels, dropout) for _ in range(3))

    def forward(self, h: Tensor, latent: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the mean and a sample; with a latent, the pixels before are taken from it, and it is the sample."""
        f = space_to_depth(self.first(h))
        known = None if latent is None else space_to_depth(latent).chunk(4, 1)
        means: list[Tensor] = []
        groups: list[Tensor] = []
        for i, mean in enumerate(self.means):
            means.append(mean(f))
            groups.append(_drawn(means[-1]) if known is None else known[i])
            if i < len(self.feedback):
                f = self.feedback[i](f, groups[-1])
        return depth_to_space(torch.cat(means, 1)), depth_to_space(torch.cat(groups, 1))


class Decoder(nn.Module):
    """Two shape maps of each resolution and the latents, all lowest resolution first -> image, not bounded."""

    def __init__(self, channels: Sequence[int], latent_scales: int, dropout: float) -> None:
        super().__init__()
        latent = channels[:latent_scales]
        self.first = WeightNormConv2d(channels[0], channels[0], 1)
        self.before = nn.ModuleList(GuidedResidual(c, c, dropout) for c in channels)
        self.priors = nn.ModuleList(Prior(c, dropout) for c in latent)
        self.joins = nn.ModuleList(WeightNormConv2d(2 * c, c, 1) for c in latent)
        self.after = nn.ModuleList(GuidedResidual(c, c, dropout) for c in channels)
        self.ups = nn.ModuleList(SubPixelUp(a, b) for a, b in pairwise(channels))
        self.last = WeightNormConv2d(channels[-1], 3, 3)

    def forward(self, maps: Maps, latents: Sequence[Tensor] | None, *, judge: bool) -> tuple[Tensor, list[Tensor]]:
        """Return the image and the means of the prior: none if latents are given and the prior need not judge them."""
        h = self.first(maps[0][1])
        prior_means: list[Tensor] = []
        for level, (one, two) in enumerate(maps):
            if level:
                h = self.ups[level - 1](h)
            h = self.before[level](h, two)
            if level < len(self.priors):
                latent = None if latents is None else latents[level]
                if latent is None or judge:
                    mean, latent = self.priors[level](h, latent)
                    prior_means.append(mean)
                h = self.joins[level](torch.cat([h, latent], 1))
            h = self.after[level](h, one)
        return self.last(h), prior_means


def _drawn(mean: Tensor) -> Tensor:
    return mean + torch.randn_like(mean)
