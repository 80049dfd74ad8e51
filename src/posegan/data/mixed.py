"""`mixed`: the pairs of two data sets in one, in a given proportion. It does not ask what kind they are."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from posegan.data.dataset import PosePairDataset
from posegan.data.photos import PhotoSource
from posegan.pose import Pose, Size


class JoinedPhotos:
    """The photos of one source, then those of another, of the same size."""

    def __init__(self, first: PhotoSource, second: PhotoSource) -> None:
        self.first, self.second = first, second
        self.names = (*first.names, *second.names)
        self.size: Size = first.size

    def read(self, indices: Tensor) -> Tensor:
        """Return the photos (n,) int as (n, 3, H, W) uint8; raises UserError naming a photo that cannot be used."""
        photos = torch.empty((len(indices), 3, *self.size), dtype=torch.uint8)
        later = indices >= len(self.first.names)
        for source, chosen, start in ((self.first, ~later, 0), (self.second, later, len(self.first.names))):
            if chosen.any():
                photos[chosen] = source.read(indices[chosen] - start)
        return photos


def mixed(data: PosePairDataset, added: PosePairDataset, share: float) -> PosePairDataset:
    """Return all pairs of `data` and so many of `added` that they are the given share, at least 0 and below 1, of all.

    If there are not enough of them they come again. Both need photos of one size, or it is a ValueError.
    """
    if data.size != added.size or not 0 <= share < 1:
        raise ValueError(f"photos of {data.size} and {added.size}, {share=}")
    count = round(len(data) * share / (1 - share))
    # Evenly over the list, whose neighbours show one person.
    chosen = torch.linspace(0, len(added), count + 1)[:-1].long() if count <= len(added) else torch.arange(count)
    pairs = torch.cat([data.pairs, added.pairs[chosen % len(added)] + len(data.names)])
    poses = Pose(torch.cat([data.poses.xy, added.poses.xy]), torch.cat([data.poses.visible, added.poses.visible]))
    photos = JoinedPhotos(data.photos, added.photos)
    return PosePairDataset(photos, poses, pairs, maps=data.maps, report=dataclasses.replace(data.report, totals={}))
