"""One dense flow from ten part affines: each target pixel follows the body part that it lies on.

Unlike `warp_by_parts` it moves the features once instead of ten times, and a learned residual can be added to it.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.warp import pixel_grid
from posegan.pose import Pose, Size
from posegan.pose.affine import NO_POINT, has_part, part_affines
from posegan.pose.heatmap import LEAST
from posegan.pose.parts import HEAD, LIMBS, take, torso_scale
from posegan.pose.pose import TORSO

# The segment that stands for each part after the torso: head (nose to neck), then limbs in the order of the affines.
_SEGMENTS = ((0, 1), *LIMBS)
PARTS = 10
BEHIND = 0.25  # half-widths that the torso is behind limbs
FARTHEST = 500 / 128  # heights of the frame: fits that move its corner farther are thrown off, and not followed
_HALF_WIDTH = torch.tensor([0.35, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2])  # of the torso scale


def coarse_grid(frame: Size, stride: int, device: torch.device) -> Tensor:
    """Return the centres of the pixels of a map `stride` times smaller, in pixels of the (H, W) frame: (h, w, 2)."""
    return pixel_grid((frame[0] // stride, frame[1] // stride), device) * stride + (stride - 1) / 2


def part_distances(pose: Pose, grid: Tensor) -> Tensor:
    """Return the distance of each point to head and limbs in units of their half-width: (B, 9, h, w), 1e4 if missing.

    grid: (h, w, 2) points in pixels of the pose's frame.
    """
    ends, seen = part_segments(pose)
    squared = _squared_distance(ends[:, :, 0], ends[:, :, 1], grid)
    half = _HALF_WIDTH.to(ends.device) * torso_scale(pose).float()[..., None].clamp_min(1.0)
    return torch.where(seen[..., None, None], squared.sqrt() / half[..., None, None], 1e4)


def _squared_distance(start: Tensor, end: Tensor, grid: Tensor) -> Tensor:
    """Return the squared distance of each point (h, w, 2) to segments with ends (..., 2): (..., h, w).

    x and y apart: with pairs of numbers as the innermost dimension every operation is many times slower.
    """
    start_x, start_y = start[..., None, None, :].unbind(-1)  # (..., 1, 1)
    along_x, along_y = (end - start)[..., None, None, :].unbind(-1)
    x, y = grid[..., 0] - start_x, grid[..., 1] - start_y  # (..., h, w)
    share = _nearest_share(x, y, along_x, along_y)
    squared: Tensor = (x - share * along_x).square() + (y - share * along_y).square()
    return squared


def nearest_on(start: Tensor, end: Tensor, grid: Tensor) -> Tensor:
    """Return the point of segments with ends (..., 2) that is nearest to each point (h, w, 2): (..., h, w, 2)."""
    start, along = start[..., None, None, :], (end - start)[..., None, None, :]
    x, y = (grid - start).unbind(-1)
    return start + _nearest_share(x, y, *along.unbind(-1))[..., None] * along


def _nearest_share(x: Tensor, y: Tensor, along_x: Tensor, along_y: Tensor) -> Tensor:
    """Return how far along segments from the origin, from 0 to 1, what is nearest to points lies."""
    share: Tensor = (x * along_x + y * along_y) / (along_x.square() + along_y.square()).clamp_min(1e-6)
    return share.clamp(0, 1)


def part_segments(pose: Pose) -> tuple[Tensor, Tensor]:
    """Return the (B, 9, 2, 2) end points and (B, 9) visibility of head and limbs; the head runs from face to neck."""
    weight = take(pose.visible, HEAD, -1).float()
    face = (take(pose.xy, HEAD, -2) * weight[..., None]).sum(1) / weight.sum(1, keepdim=True).clamp_min(1)
    xy = torch.cat([face[:, None], pose.xy[:, 1:]], 1)
    visible = torch.cat([weight.sum(1, keepdim=True) > 0, pose.visible[:, 1:]], 1)
    starts, ends = [a for a, _ in _SEGMENTS], [b for _, b in _SEGMENTS]
    there = take(visible, starts, -1) & take(visible, ends, -1)
    return torch.stack([take(xy, starts, -2), take(xy, ends, -2)], 2), there


def part_maps(pose: Pose, frame: Size, stride: int) -> Tensor:
    """Return soft maps of head and limbs, 1 on the bone, falling off with its width: (B, 9, H / stride, W / stride)."""
    with torch.no_grad():
        distance = part_distances(pose, coarse_grid(frame, stride, pose.xy.device))
        return F.threshold(torch.exp(-0.5 * distance.clamp_max(20).square()), LEAST, 0.0)


def torso_distance(pose: Pose, grid: Tensor) -> Tensor:
    """Return the distance of each point to the torso's middle line in units of its half-width: (B, h, w).

    1e4 if a shoulder or hip is missing. The half-width is that of the wider of shoulders and hips, but at least a
    quarter of the torso's length, which it falls under in a side view.
    """
    corners = take(pose.xy, TORSO, -2)  # (B, 4, 2): hips, then shoulders
    middle = corners.unflatten(1, (2, 2)).mean(2)  # (B, 2, 2)
    squared = _squared_distance(middle[:, 0], middle[:, 1], grid)  # (B, h, w)
    width = (corners[:, 0::2] - corners[:, 1::2]).square().sum(-1).sqrt().amax(1) / 2
    half = torch.maximum(width, torso_scale(pose).float() / 4).clamp_min(1.0)
    return torch.where(pose.valid[:, None, None], squared.sqrt() / half[:, None, None], 1e4)


def bone_distances(pose: Pose, grid: Tensor) -> Tensor:
    """Return the distance of each point (h, w, 2) from each part's bone in half-widths of the part: (B, 10, h, w).

    1e4 for missing parts. The torso counts as BEHIND farther than it is: arms before it are seen.
    """
    return torch.cat([torso_distance(pose, grid)[:, None] + BEHIND, part_distances(pose, grid)], 1)


def part_flow(
    source: Pose, target: Pose, frame: Size, stride: int, *, still: bool = False, reach: float = 1.4
) -> Tensor:
    """Return where each target pixel comes from under the affine of its part, as a flow on a smaller map.

    (B, 2, H / stride, W / stride), source position minus target position in pixels of that map. A pixel within `reach`
    half-widths of limbs follows the nearest one whose affine exists and is not thrown off; every other pixel follows
    the torso, which carries the background too, or stays where it is if there is no torso. still: pixels off the torso
    stay where they are.
    """
    with torch.no_grad():
        affines = part_affines(source, target)
        exists = are_followed(affines, frame)
        affines = torch.where(exists[..., None, None], affines, torch.eye(2, 3, device=affines.device))
        grid = coarse_grid(frame, stride, affines.device)
        distance = torch.where(exists[:, 1:, None, None], part_distances(target, grid), 1e4)
        nearest, limb = distance.min(1)  # (B, h, w)
        rest = torch.zeros_like(limb)
        if still:
            affines = torch.cat([affines, torch.eye(2, 3, device=affines.device).expand(affines.shape[0], 1, 2, 3)], 1)
            rest = torch.where(torso_distance(target, grid) < reach, 0, PARTS)
        part = torch.where(nearest < reach, limb + 1, rest)
        chosen = affines.flatten(2).gather(1, part.flatten(1)[..., None].expand(-1, -1, 6))  # (B, h*w, 6)
        x, y = grid.unbind(-1)
        xx, xy, x0, yx, yy, y0 = chosen.transpose(1, 2).unflatten(2, part.shape[1:]).unbind(1)  # (B, h, w) each
        flow: Tensor = torch.stack([xx * x + xy * y + x0 - x, yx * x + yy * y + y0 - y], 1) / stride
        return flow


def are_followed(affines: Tensor, frame: Size) -> Tensor:
    """Return which affines (B, 10, 2, 3) of parts in an (H, W) frame are followed: those there are, not thrown off."""
    followed = affines[..., 2].abs().amax(-1) < FARTHEST * frame[0]
    return followed & has_part(affines) if FARTHEST * frame[0] > NO_POINT else followed


def resize_flow(flow: Tensor, stride: int, wanted: int) -> Tensor:
    """Return a flow on a map of one stride as a flow on a map of another, in that map's pixels."""
    if wanted == stride:
        return flow
    if wanted > stride:
        return F.avg_pool2d(flow, wanted // stride) * (stride / wanted)
    return F.interpolate(flow, scale_factor=float(stride // wanted), mode="bilinear") * (stride / wanted)
