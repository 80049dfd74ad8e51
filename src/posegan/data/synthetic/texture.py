"""Albedo of a surface sample from its material and body coordinates.

Exists so that every pattern is fixed to the body: a function of (part, around, along) and never of the picture. Light
lies in shading.py, face features in face.py.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic import wardrobe as wd

_BELT_HEIGHT, _BELT_WIDTH = 0.335, 0.022


def _edge(value: Tensor, soft: float | Tensor) -> Tensor:
    """A step at 0 of finite width, against aliasing."""
    return (value / soft + 0.5).clamp(0, 1)


def _stripe(value: Tensor, duty: float, soft: Tensor) -> Tensor:
    """Coverage of stripes of period 1 and the given duty cycle."""
    distance = (value - value.floor() - 0.5).abs_()
    return _edge(duty / 2 - distance, soft)


def pattern_amount(material: Tensor, around: Tensor, along: Tensor, grain: float) -> tuple[Tensor, Tensor]:
    """Shares (P,) of the second and the third colour; `grain` is the sample size in metres."""
    kind = material[wd.PATTERN].long()
    scale, phase = material[wd.SCALE], material[wd.PHASE]
    second, third = torch.zeros_like(around), torch.zeros_like(around)

    def put(code: int, amount: Tensor, target: Tensor) -> Tensor:
        return torch.where(kind == code, amount, target)

    period = 0.035 + 0.075 * scale
    soft = (grain / period).clamp(min=0.04)
    duty = 0.5
    second = put(wd.STRIPES, _stripe(along / period + phase, duty, soft), second)
    fine = 0.018 + 0.02 * scale
    second = put(wd.PINSTRIPES, 0.6 * _stripe(around / fine, 0.16, (grain / fine).clamp(min=0.04)), second)
    check = 0.022 + 0.03 * scale
    soft = (grain / check).clamp(min=0.05)
    gingham = 0.5 * _stripe(around / check, 0.5, soft) + 0.5 * _stripe(along / check, 0.5, soft)
    second = put(wd.GINGHAM, gingham, second)
    tartan = 0.07 + 0.05 * scale
    soft = (grain / tartan).clamp(min=0.03)
    wide = 0.42 * _stripe(around / tartan, 0.5, soft) + 0.42 * _stripe(along / tartan, 0.5, soft)
    second = put(wd.PLAID, wide, second)
    third = put(
        wd.PLAID,
        0.55 * torch.maximum(_stripe(around / tartan + 0.27, 0.07, soft), _stripe(along / tartan + 0.27, 0.07, soft)),
        third,
    )
    cell = 0.035 + 0.03 * scale
    row = (along / cell).floor()
    u = (around / cell + 0.5 * row.remainder(2.0)).remainder(1.0) - 0.5
    v = (along / cell).remainder(1.0) - 0.5
    second = put(wd.DOTS, _edge(0.27 - (u.square() + v.square()).sqrt(), (grain / cell).clamp(min=0.05)), second)
    second = put(wd.BLOCK, _edge(0.13 + 0.12 * scale - along, 0.006), second)
    middle = 0.16 + 0.12 * scale
    second = put(wd.BAND, _edge(0.045 + 0.03 * phase - (along - middle).abs(), 0.006), second)
    blobs = torch.sin(around * 47 + 2.1 * torch.sin(along * 31 + phase * 9)) + torch.sin(
        along * 53 + 1.7 * torch.sin(around * 37 + phase * 5)
    )
    second = put(wd.CAMO, _edge(blobs - 0.35, 0.25), second)
    third = put(wd.CAMO, _edge(-blobs - 0.9, 0.25) * 0.8, third)
    bloom = cell * 1.9
    row = (along / bloom).floor()
    u = (around / bloom + 0.5 * row.remainder(2.0)).remainder(1.0) - 0.5
    v = (along / bloom).remainder(1.0) - 0.5
    radius = (u.square() + v.square()).sqrt()
    petal = 0.26 + 0.09 * torch.cos(5 * torch.atan2(v, u) + 3 * row)
    soft = (grain / bloom).clamp(min=0.06)
    second = put(wd.FLORAL, _edge(petal - radius, soft), second)
    return second, put(wd.FLORAL, _edge(0.10 - radius, soft), third)


def chest_print(material: Tensor, around: Tensor, along: Tensor) -> Tensor:
    """Coverage (P,) of a print on the front of the chest."""
    kind = material[wd.PRINT]
    size = 0.05 + 0.045 * material[wd.SCALE]
    u = around / size
    v = (along - 0.155) / size
    radius = (u.square() + v.square()).sqrt()
    disc = _edge(1 - radius, 0.10)
    ring = disc * _edge(radius - 0.62, 0.10)
    letters = ((u * 3.1).remainder(1.0) > 0.28) | ((v * 2.6).remainder(1.0) < 0.22)
    text = _edge(0.30 - v.abs(), 0.08) * _edge(1.35 - u.abs(), 0.05) * letters
    lines = (
        _edge(0.75 - v.abs(), 0.08)
        * ((v * 2.0).remainder(1.0) > 0.45)
        * _edge(1.15 - 0.35 * torch.cos(v * 9) - u.abs(), 0.06)
    )
    box = _edge(0.85 - torch.maximum(u.abs(), v.abs()), 0.06)
    tall = _edge(0.9 - v.abs(), 0.06)
    loop = ((u - 0.40).abs() > 0.18) | (v.abs() < 0.14) | (v.abs() > 0.66)
    number = tall * torch.maximum(_edge(0.16 - (u + 0.45).abs(), 0.05), _edge(0.42 - (u - 0.40).abs(), 0.05) * loop)
    total = torch.zeros_like(u)
    for code, coverage in enumerate((disc, ring, text, lines, box, number), start=1):
        total = torch.where(kind == code, coverage, total)
    return total * (around.abs() < 0.17)


def garment_colour(material: Tensor, around: Tensor, along: Tensor, grain: float) -> Tensor:
    """Albedo (3, P) in sRGB of cloth, leather or skin samples."""
    colour = material[wd.FIRST].clone()
    # Only the patterned samples pay for patterns: most clothes are plain.
    some = (material[wd.PATTERN] > 0).nonzero()[:, 0]
    chosen = material.index_select(1, some)
    second, third = pattern_amount(chosen, around.index_select(0, some), along.index_select(0, some), grain)
    mixed = torch.lerp(chosen[wd.FIRST], chosen[wd.SECOND], second)
    colour.index_copy_(1, some, torch.lerp(mixed, chosen[wd.THIRD], third))
    # The weave has a period of 7 mm: it fades out before it aliases.
    weave = material[wd.GRAIN] * min(1.0, 0.0035 / grain)
    weave = weave * torch.sin(around * 910 + 3 * torch.sin(along * 217)) * torch.sin(along * 730)
    return colour.mul_(weave.add_(1))


def add_print(colour: Tensor, material: Tensor, around: Tensor, along: Tensor) -> Tensor:
    """Tops `colour` (3, P) with the prints on their chests."""
    some = ((material[wd.PRINT] > 0) & (around.abs() < 0.2)).nonzero()[:, 0]
    chosen, base = material.index_select(1, some), colour.index_select(1, some)
    cover = chest_print(chosen, around.index_select(0, some), along.index_select(0, some))
    return colour.index_copy(1, some, torch.lerp(base, chosen[wd.SECOND], cover))


def fastening(detail: Tensor, around: Tensor, along: Tensor, top: Tensor, grain: float) -> Tensor:
    """Darkening (P,) by zips, button plackets and, on the `top` (P,) bool, the pouch pocket of hoodies."""
    side = around.abs()
    zipped = ((detail == wd.ZIP) | (detail == wd.QUILT)) * 0.45 * _edge(0.0035 - side, grain)
    placket = _edge(0.004 - (side - 0.016).abs(), grain)
    place = ((along / 0.075).remainder(1.0) - 0.5) * 0.075
    button = _edge(0.006 - (side.square() + place.square()).sqrt(), grain)
    rim = _edge(0.006 - (along - 0.36).abs(), grain) * _edge(0.10 - side, grain)
    slant = _edge(0.006 - (side - 0.10 - (along - 0.36) * 0.25).abs(), grain) * (along > 0.36) * (along < 0.46)
    pouch = (detail == wd.POCKET_SHIRT) * top * torch.maximum(rim, slant)
    return zipped + (detail == wd.BUTTONS) * (0.22 * placket + 0.40 * button) + 0.30 * pouch


def trouser_shade(detail: Tensor, around: Tensor, along: Tensor, grain: float) -> Tensor:
    """Change of brightness (P,) by faded denim, creases and side seams."""
    front = torch.cos(around / 0.07).clamp(min=0)
    fade = 0.22 * torch.exp(-((along - 0.62) / 0.20).square()) + 0.16 * torch.exp(-((along - 0.84) / 0.06).square())
    crease = 0.12 * _edge(0.004 - around.abs(), grain)
    seam = 0.22 * _edge(0.003 - (around.abs() - 0.11).abs(), grain)
    return (detail == wd.DENIM) * fade * front + (detail == wd.CREASE) * crease - seam


def hair_colour(material: Tensor, around: Tensor, along: Tensor) -> Tensor:
    """Albedo (3, P) of hair: strands run along the columns."""
    strand = (
        torch.sin(around * 610 + 2.5 * torch.sin(along * 19)) * 0.6
        + torch.sin(around * 1370 + 4 * torch.sin(along * 11)) * 0.4
    )
    lock = torch.sin(around * 140 + 1.5 * torch.sin(along * 13))
    shade = 1 + material[wd.GRAIN] * strand + 0.12 * lock
    return material[wd.FIRST] * shade


def trunk_slots(height: Tensor, around: Tensor, jacket: Tensor) -> Tensor:
    """The slot of a sample (P,) of the trunk grid.

    Skin, the shirt under an open jacket (P,) bool, or the waist of the trousers.
    """
    neck = 1.13 - 0.07 * torch.cos(around / 0.16).clamp(min=0)
    shirt = jacket & (height < neck)
    slot = torch.where(shirt, sf.INNER_SLOT, sf.SKIN)
    return torch.where(height < _BELT_HEIGHT, sf.BOTTOM_SLOT, slot)


def belt(height: Tensor) -> Tensor:
    """Coverage of a belt (P,) on the trunk grid."""
    return _edge(_BELT_WIDTH - (height - _BELT_HEIGHT + _BELT_WIDTH).abs(), 0.01)


def strap(around: Tensor, along: Tensor, bag: Tensor, sign: Tensor) -> Tensor:
    """Coverage (P,) of bag straps on the trunk garments.

    Two vertical ones for a backpack, a diagonal one for a shoulder bag.
    """
    angle = around / 0.16
    x, front = torch.sin(angle) * 0.16, torch.cos(angle)
    pair = (
        _edge(0.016 - (x.abs() - 0.082 + 0.10 * (along - 0.1).clamp(min=0)).abs(), 0.006)
        * (along < 0.27)
        * (front > -0.05)
    )
    slope = -sign * 0.085 + sign * (along + 0.02) * 0.46
    diagonal = _edge(0.011 - (x - slope).abs() * 0.85, 0.005) * (along < 0.56)
    return torch.where(bag == wd.BACKPACK, pair, torch.where(bag == wd.SHOULDER_BAG, diagonal, torch.zeros_like(x)))


def shoe_colour(material: Tensor, around: Tensor, along: Tensor) -> Tensor:
    """Albedo (3, P) of shoes: upper, sole and either laces or a plain cap."""
    angle = around / 0.05
    sole = _edge(angle.abs() - 2.3, 0.12)
    laces = (
        _edge(0.45 - angle.abs(), 0.1)
        * (along > 0.10)
        * (along < 0.19)
        * (0.35 + 0.65 * (torch.sin(along * 2 * pi / 0.018) > 0))
    )
    colour = torch.lerp(material[wd.FIRST], material[wd.THIRD] * 0.5 + 0.4, 0.7 * laces * (material[wd.DETAIL] < 0.5))
    return torch.lerp(colour, material[wd.SECOND], sole)
