"""Light on surfaces: ambient occlusion, key light and highlights per fragment, and the shadow on the ground.

Exists to turn albedo into the look of a photo. Lights are drawn in scene.py; colours come from texture.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.data.synthetic import raster, scene
from posegan.data.synthetic.kinematics import turn, unit
from posegan.data.synthetic.raster import SUPERSAMPLE


@dataclass(frozen=True)
class Neighbourhood:
    """What surrounds each fragment in the picture.

    A normal smoothed over the same material, and how deep it lies, 0 to 1.
    """

    normal: Tensor
    dark: Tensor


def look_around(
    pieces: raster.Fragments, normal: Tensor, slot: Tensor, camera: scene.Camera, light: scene.Light, stature: Tensor
) -> Neighbourhood:
    """Six taps around each fragment: they weld the shading where grids of one garment meet, and darken crevices.

    The darkening stands for ambient occlusion and, weighted towards the light, for short cast shadows.
    """
    batch, height, width = (pieces.depth.shape[0], *(extent // SUPERSAMPLE for extent in pieces.depth.shape[1:]))
    here = pieces.depth.reshape(-1).index_select(0, pieces.sample)
    code = slot.to(torch.float32)
    values = torch.cat((here[:, None], code[:, None], normal), -1)
    # The first fragment of a pixel stands for the pixel.
    pixel, _ = pieces.pixel()
    number = torch.arange(len(pixel))
    first = torch.full((batch * height * width,), len(pixel)).scatter_reduce_(0, pixel, number, "amin")
    empty = torch.tensor([[9.0, -1.0, 0.0, 0.0, 0.0]])
    table = torch.cat((values, empty)).index_select(0, first)
    base = pieces.item * (height * width)
    local = pixel - base
    radius = camera.scale * stature * 0.024
    toward = light.direction[:, :2] * torch.tensor([1.0, -1.0])
    dark = torch.zeros_like(here)
    total = normal * 1.5
    for dx, dy, strength in _TAPS:
        # A tap beyond the left or right border reads the neighbouring row, which nobody sees; it never leaves the item.
        shift = (radius * dy).round().long() * width + (radius * dx).round().long()
        place = (local + shift.index_select(0, pieces.item)).clamp_(0, height * width - 1)
        near = table.index_select(0, place.add_(base))
        gap = here - near[:, 0]
        weight = strength * (0.35 + 1.05 * (toward[:, 0] * dx + toward[:, 1] * dy).clamp(min=0)).index_select(
            0, pieces.item
        )
        dark = dark + weight * ((gap - 0.012) / 0.05).clamp(0, 1) * (1 - ((gap - 0.25) / 0.25).clamp(0, 1))
        same = (near[:, 1] == code) & (gap.abs() < 0.035)
        total = total + torch.where(same.unsqueeze(-1), near[:, 2:], normal)
    return Neighbourhood(unit(total), dark.clamp(max=0.62))


# Direction of each tap (x right, y down) and its strength: a hexagon, because six taps look like eight.
_TAPS = (
    (1.0, 0.0, 0.14),
    (-1.0, 0.0, 0.14),
    (0.5, 0.87, 0.09),
    (-0.5, 0.87, 0.09),
    (0.5, -0.87, 0.16),
    (-0.5, -0.87, 0.16),
)


def shade(light: scene.Light, item: Tensor, normal: Tensor, inside: Tensor, albedo: Tensor, gloss: Tensor) -> Tensor:
    """Linear colour (P, 3): hemispheric ambient, wrapped key light and a soft highlight."""
    direction = light.direction.index_select(0, item)
    facing = (normal * direction).sum(-1)
    key = ((facing + 0.25) / 1.25).clamp(min=0) * light.key.index_select(0, item)
    sky = ((normal[:, 1] + 1) / 2).unsqueeze(-1)
    ambient = torch.lerp(
        light.bounce.index_select(0, item), light.sky.index_select(0, item), sky
    ) * light.ambient.index_select(0, item).unsqueeze(-1)
    halfway = unit(direction + torch.tensor([0.0, 0.0, 1.0]))
    shine = (normal * halfway).sum(-1).clamp(min=0) ** 18 * gloss * light.key.index_select(0, item) * 0.28
    # Light falls off towards grazing angles, which rounds the limbs off.
    round_off = 0.72 + 0.28 * normal[:, 2].clamp(min=0).sqrt()
    level = (ambient + key.unsqueeze(-1)) * (round_off * torch.where(inside, 0.55, 1.0)).unsqueeze(-1)
    return albedo.square() * level + shine.unsqueeze(-1)


def ground_shadow(
    points: Tensor, shown: Tensor, stature: Tensor, camera: scene.Camera, light: scene.Light, size: tuple[int, int]
) -> Tensor:
    """Opacity (B, H, W) of the contact shadow under the feet and the soft cast shadow of vertices (B, V, 3) that are
    `shown`.
    """
    height, width = size
    batch = points.shape[0]
    points, shown = points[:, ::2], shown[:, ::2]
    toward = turn(camera.frame.transpose(-1, -2), light.direction)
    slope = toward[:, None, (0, 2)] / toward[:, None, 1:2].clamp(min=0.35)
    level = points[..., 1].clamp(min=0)
    ground = torch.stack(
        (points[..., 0] - slope[..., 0] * level, torch.zeros_like(level), points[..., 2] - slope[..., 1] * level), -1
    )
    cast, _ = camera.project(ground)
    below, _ = camera.project(points * torch.tensor([1.0, 0.0, 1.0]))
    near = shown & (points[..., 1] < 0.16 * stature[:, None])
    cell = max(1, height // 64)
    coarse = (height // cell + 17, width // cell + 17)

    def splat(points: Tensor, keep: Tensor, rounds: int) -> Tensor:
        place = (points / cell).round().long() + 8
        good = (
            keep
            & (place[..., 0] >= 0)
            & (place[..., 0] < coarse[1])
            & (place[..., 1] >= 0)
            & (place[..., 1] < coarse[0])
        )
        index = torch.arange(batch)[:, None] * (coarse[0] * coarse[1]) + place[..., 1] * coarse[1] + place[..., 0]
        hit = torch.zeros(batch * coarse[0] * coarse[1] + 1)
        # The last, spare cell takes what lies outside; filling a cell twice does no harm.
        hit.index_fill_(0, torch.where(good, index, len(hit) - 1).reshape(-1), 1.0)
        field = hit[:-1].reshape(batch, 1, *coarse)
        for _ in range(rounds):
            field = F.avg_pool2d(field, (3, 3), stride=1, padding=1, count_include_pad=True)
        field = (
            F.interpolate(field, scale_factor=float(cell), mode="bilinear", align_corners=False) if cell > 1 else field
        )
        return field[:, 0, 8 * cell : 8 * cell + height, 8 * cell : 8 * cell + width]

    contact = (splat(below, near, 2) * 1.4).clamp(max=1) * 0.55
    sun = splat(cast, shown, 3).clamp(max=1) * light.shadow[:, None, None]
    return 1 - (1 - contact) * (1 - sun)
