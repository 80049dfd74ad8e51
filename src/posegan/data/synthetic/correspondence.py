"""Dense correspondence between two renderings by nearest body-surface coordinates.

Exists to give true source pixels for target pixels. It looks only at surface maps, so it works across identities too.
"""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 4_000_000  # distance entries at a time


def match_surfaces(source: Tensor, target: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """Source pixel (x, y) for each target pixel, (B, H, W, 2) float32, and validity (B, H, W).

    `source` and `target` are (B, H, W, 4) surface maps; a match lies on the same part within `tolerance` metres.
    """
    batch, height, width, _ = target.shape
    flow = torch.zeros(batch, height, width, 2)
    valid = torch.zeros(batch, height, width, dtype=torch.bool)
    for item in range(batch):
        for part in target[item, ..., 0].unique().tolist():
            if part == 0:
                continue
            here = (target[item, ..., 0] == part).nonzero()
            there = (source[item, ..., 0] == part).nonzero()
            if not len(there):
                continue
            goal = target[item, here[:, 0], here[:, 1], 1:]
            known = source[item, there[:, 0], there[:, 1], 1:]
            step = max(1, _CHUNK // len(there))
            for start in range(0, len(here), step):
                rows = slice(start, start + step)
                # Exact differences: the expanded form of cdist loses millimetres.
                gap = (goal[rows, None] - known[None]).square().sum(-1)
                best, index = gap.min(1)
                found = there[index]
                shift = _refine(source[item], found, goal[rows], part)
                y, x = here[rows].unbind(-1)
                flow[item, y, x] = found.flip(-1).to(torch.float32) + shift
                valid[item, y, x] = best <= tolerance**2
    return flow * valid.unsqueeze(-1), valid


def _refine(surface: Tensor, pixel: Tensor, goal: Tensor, part: float) -> Tensor:
    """Sub-pixel shift (N, 2) as (x, y) from the local slope of the coordinates, at most half a pixel.

    0 beside part borders.
    """
    height, width, _ = surface.shape
    y, x = pixel.unbind(-1)
    left, right = surface[y, (x - 1).clamp(min=0)], surface[y, (x + 1).clamp(max=width - 1)]
    above, below = surface[(y - 1).clamp(min=0), x], surface[(y + 1).clamp(max=height - 1), x]
    same = (left[:, 0] == part) & (right[:, 0] == part) & (above[:, 0] == part) & (below[:, 0] == part)
    dx, dy = (right - left)[:, 1:] / 2, (below - above)[:, 1:] / 2
    miss = goal - surface[y, x, 1:]
    a, b, c = dx.square().sum(-1), (dx * dy).sum(-1), dy.square().sum(-1)
    p, q = (dx * miss).sum(-1), (dy * miss).sum(-1)
    determinant = (a * c - b * b).clamp(min=1e-12)
    shift = torch.stack(((c * p - b * q) / determinant, (a * q - b * p) / determinant), -1)
    return shift.clamp(-0.5, 0.5) * same.unsqueeze(-1)
