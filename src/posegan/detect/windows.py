"""Where the detector `builtin` looks: upright windows over a photo, cut out at the size of its network's crops.

A window is (left, top, height) in pixels; it is half as wide as high, as crops are. It may stick out of the photo,
whose edge then goes on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.detect.crop_network import CROP
from posegan.images import to_signed
from posegan.pose import Pose, Size

ASPECT = CROP[1] / CROP[0]
ROOM = 1.22  # height of a window around a person, as a multiple of the extent of the joints
AROUND = 0.6  # of the photo's height, the width of the edge that goes on around it
STEPS = (0.2, 0.15)  # of a window's height, between neighbouring windows across and down
HEIGHTS = (0.6, 0.8, 1.0, 1.25)  # of windows as shares of the photo's: people fill at least half of it
OUT = 0.12  # of the photo's height, how far windows stick out of it
MIDDLE = (0.8, 1.0, 1.15)  # heights of windows over the middle, beside that of one as wide as the photo
LIMITS = (0.5, 2.0)  # of those heights
WIDE = 1.8  # height of a window over its person's width, if that is more than their height asks for


def grid_of_windows(size: Size) -> Tensor:
    """Return windows (N, 3) of HEIGHTS all over a photo (H, W)."""
    height, width = size
    found = []
    for share in HEIGHTS:
        tall = share * height
        out = max(OUT * height, (tall - height) / 2)
        tops = _spread(-out, height + out - tall, STEPS[1] * tall)
        lefts = _spread(-OUT * height, width + OUT * height - ASPECT * tall, STEPS[0] * tall)
        left, top = torch.meshgrid(lefts, tops, indexing="ij")
        found.append(torch.stack([left.flatten(), top.flatten(), torch.full((left.numel(),), tall)], 1))
    return torch.cat(found)


def middle_windows(size: Size) -> Tensor:
    """Return windows (N, 3) over the middle of a photo (H, W): a photo that was cut around a person needs no others."""
    height, width = size
    tall = torch.tensor([*MIDDLE, width / ASPECT / height]).clamp(*LIMITS) * height
    return torch.stack([(width - ASPECT * tall) / 2, (height - tall) / 2, tall], 1)


def windows_around(pose: Pose) -> Tensor:
    """Return the windows (N, 3) around people (N,) as the network was trained to see them.

    Where no joint is visible the window is one pixel high.
    """
    seen = pose.visible[..., None]
    low = torch.where(seen, pose.xy, torch.inf).amin(1)
    high = torch.where(seen, pose.xy, -torch.inf).amax(1)
    some = pose.visible.any(1, keepdim=True)
    low, high = torch.where(some, low, 0.0), torch.where(some, high, 0.0)
    tall = ROOM * torch.maximum((high - low)[:, 1], WIDE * (high - low)[:, 0]) + 1
    corner = (low + high) / 2 - torch.stack([ASPECT * tall, tall], 1) / 2 + 0.5
    return torch.cat([corner, tall[:, None]], 1)


def cut_windows(photo: Tensor, windows: Tensor) -> Tensor:
    """Return windows (N, 3) of a photo (3, H, W) uint8 as crops (N, 3, 128, 64) in [-1, 1].

    Each pixel of a crop is the mean of four places: enough for windows up to four times as high as crops.
    """
    from torchvision.ops import roi_align  # here: it takes seconds, which commands that look at no photo need not wait

    around = round(AROUND * photo.shape[-2])
    padded = F.pad(to_signed(photo)[None], (around,) * 4, mode="replicate")
    left, top, tall = windows.unbind(1)
    boxes = torch.stack([left, top, left + ASPECT * tall, top + tall], 1) + around
    crops: Tensor = roi_align(padded, [boxes], CROP, sampling_ratio=2, aligned=True)
    return crops


def from_windows(xy: Tensor, windows: Tensor) -> Tensor:
    """Return places (N, J, 2) in the pixels of crops as places in the photo."""
    return (xy + 0.5) * (windows[:, None, 2:] / CROP[0]) + windows[:, None, :2] - 0.5


def _spread(first: float, last: float, step: float) -> Tensor:
    """Return evenly spread numbers from `first` to `last`, at most `step` apart; their middle if they are reversed."""
    if last <= first:
        return torch.tensor([(first + last) / 2])
    return torch.linspace(first, last, 2 + int((last - first) / step))
