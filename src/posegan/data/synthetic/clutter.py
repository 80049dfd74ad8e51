"""What stands between the wall and the ground of a background: poles, distant passers-by and bicycles.

Exists to keep scene.py, which draws the wall, the ground and the light, readable.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.data.synthetic.draws import Draws


def band(value: Tensor, half: Tensor, soft: Tensor | float) -> Tensor:
    """Coverage of the values within `half` of 0, with an edge `soft` wide."""
    return ((half - value.abs()) / soft + 0.5).clamp(0, 1)


def dull_colour(draw: Draws, low: float, high: float, chroma: float) -> Tensor:
    """A random dull colour (B, 3)."""
    grey = draw.uniform(low, high)
    return (grey[:, None] + torch.stack([draw.bell(chroma) for _ in range(3)], -1)).clamp(0.02, 0.98)


def add_clutter(draw: Draws, x: Tensor, y: Tensor, horizon: Tensor, back: Tensor, soft: Tensor) -> Tensor:
    """Poles, door frames, distant passers-by and bicycle wheels between the wall and the ground."""
    for _ in range(3):
        place, half = draw.uniform(-0.5, 0.5)[:, None, None], (0.005 + 0.06 * draw.uniform() ** 2)[:, None, None]
        reach = horizon + draw.uniform(-0.05, 0.03)[:, None, None]
        cover = (
            band(x - place, half, soft * 0.7) * ((reach - y) / soft + 0.5).clamp(0, 1) * draw.chance(0.5)[:, None, None]
        )
        side = 1 + 0.25 * ((x - place) / half).clamp(-1, 1)
        back = torch.lerp(
            back, dull_colour(draw, 0.10, 0.75, 0.035)[:, :, None, None] * side[:, None], 0.9 * cover[:, None]
        )
    for _ in range(2):
        place, tall = draw.uniform(-0.45, 0.45)[:, None, None], draw.uniform(0.16, 0.34)[:, None, None]
        foot, shown = horizon + draw.uniform(0.0, 0.03)[:, None, None], draw.chance(0.3).nonzero()[:, 0]
        coat, trousers = dull_colour(draw, 0.1, 0.8, 0.09), dull_colour(draw, 0.08, 0.35, 0.03)
        # Few pictures have a passer-by; only they pay for one. Likewise the bicycle.
        if len(shown):
            chosen = (value.index_select(0, shown) for value in (place, tall, foot, soft, coat, trousers))
            back[shown] = _passer_by(x, y, back.index_select(0, shown), *chosen)
    place, size_wheel = draw.uniform(-0.4, 0.4)[:, None, None], draw.uniform(0.05, 0.10)[:, None, None]
    hub = horizon - size_wheel * 0.8
    shown = (draw.chance(0.2) & (horizon.reshape(-1) > 0.1)).nonzero()[:, 0]
    paint = dull_colour(draw, 0.05, 0.25, 0.03)
    place, size_wheel, hub, soft, paint = (
        value.index_select(0, shown) for value in (place, size_wheel, hub, soft, paint)
    )
    if len(shown):
        ink = _bicycle(x - place, y - hub, size_wheel, soft)
        back[shown] = torch.lerp(back[shown], paint[:, :, None, None], 0.85 * ink[:, None])
    return back


def _passer_by(
    x: Tensor,
    y: Tensor,
    back: Tensor,
    place: Tensor,
    tall: Tensor,
    foot: Tensor,
    soft: Tensor,
    coat: Tensor,
    legs: Tensor,
) -> Tensor:
    """`back` (B, 3, H, W) with a distant person, `tall` (B, 1, 1) picture heights, standing at `place` and `foot`."""
    level = (foot - y) / tall
    half = (
        tall
        * 0.13
        * (0.55 + 0.45 * band(level - 0.62, torch.full_like(level, 0.24), 0.1))
        * (1 - 0.45 * band(level - 0.93, torch.full_like(level, 0.07), 0.03))
    )
    cover = band(x - place, half, soft) * ((level > 0) & (level < 1)).float()
    split = (level < 0.48)[:, None].float()
    cloth = torch.lerp(coat[:, :, None, None], legs[:, :, None, None], split)
    skin = (level > 0.86)[:, None].float() * 0.8
    cloth = torch.lerp(cloth, torch.tensor([0.55, 0.42, 0.35])[None, :, None, None], skin)
    return torch.lerp(back, cloth, 0.85 * cover[:, None])


def _bicycle(x: Tensor, y: Tensor, size_wheel: Tensor, soft: Tensor) -> Tensor:
    """Coverage (B, H, W) of two wheels and a frame; x and y from the middle of the hubs in picture heights."""
    ink = torch.zeros(())
    for shift in (-1.15, 1.15):
        radius = ((x - shift * size_wheel).square() + y.square()).sqrt()
        ink = torch.maximum(ink, band(radius - size_wheel, size_wheel * 0.09, soft * 0.5))
    for ax, ay, bx, by in (
        (-1.15, 0, -0.3, -1.0),
        (-0.3, -1.0, 0.75, -0.9),
        (0.75, -0.9, 1.15, 0),
        (-0.3, -1.0, 0.0, 0.1),
        (0.0, 0.1, 0.75, -0.9),
        (-1.15, 0, 0, 0.1),
    ):
        px, py = x / size_wheel, y / size_wheel
        t = (((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)).clamp(0, 1)
        gap = ((px - ax - t * (bx - ax)).square() + (py - ay - t * (by - ay)).square()).sqrt() * size_wheel
        ink = torch.maximum(ink, band(gap, size_wheel * 0.07, soft * 0.5))
    return ink
