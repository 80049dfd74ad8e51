"""A standing person, and pairs of photos of people like that: what layers, models and contracts are tested on."""

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.pose import Pose, Size

FRAME = (128, 64)
X = (32, 32, 22, 18, 16, 42, 46, 48, 26, 26, 26, 38, 38, 38, 29, 35, 26, 38)
Y = (14, 28, 28, 44, 58, 28, 44, 58, 64, 90, 116, 64, 90, 116, 12, 12, 13, 13)


def standing(dx: float = 0, dy: float = 0, missing: tuple[int, ...] = ()) -> Pose:
    """Return one person as a batch of one, in pixels of FRAME, moved by (dx, dy) and without some joints."""
    visible = torch.ones(1, 18, dtype=torch.bool)
    visible[:, list(missing)] = False
    return Pose(torch.tensor([X, Y], dtype=torch.float32).T[None] + torch.tensor([dx, dy]), visible)


def people(count: int, size: Size, seed: int, seen: float = 1.0) -> Pose:
    """Return people who stand differently, a share `seen` of their joints visible."""
    g = torch.Generator().manual_seed(seed)
    xy = standing().resize(FRAME, size).xy + torch.randn(count, 18, 2, generator=g) * size[1] / 20
    return Pose(xy, torch.rand(count, 18, generator=g) < seen)


def photos(count: int, size: Size, seed: int) -> Tensor:
    """Return smooth random pictures (count, 3, H, W) in [-1, 1]."""
    g = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 8, 4, generator=g) * 2 - 1
    return torch.nn.functional.interpolate(small, size=size, mode="bilinear")


def pairs(count: int, size: Size = FRAME, seed: int = 0, seen: float = 1.0) -> Batch:
    """Return a batch of pairs; equal arguments give equal batches."""
    images = [photos(count, size, 10 * seed + i) for i in range(2)]
    poses = [people(count, size, 10 * seed + i + 2, seen) for i in range(2)]
    names = tuple(f"{i:04d}.jpg" for i in range(count))
    return Batch(images[0], images[1], poses[0], poses[1], names, names)
