"""Joint coordinates to joint maps and back: Gaussians (Deformable GAN, PATN, APS) and solid discs (PG2).

Maps are made on the pose's device, batched, each time they are needed; they are never stored.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.pose.pose import Pose, Size

LEAST = 1e-12  # what is less is 0: numbers near the smallest that float32 holds slow a convolution on a CPU many times


def _offsets(pose: Pose, size: Size, frame: Size | None) -> tuple[Tensor, Tensor]:
    """Return what separates each pixel column and row of `size` from each joint: x (..., 18, W) and y (..., 18, H).

    Both in pixels of `frame`, in which the pose's coordinates are meant.
    """
    offsets = []
    for axis, length, full in ((0, size[1], (frame or size)[1]), (1, size[0], (frame or size)[0])):
        centres = torch.arange(length, device=pose.xy.device, dtype=pose.xy.dtype)
        if full != length:
            centres = (centres + 0.5) * (full / length) - 0.5
        offsets.append(centres - pose.xy[..., axis, None])
    return offsets[0], offsets[1]


def render_heatmap(pose: Pose, size: Size, sigma: float = 6.0, frame: Size | None = None) -> Tensor:
    """Return Gaussian joint maps (..., 18, H, W) in [0, 1]: peak 1, not normalised, all 0 for a joint not visible.

    They are 0 too where the row or the column is further than 7.4 sigma from the joint.

    size: (H, W) of the maps.
    sigma: standard deviation in pixels of the frame; 6 in Deformable GAN and PATN, 12 in APS on DeepFashion.
    frame: (H, W) in which the joints' pixels are meant, `size` if None. A coarser `size` samples the full-size
        Gaussian at the centres of the coarse pixels.
    """
    x, y = _offsets(pose, size, frame)
    scale = -0.5 / sigma**2
    columns = F.threshold(torch.exp(x.square() * scale), LEAST, 0.0)  # (..., J, W)
    rows = F.threshold(torch.exp(y.square() * scale), LEAST, 0.0) * pose.visible[..., None]  # (..., J, H)
    # A Gaussian is separable: H + W exponentials and one product a pixel. A product, not a matmul, so that neither
    # autocast nor tf32 touches it.
    return rows[..., :, None] * columns[..., None, :]  # (..., J, H, W)


def render_discs(pose: Pose, size: Size, radius: float = 4.0) -> Tensor:
    """Return solid discs (..., 18, H, W): +1 up to `radius` pixels from the joint, -1 elsewhere (PG2's pose input)."""
    x, y = _offsets(pose, size, None)
    far = torch.where(pose.visible[..., None], y.square(), torch.inf)  # (..., J, H)
    within = far[..., :, None] + x.square()[..., None, :] <= radius**2  # (..., J, H, W)
    return torch.where(within, 1.0, -1.0)


def read_heatmap(maps: Tensor, threshold: float = 0.1) -> Pose:
    """Return the pose of joint maps (..., 18, H, W): each map's highest pixel if above `threshold`, else missing."""
    width = maps.shape[-1]
    peak, index = maps.flatten(-2).max(-1)  # (..., J)
    x, y = index % width, torch.div(index, width, rounding_mode="floor")
    return Pose(torch.stack([x, y], -1), peak > threshold)
