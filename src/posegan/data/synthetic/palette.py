"""Colours of skin, hair and clothes.

Exists so that synthetic crowds have the statistics of street clothes: mostly dark and neutral, some saturated. sRGB
in [0, 1] before lighting. It decides no garment (wardrobe.py).
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.data.synthetic.draws import Draws


def _rgb(*codes: str) -> Tensor:
    return torch.tensor([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes])


_SKIN = _rgb(
    "f3d3bf", "edc5ab", "e4b596", "dba684", "cf9874", "bd8560", "a8714d", "8f5c3d", "754830", "5c3826", "46291c"
)
_HAIR_DARK = _rgb("14110f", "1c1613", "261c16", "30221a", "191919")
_HAIR_ANY = _rgb(
    "1a1512", "2b1f18", "3d2a1e", "553a26", "6e4d30", "8d6a43", "b08f5f", "c9aa78", "7b3f25", "96938e", "c6c4c0"
)
_DARK = _rgb("17181b", "1f2023", "24262c", "2b2d33", "1c2233", "232b40", "33363c", "2e2a28", "1d2a27")
_NEUTRAL = _rgb(
    "f1f0ec",
    "e4e2dc",
    "d2cfc8",
    "b9b8b4",
    "9b9b9b",
    "76787b",
    "5a5c60",
    "c8b99c",
    "a8926f",
    "7a6a55",
    "8e877c",
    "d9cbb0",
)
_SOFT = _rgb(
    "5b6b4e",
    "7d8a5e",
    "6e8299",
    "8ba3b8",
    "4e6178",
    "a3757a",
    "c59a94",
    "d9b3b0",
    "b58a5a",
    "8a5a4a",
    "9a8bb0",
    "6f9a97",
)
_VIVID = _rgb("b3242c", "d4373e", "c95a1f", "e0892b", "e6c13a", "2f7d43", "3f9c6a", "1f6fae", "2e8fd0", "2c3f9e",
              "6b3a94", "d65a92", "ad2f62", "12797f", "e8e04a", "f0a7b8")  # fmt: skip
_DENIM = _rgb("1d2636", "27344a", "33455f", "415a7c", "5a7699", "7d97b3", "9fb4c8", "22252c", "2a2f3a")
_TROUSER = _rgb("17181b", "1f2126", "26282e", "1c2233", "3b3d42", "55565a", "7c7c7c", "b8a988", "8f7c5c", "5e5545",
                "4b5140", "6a5a4a", "cfc4ae", "e4e0d8")  # fmt: skip
_LEATHER = _rgb("1b1a1a", "2a2220", "4a3022", "6b452c", "8a5d38", "b08457", "8b1f2b", "23304a", "c9b79b", "5f6268")
_SHOE = _rgb(
    "1a1a1b",
    "26262a",
    "f0efec",
    "e2e0db",
    "8d8f92",
    "4a3326",
    "6b4a30",
    "2b3550",
    "a0302f",
    "3c5a74",
    "d5d0c6",
    "121212",
)
_FURNITURE = _rgb("5b4a3a", "7d6a52", "3a3a3c", "8a8a88", "46525c", "a59a88", "2c2a28")


def _vary(draw: Draws, colour: Tensor, amount: float) -> Tensor:
    shade = 1 + draw.bell(amount)[:, None]
    tint = torch.stack([draw.bell(amount * 0.4) for _ in range(3)], -1)
    return (colour * (shade + tint)).clamp(0.015, 0.97)


def _mixture(draw: Draws, tables: tuple[Tensor, ...], weights: tuple[float, ...]) -> Tensor:
    kind = draw.choice(weights)
    options = torch.stack([draw.pick(table) for table in tables], 1)
    return _vary(draw, options[torch.arange(len(kind)), kind], 0.10)


def skin(draw: Draws) -> Tensor:
    """Skin colour (B, 3) over the human range, lighter tones weighted as in the public photo sets."""
    position = draw.uniform() ** 1.25 * (len(_SKIN) - 1.001)
    index = position.floor()
    base = torch.lerp(_SKIN[index.long()], _SKIN[index.long() + 1], (position - index)[:, None])
    return _vary(draw, base, 0.035)


def hair(draw: Draws, tone: Tensor) -> Tensor:
    """Hair colour (B, 3): any for light skin, dark for dark skin, sometimes grey or dyed."""
    dark = draw.pick(_HAIR_DARK)
    light = tone.mean(-1) > 0.60
    natural = torch.where((light & draw.chance(0.62))[:, None], draw.pick(_HAIR_ANY), dark)
    dyed = draw.pick(_VIVID) * 0.7
    return _vary(draw, torch.where(draw.chance(0.012)[:, None], dyed, natural), 0.08)


def _trio(draw: Draws, first: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two companions: one that contrasts in lightness, one free accent."""
    light = first.mean(-1, keepdim=True) > 0.45
    contrast = torch.where(
        light, draw.pick(torch.cat((_DARK, _VIVID, _SOFT))), draw.pick(torch.cat((_NEUTRAL[:4], _NEUTRAL[:4], _VIVID)))
    )
    return first, _vary(draw, contrast, 0.06), _vary(draw, draw.pick(torch.cat((_VIVID, _NEUTRAL, _DARK))), 0.06)


