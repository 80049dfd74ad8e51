"""Light on surfaces: ambient occlusion, key light and highlights per fragment, and the shadow on the ground.

Exists to turn albedo into the look of a photo. Lights are drawn in scene.py; colours come from texture.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.data.synthetic import raster, scene
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.kinematics import turn

# Direction of each tap (x right, y down) and its strength: a hexagon, because six taps look like eight.
_TAPS = (
    (1.0, 0.0, 0.14),
    (-1.0, 0.0, 0.14),
    (0.5, 0.87, 0.09),
    (-0.5, 0.87, 0.09),
    (0.5, -0.87, 0.16),
    (-0.5, -0.87, 0.16),
)


def look_around(
    pieces: raster.Fragments,
    normal: Tensor,
    slot: Tensor,
    camera: scene.Camera,
    light: scene.Light,
    stature: Tensor,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Six taps around each fragment weld the shading where grids of one garment meet, and darken crevices.

    Returns normals (3, Q) smoothed over the same material, and how deep each fragment lies (Q,), 0 to 1. The darkening
    stands for ambient occlusion and, weighted towards the light, for short cast shadows.
    """
    height, width = size
    many = len(pieces.pixel)
    # Fragments and, at the end, the empty background.
    table = torch.cat((pieces.depth[None], slot.to(torch.float32)[None], normal))
    table = torch.cat((table, torch.tensor([[9.0], [-1.0], [0.0], [0.0], [0.0]])), 1)
    # The first fragment of a pixel stands for the pixel.
    first = torch.full((len(stature) * height * width,), many)
    first.scatter_reduce_(0, pieces.pixel, torch.arange(many), "amin")
    base = pieces.item * (height * width)
    last = base + (height * width - 1)
    radius = camera.scale * stature * 0.024
    toward = light.direction[:, :2] * torch.tensor([1.0, -1.0])
    dark = torch.zeros(many)
    total = normal * 7.5
    for dx, dy, strength in _TAPS:
        # A tap beyond the left or right border reads the neighbouring row, which nobody sees; it never leaves the item.
        shift = (radius * dy).round().long() * width + (radius * dx).round().long()
        place = (pieces.pixel + shift.index_select(0, pieces.item)).clamp_(base, last)
        near = table.index_select(1, first.index_select(0, place))
        gap = pieces.depth - near[0]
        share = strength * (0.35 + 1.05 * (toward[:, 0] * dx + toward[:, 1] * dy).clamp(min=0))
        depth = ((gap - 0.012) / 0.05).clamp_(0, 1) * (2 - gap * 4).clamp_(0, 1)
        dark.addcmul_(depth, share.index_select(0, pieces.item))
        same = ((near[1] == slot) & (gap.abs_() < 0.035)).to(torch.float32)
        total.addcmul_(near[2:].sub_(normal), same)
    return sf.unit(total), dark.clamp_(max=0.62)


def shade(light: scene.Light, item: Tensor, normal: Tensor, inside: Tensor, albedo: Tensor, gloss: Tensor) -> Tensor:
    """Linear colour (3, Q): hemispheric ambient, wrapped key light and a soft highlight."""
    halfway = sf.unit(light.direction.t() + torch.tensor([[0.0], [0.0], [1.0]]))
    bounce = light.bounce * light.ambient[:, None]
    table = torch.cat((light.direction.t(), halfway, bounce.t(), light.sky.t() * light.ambient - bounce.t()))
    table = torch.cat((table, light.key[None])).index_select(1, item)
    key = ((sf.dot(normal, table[:3]) + 0.25) / 1.25).clamp_(min=0) * table[12]
    ambient = torch.addcmul(table[6:9], table[9:12], (normal[1] + 1) / 2)
    mirrored = sf.dot(normal, table[3:6]).clamp_(min=0).square_()
    shine = mirrored * mirrored.square().square_().square_() * gloss * table[12] * 0.28
    # Light falls off towards grazing angles, which rounds the limbs off.
    round_off = (0.72 + 0.28 * normal[2].clamp(min=0).sqrt_()) * (1 - 0.45 * inside)
    return (ambient + key).mul_(round_off).mul_(albedo.square()).add_(shine)


def ground_shadow(
    points: Tensor, shown: Tensor, stature: Tensor, camera: scene.Camera, light: scene.Light, size: tuple[int, int]
) -> Tensor:
    """Opacity (B, H, W) of the contact shadow under the feet and the soft cast shadow of vertices (3, B, V) that are
    `shown` (B, V).
    """
    height, width = size
    batch = points.shape[1]
    points, shown = points[..., ::2], shown[:, ::2]
    toward = turn(camera.frame.transpose(-1, -2), light.direction)
    slope = toward.t()[..., None] / toward[:, 1:2].clamp(min=0.35)
    x, y, z = points.unbind(0)
    level = y.clamp(min=0)
    zero = torch.zeros_like(y)
    cast, _ = camera.project(torch.stack((x - slope[0] * level, zero, z - slope[2] * level)))
    below, _ = camera.project(torch.stack((x, zero, z)))
    near = shown & (y < 0.16 * stature[:, None])
    cell = max(1, height // 64)
    coarse = (height // cell + 17, width // cell + 17)

    def splat(points: Tensor, keep: Tensor, rounds: int) -> Tensor:
        column, row = (points / cell).round_().long().add_(8)
        good = keep & (column >= 0) & (column < coarse[1]) & (row >= 0) & (row < coarse[0])
        index = torch.arange(batch)[:, None] * (coarse[0] * coarse[1]) + row * coarse[1] + column
        hit = torch.zeros(batch * coarse[0] * coarse[1] + 1)
        # The last, spare cell takes what lies outside; filling a cell twice does no harm.
        hit.index_fill_(0, torch.where(good, index, len(hit) - 1).reshape(-1), 1.0)
        field = _soften(hit[:-1].reshape(batch, 1, *coarse), rounds)
        field = (
            F.interpolate(field, scale_factor=float(cell), mode="bilinear", align_corners=False) if cell > 1 else field
        )
        return field[:, 0, 8 * cell : 8 * cell + height, 8 * cell : 8 * cell + width]

    contact = (splat(below, near, 2) * 1.4).clamp(max=1) * 0.55
    sun = splat(cast, shown, 3).clamp(max=1) * light.shadow[:, None, None]
    return 1 - (1 - contact) * (1 - sun)


def _soften(field: Tensor, rounds: int) -> Tensor:
    """Means over 3x3 cells of (..., H, W), repeated; outside lies 0. Sums of slices are faster than `avg_pool2d`."""
    for _ in range(rounds):
        wide = F.pad(field, (1, 1, 1, 1))
        tall = (wide[..., :-2] + wide[..., 1:-1]).add_(wide[..., 2:])
        field = (tall[..., :-2, :] + tall[..., 1:-1, :]).add_(tall[..., 2:, :]).mul_(1 / 9)
    return field
