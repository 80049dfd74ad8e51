"""A discriminator on the maps of a frozen feature network: it need not learn to see before it can judge.

Sauer et al. 2021 (Projected GANs) found that such a judge trains a generator in far fewer steps. Here it also sees the
source photo's maps, moved to the target pose by the body parts, so that cloth and face are compared with their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.features import WIDTHS, block_of
from posegan.layers.warp import warp_by_flow

Maps = Mapping[str, Tensor]  # tap of the feature network -> (B, C, h, w)


@dataclass(frozen=True)
class FeatureView:
    """The photos of a step through the feature network.

    found: of the generated photos. wanted: of the targets. moved: of the sources, moved to the target pose, and pose:
    the maps of that pose (B, P, h', w'); the discriminator needs both.
    """

    found: Maps
    wanted: Maps
    moved: Maps | None = None
    pose: Tensor | None = None


def shift_right_down(photo: Tensor, x: int, y: int) -> Tensor:
    """Return photos (B, C, H, W) moved by so many pixels, their left and top edge repeated."""
    if (x, y) == (0, 0):
        return photo
    height, width = photo.shape[-2:]
    return F.pad(photo, (x, 0, y, 0), mode="replicate")[..., :height, :width]


def move_features(features: Maps, flow: Tensor, stride: int) -> dict[str, Tensor]:
    """Return maps (B, C, h, w) of a feature network moved by a flow (B, 2, H / stride, W / stride) of the photo."""
    moved = {}
    for tap, maps in features.items():
        here = at_size(flow, maps.shape[-2:]) * (stride / 2 ** block_of(tap))  # in pixels of these maps
        moved[tap] = warp_by_flow(maps, here)
    return moved


def at_size(maps: Tensor, size: torch.Size) -> Tensor:
    """Return smooth maps at another size: means of pixels where it is smaller, between pixels where it is larger."""
    if maps.shape[-2:] == size:
        return maps
    smaller = size[-2] < maps.shape[-2]
    return F.interpolate(maps, size, mode="area") if smaller else F.interpolate(maps, size, mode="bilinear")


class FeatureDiscriminator(nn.Module):
    """Features of photos, of their moved sources and the maps of the target pose -> a map of logits a scale.

    taps: of the feature network, such as 'relu2_2'; pose: channels of the pose maps; width: channels that the photo's
    resolution is given, doubled with each halving. The features should be near 1, as torchvision's VGG19 has them.
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

    def forward(self, view: FeatureView, photos: Sequence[Maps]) -> list[list[Tensor]]:
        """Return for each of several photos of every pair its logits (B, 1, h / 2, w / 2) at each scale.

        view: what they are judged beside, with `moved` and `pose`. photos: their features.
        """
        assert view.moved is not None
        assert view.pose is not None
        scales = []
        for tap, layers in self.layers.items():
            maps = at_size(view.pose, view.moved[tap].shape[-2:])
            beside = self.source[tap](view.moved[tap]) + self.pose[tap](maps)
            seen = self.photo[tap](torch.cat([photo[tap] for photo in photos]))
            scales.append(layers(seen + beside.repeat(len(photos), 1, 1, 1)).chunk(len(photos)))
        return [list(photo) for photo in zip(*scales, strict=True)]
