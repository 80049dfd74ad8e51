"""Several photos of one person: which of them shows best what a pose will show, part by part.

No weights are involved: only poses are compared. Mixing what the photos show is the generator's business
(`Generator.render_together`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.layers.part_flow import are_followed, bone_distances, coarse_grid, part_segments
from posegan.pose import Pose, Size
from posegan.pose.affine import part_affines
from posegan.pose.view import TURN, same_view_of_head, stretch, torso_width

STRETCH = 1.5  # of a limb along its bone against across it, at which a photo has lost as much as by a turn of TURN
MOST_STRETCHED = 4.0  # more than this counts as this
LEAST = 0.01  # that two heads have in common
MISSING = 4.0  # what a photo loses that lacks the part, in the same units
# Distances from bones are in half-widths of the part, see `bone_distances`.
SHARPNESS = 4.0  # by which a nearer part wins over a farther one, per half-width
REACH = 1.5  # half-widths from its bone up to which a pixel belongs to a part


def photo_shares(sources: Pose, targets: Pose, size: Size) -> Tensor:
    """Return how much of each pixel of pictures in poses (T,) each of K photos with poses (K,) should tell.

    (T, K, H, W), of a person's pixels 1 in all, less around them, where a pose says nothing. targets: in pixels of the
    (H, W) frame; each of the sources may be in a frame of its own.
    """
    count, photos = len(targets), len(sources)
    pair = torch.arange(count, device=targets.xy.device).repeat_interleave(photos)
    other = torch.arange(photos, device=targets.xy.device).repeat(count)
    fit = _part_fits(sources[other], targets[pair], size).unflatten(0, (count, photos)).softmax(1)  # (T, K, 10)
    grid = coarse_grid(size, 1, targets.xy.device)
    distance = bone_distances(targets, grid)
    parts = (-SHARPNESS * distance.clamp(max=50)).softmax(1)  # (T, 10, H, W)
    person = torch.sigmoid(4 * (REACH - distance.amin(1, keepdim=True)))
    return torch.einsum("tkp,tphw->tkhw", fit, parts) * person


def _part_fits(source: Pose, target: Pose, size: Size) -> Tensor:
    """Return how well each part of poses (B,) can be seen in other poses of the person: (B, 10), at most 0.

    size: (H, W) of the frame that the poses are in.
    """
    affines = part_affines(source, target)
    there = are_followed(affines, size)
    turned = ((torso_width(source) - torso_width(target)) / TURN).square()
    turned = torch.where(source.valid & target.valid, turned, 1.0)  # unknown
    lost = turned[:, None].repeat(1, affines.shape[1])
    lost[:, 1] -= same_view_of_head(source, target).clamp(min=LEAST).log()
    stretched = stretch(affines[:, 2:, :, :2]).clamp(max=MOST_STRETCHED)
    lost[:, 2:] += ((stretched - 1) / STRETCH).square()
    seen = torch.cat([torch.ones_like(there[:, :1]), part_segments(source)[1]], 1)
    return -lost - MISSING * ~(there & seen)
