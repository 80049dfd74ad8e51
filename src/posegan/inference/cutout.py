"""Which pixels of a photo are its person: what their distance from the bones suggests, and colours decide.

The colours of pixels on bones and those of pixels far from them are counted, in histograms; in between, a pixel is what
its colour is the more common in. A few rounds sharpen both (as iterated graph cuts do: GrabCut, Rother et al. 2004), a
guided filter (He et al. 2010) lets the edge follow that of the photo.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.part_flow import bone_distances, part_distances, torso_distance
from posegan.layers.warp import pixel_grid
from posegan.pose import Pose, torso_length

# Distances from bones are in half-widths of the part, see `bone_distances`.
EDGE = 0.9  # where colour alone decides
SLOPE = 4.0  # logits of a half-width more or less
SURE, SURE_TORSO = 0.25, 0.7  # up to which a pixel is person, whatever its colour: between joints alone
CORE, FAR = 0.7, 2.2  # up to and from which pixels give their colours to person and background at first
BINS = 16  # of each colour
RARE = 1e-5  # share of a histogram that colours have which are not in it
MOST = 4.0  # logits that a colour can tell
ROUNDS = 3
FILTER = 0.06  # of the torso's length: half the side of the guided filter's square
SMOOTH = 1e-3  # squared differences of colours in [0, 1] below which the filter takes a square for plain
# Joints from which hands and feet go on, the joint before, and how far, as a share of what is between these.
ENDS = ((3, 4, 0.4), (6, 7, 0.4), (9, 10, 0.15), (12, 13, 0.15))


def cut_out(photo: Tensor, pose: Pose) -> Tensor:
    """Return how much of each pixel of a photo (1, 3, h, w) in [-1, 1] is its person, of the pose (1,): (1, h, w)."""
    size = photo.shape[-2], photo.shape[-1]
    colours = (photo.float() + 1) / 2
    grid = pixel_grid(size, photo.device)
    distance = body_distances(pose, grid).amin(1)
    expected = ((EDGE - distance) * SLOPE).clamp(-8, 8)
    surely = (part_distances(pose, grid).amin(1) < SURE) | (torso_distance(pose, grid) < SURE_TORSO)
    bins = colour_bins(colours)
    person, rest = (distance < CORE).float(), (distance > FAR).float()
    radius = max(1, round(FILTER * torso_length(pose, size)))
    share = person
    for _ in range(ROUNDS):
        common = [(histogram(bins, part) + RARE).log() for part in (person, rest)]
        told = (common[0] - common[1])[bins].clamp(-MOST, MOST)
        share = torch.where(surely, 1.0, torch.sigmoid(told + expected))
        share = guided(colours, share[:, None], radius)[:, 0].clamp(0, 1)
        person, rest = share * (share > 0.5), (1 - share) * (share < 0.5)
    return torch.where(surely, 1.0, (2 * share - 0.5).clamp(0, 1))


def body_distances(pose: Pose, grid: Tensor) -> Tensor:
    """Return `bone_distances` (B, 10, h, w) of a body whose hands and feet go on beyond their joints."""
    return bone_distances(to_the_ends(pose), grid)


def to_the_ends(pose: Pose) -> Pose:
    """Return the poses (B,) with wrists and ankles where hands and feet end."""
    xy = pose.xy.clone()
    for inner, outer, share in ENDS:
        xy[:, outer] += share * (xy[:, outer] - xy[:, inner])
    return Pose(xy, pose.visible)


def guided(guide: Tensor, values: Tensor, radius: int) -> Tensor:
    """Return values (B, 1, h, w) smoothed within squares of pixels, along the edges of a guide (B, 3, h, w).

    In each square they become the nearest linear function of the guide's colours; the mean over all squares counts.
    """
    mean, mean_values = _mean(guide, radius), _mean(values, radius)
    together = _mean(guide * values, radius) - mean * mean_values  # (B, 3, h, w)
    products = (guide[:, :, None] * guide[:, None]).flatten(1, 2)
    spread = _mean(products, radius) - (mean[:, :, None] * mean[:, None]).flatten(1, 2)
    spread = spread.unflatten(1, (3, 3)).permute(0, 3, 4, 1, 2) + SMOOTH * torch.eye(3, device=guide.device)
    slope = torch.linalg.solve(spread, together.permute(0, 2, 3, 1)[..., None])[..., 0].permute(0, 3, 1, 2)
    offset = mean_values - (slope * mean).sum(1, keepdim=True)
    return (_mean(slope, radius) * guide).sum(1, keepdim=True) + _mean(offset, radius)


def _mean(image: Tensor, radius: int) -> Tensor:
    """Return the means over squares; from running sums, which take as long for any radius."""
    side = 2 * radius + 1
    sums = F.pad(image, (radius + 1, radius, radius + 1, radius), mode="replicate").double()  # one more to subtract
    sums = sums.cumsum(-1)
    sums = (sums[..., side:] - sums[..., :-side]).cumsum(-2)
    return ((sums[..., side:, :] - sums[..., :-side, :]) / side**2).float()


def colour_bins(colours: Tensor) -> Tensor:
    """Return the number of the histogram's bin of each pixel (B, 3, h, w) in [0, 1]: (B, h, w)."""
    red, green, blue = (colours * (BINS - 1)).round().long().clamp(0, BINS - 1).unbind(1)
    return (red * BINS + green) * BINS + blue


def histogram(bins: Tensor, weights: Tensor) -> Tensor:
    """Return the share of the weights (B, h, w) in each bin (BINS ** 3,), blurred by half a bin to each side."""
    counts = torch.bincount(bins.flatten(), weights.flatten(), BINS**3).float().view(1, 1, BINS, BINS, BINS)
    taps = torch.tensor([0.25, 0.5, 0.25], device=counts.device)
    for shape in ((1, 1, 3, 1, 1), (1, 1, 1, 3, 1), (1, 1, 1, 1, 3)):
        counts = F.conv3d(counts, taps.view(shape), padding=[length // 2 for length in shape[2:]])
    return (counts / counts.sum().clamp(min=1e-6)).flatten()