def top(draw: Draws, outer: Tensor, woman: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of the upper garment; outerwear (B,) bool is darker, women's tops (B,) bool more colourful."""
    everyday = _mixture(draw, (_DARK, _NEUTRAL, _SOFT, _VIVID), (0.24, 0.32, 0.20, 0.24))
    bright = _mixture(draw, (_DARK, _NEUTRAL, _SOFT, _VIVID), (0.18, 0.30, 0.24, 0.28))
    coats = _mixture(draw, (_DARK, _NEUTRAL, _SOFT, _VIVID), (0.46, 0.22, 0.16, 0.16))
    return _trio(draw, torch.where(outer[:, None], coats, torch.where(woman[:, None], bright, everyday)))


def inner(draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of the shirt under an open jacket: often white or grey."""
    return _trio(draw, _mixture(draw, (_NEUTRAL[:5], _DARK, _SOFT, _VIVID), (0.58, 0.14, 0.14, 0.14)))


def bottom(draw: Draws, denim: Tensor, slim_denim: Tensor, leggings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of trousers, shorts and skirts."""
    cloth = _mixture(draw, (_TROUSER, _SOFT, _VIVID), (0.84, 0.10, 0.06))
    dark = _mixture(draw, (_DARK, _NEUTRAL), (0.9, 0.1))
    first = torch.where((denim | slim_denim)[:, None], _vary(draw, draw.pick(_DENIM), 0.07), cloth)
    return _trio(draw, torch.where(leggings[:, None], dark, first))


def shoes(draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of the upper, the sole and the accent of shoes."""
    sole = torch.where(draw.chance(0.5)[:, None], draw.pick(_NEUTRAL[:4]), draw.pick(_DARK) * 0.7)
    return _vary(draw, draw.pick(_SHOE), 0.06), sole, draw.pick(torch.cat((_VIVID, _NEUTRAL)))


def accessory(draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of hats and scarves."""
    return _trio(draw, _mixture(draw, (_DARK, _SOFT, _VIVID, _NEUTRAL), (0.40, 0.20, 0.22, 0.18)))


def bag(draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of bags: mostly black or leather."""
    return _trio(draw, _mixture(draw, (_DARK, _LEATHER, _SOFT, _VIVID), (0.48, 0.32, 0.11, 0.09)))


def sock(draw: Draws) -> Tensor:
    """Sock colour (B, 3)."""
    return _mixture(draw, (_NEUTRAL[:3], _DARK, _VIVID), (0.6, 0.3, 0.1))


def furniture(draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Colours of what seated people sit on."""
    first = _vary(draw, draw.pick(_FURNITURE), 0.08)
    return first, first * 0.7, first * 0.5
