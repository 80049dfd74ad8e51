"""A discriminator on the maps of a frozen feature network: it need not learn to see before it can judge.

Sauer et al. 2021 (Projected GANs) found that such a judge trains a generator in far fewer steps. Here it also sees the
source photo's maps, moved to the target pose by the body parts, so that cloth and face are compared with their own.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.features import WIDTHS, block_of
from posegan.layers.part_flow import resize_flow
from posegan.layers.warp import pixel_grid, sample_pixels


def shift_right_down(photo: Tensor, shift: tuple[int, int]) -> Tensor:
    """Return photos (B, C, H, W) moved by so many pixels (x, y), their left and top edge repeated."""
    if shift == (0, 0):
        return photo
    height, width = photo.shape[-2:]
    return F.pad(photo, (shift[0], 0, shift[1], 0), mode="replicate")[..., :height, :width]


def move_features(features: Mapping[str, Tensor], flow: Tensor, stride: int) -> dict[str, Tensor]:
    """Return maps (B, C, h, w) of a feature network moved by a flow (B, 2, H / stride, W / stride) of the photo."""
    moved = {}
    for tap, maps in features.items():
        here = resize_flow(flow, stride, 2 ** block_of(tap))
        grid = pixel_grid((maps.shape[-2], maps.shape[-1]), maps.device)
        moved[tap] = sample_pixels(maps, grid + here.permute(0, 2, 3, 1))
    return moved


class FeatureDiscriminator(nn.Module):
    """Features of photos, of their moved sources and the maps of the target pose -> a map of logits a scale.

    taps: of the feature network, such as 'relu2_2'; pose: channels of the pose maps; width: channels that the photo's
    resolution is given, doubled with each halving.
    """

    def __init__(self, taps: Sequence[str], pose: int, width: int, spectral: bool = True) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm if spectral else nn.Identity()
        self.photo, self.source, self.pose, self.layers = (nn.ModuleDict() for _ in range(4))
        for tap in taps:
            block = block_of(tap)
            inputs, channels = WIDTHS[block], width * 2**block
            self.photo[tap] = norm(nn.Conv2d(inputs, channels, 1))
            self.source[tap] = norm(nn.Conv2d(inputs, channels, 1))
            self.pose[tap] = norm(nn.Conv2d(pose, channels, 1))
            self.layers[tap] = nn.Sequential(
                nn.LeakyReLU(0.2),
                norm(nn.Conv2d(channels, channels, 3, padding=1)),
                nn.LeakyReLU(0.2),
                norm(nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1)),
                nn.LeakyReLU(0.2),
                nn.Conv2d(2 * channels, 1, 3, padding=1),
            )

    def forward(self, photos: Mapping[str, Tensor], source: Mapping[str, Tensor], pose: Tensor) -> list[Tensor]:
        """Return logits (n * B, 1, h / 2, w / 2) for each tap.

        photos: tap to (n * B, C, h, w), n photos of each pair one batch after the other; source: tap to (B, C, h, w);
        pose: (B, P, h', w') maps of any size.
        """
        logits = []
        for tap, layers in self.layers.items():
            seen = self.photo[tap](photos[tap])
            maps = _at_size(pose, source[tap].shape[-2:])
            reference = self.source[tap](source[tap]) + self.pose[tap](maps)
            logits.append(layers(seen + reference.repeat(len(seen) // len(reference), 1, 1, 1)))
        return logits


def _at_size(maps: Tensor, size: torch.Size) -> Tensor:
    """Return smooth maps at another size: means of pixels where it is smaller, in between them where it is larger."""
    if maps.shape[-1] == size[-1]:
        return maps
    smaller = size[-1] < maps.shape[-1]
    return F.interpolate(maps, size, mode="area") if smaller else F.interpolate(maps, size, mode="bilinear")
