"""Painted face: eyes, brows, mouth, nostrils, beard and glasses in the coordinates of the skull grid.

Exists to make faces read as faces from the front and vanish from behind; relief comes from head.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

_EYES = torch.tensor(
    [[0.16, 0.10, 0.07], [0.25, 0.16, 0.10], [0.30, 0.40, 0.50], [0.34, 0.42, 0.32], [0.10, 0.07, 0.05]]
)


def _column(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([[red], [green], [blue]])


def _disc(x: Tensor, y: Tensor, radius_x: float, radius_y: float, soft: float) -> Tensor:
    """Coverage of an ellipse with a soft edge."""
    return ((1 - ((x / radius_x).square() + (y / radius_y).square()).sqrt()) / soft + 0.5).clamp(0, 1)


def paint_face(
    colour: Tensor, x: Tensor, y: Tensor, hair: Tensor, identity: Tensor, beard: Tensor, makeup: Tensor, glasses: Tensor
) -> Tensor:
    """Skin `colour` (3, P) with face features at skull coordinates x, y (P,).

    The rest is per sample: hair (3, P), others (P,).
    """
    side = x.abs()

    def blend(base: Tensor, ink: Tensor, amount: Tensor) -> Tensor:
        return torch.lerp(base, ink, amount.clamp(0, 1))

    front = (side < 0.33).float()
    blush = colour * _column(1.04, 0.86, 0.84)
    colour = blend(colour, blush, 0.45 * _disc(side - 0.19, y - 0.36, 0.12, 0.10, 1.2) * front)
    colour = blend(colour, blush, 0.35 * _disc(side - 0.03, y - 0.36, 0.07, 0.06, 1.0) * front)
    beard_area = _disc(side, y - 0.10, 0.30, 0.20, 0.35) * (1 - 0.9 * _disc(side, y - 0.225, 0.10, 0.035, 0.6))
    moustache = _disc(side, y - 0.285, 0.14, 0.030, 0.6)
    sideburn = (
        0.8
        * ((side - 0.25) / 0.06).clamp(0, 1)
        * ((0.52 - y) / 0.10).clamp(0, 1)
        * ((0.40 - side) / 0.04).clamp(0, 1)
        * (y / 0.1).clamp(0, 1)
    )
    whiskers = torch.maximum(torch.maximum(beard_area, moustache), sideburn)
    colour = blend(colour, hair * 0.9 + colour * 0.10, whiskers * (beard * 1.1 - 0.12).clamp(0, 0.85))
    socket = _disc(side - 0.145, y - 0.505, 0.10, 0.055, 1.0)
    colour = blend(colour, colour * _column(0.72, 0.64, 0.62), socket * (0.45 + 0.3 * makeup))
    white = _disc(side - 0.148, y - 0.497, 0.062, 0.027, 0.4)
    colour = blend(colour, _column(0.86, 0.84, 0.82), white * 0.9)
    iris = _EYES.index_select(0, identity % len(_EYES)).t()
    colour = blend(colour, iris, _disc(side - 0.148, y - 0.499, 0.028, 0.030, 0.4) * (white > 0.05))
    colour = blend(colour, torch.full_like(colour, 0.03), _disc(side - 0.148, y - 0.499, 0.013, 0.014, 0.5))
    lid = _disc(side - 0.150, y - 0.522, 0.072, 0.011, 0.7)
    colour = blend(colour, _column(0.10, 0.07, 0.06), lid * (0.65 + 0.35 * makeup))
    arch = y - (0.592 - 1.6 * (side - 0.145).square())
    brow = _disc(side - 0.150, arch, 0.085, 0.017, 0.7)
    colour = blend(colour, hair * 0.75, brow * 0.8)
    nostril = _disc(side - 0.035, y - 0.325, 0.022, 0.012, 0.9)
    colour = blend(colour, colour * 0.35, nostril * 0.8)
    under = _disc(side, y - 0.305, 0.07, 0.02, 1.2)
    colour = blend(colour, colour * 0.72, under * 0.6)
    natural = colour * _column(0.86, 0.60, 0.58)
    red = torch.lerp(natural, _column(0.62, 0.14, 0.17), (makeup - 0.45).clamp(0, 1))
    lips = _disc(side, y - 0.222 - 0.10 * side, 0.098, 0.031, 0.5)
    colour = blend(colour, red, lips * 0.85)
    colour = blend(colour, colour * 0.30, _disc(side, y - 0.226, 0.10, 0.006, 1.0))
    colour = blend(colour, colour * 0.80, _disc(side, y - 0.165, 0.07, 0.018, 1.2))
    frame = (
        _disc(side - 0.15, y - 0.495, 0.098, 0.066, 0.12) - _disc(side - 0.15, y - 0.495, 0.082, 0.052, 0.12)
    ).clamp(0, 1)
    bridge = ((side < 0.06) & ((y - 0.51).abs() < 0.009)) | ((side > 0.24) & (side < 0.42) & ((y - 0.51).abs() < 0.010))
    ink = torch.maximum(frame, bridge.float()) * glasses
    sunglasses = (identity % 3 == 0) * glasses * _disc(side - 0.15, y - 0.495, 0.092, 0.060, 0.15)
    return blend(colour, torch.full_like(colour, 0.045), torch.maximum(ink, sunglasses))
