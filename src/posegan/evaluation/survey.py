"""One pass over the pairs before anything is measured: what they are, to the pixel, and their mean target."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.dataset import PosePairDataset
from posegan.pose import Pose

CHUNK = 512  # photos at a time


@dataclass(frozen=True, eq=False)
class Survey:
    """fingerprint: sha256 over names, photos and poses of the pairs in order. mean_target: (3, H, W) uint8."""

    fingerprint: str
    mean_target: Tensor


def survey(dataset: PosePairDataset, count: int) -> Survey:
    """Look at the first `count` pairs; every photo is read once. Raises UserError naming a photo that cannot be used.

    The mean is that of the targets of all pairs: exact sums of whole numbers, rounded once at the end.
    """
    pairs = dataset.pairs[:count].long()
    digest = hashlib.sha256(repr((dataset.size, dataset.pair_names()[:count])).encode())
    used, place = pairs.flatten().unique(return_inverse=True)
    times = torch.bincount(place.view(-1, 2)[:, 1], minlength=len(used))  # how often each photo is a target
    total = torch.zeros(3, *dataset.size, dtype=torch.int64)
    for photos, weights in zip(used.split(CHUNK), times.split(CHUNK), strict=True):
        images = dataset.photos.read(photos)
        digest.update(images.contiguous().numpy().tobytes())
        for image, weight in zip(images, weights.tolist(), strict=True):
            if weight:
                total += image.long() * weight
    digest.update(pose_bytes(dataset.poses[used]))
    return Survey(digest.hexdigest(), (total.double() / count).round().to(torch.uint8))


def pose_bytes(poses: Pose) -> bytes:
    """Return the numbers of poses as bytes, equal for equal poses."""
    return bytes(poses.xy.contiguous().numpy().tobytes() + poses.visible.contiguous().numpy().tobytes())
