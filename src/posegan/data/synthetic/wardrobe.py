"""What a synthetic person wears: garments with their cut, hair, accessories, and one material per slot.

Exists to draw believable combinations from an identity seed. Colours lie in palette.py, geometry in garments.py and
head.py, and the pattern on a surface in texture.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import palette
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.body import Shape
from posegan.data.synthetic.draws import Draws

TEE, LONG, SHIRT, HOODIE, TANK, JACKET_OPEN, JACKET, COAT, COAT_OPEN, PUFFER, DRESS, BLAZER = range(12)
#              tee  long shirt hood tank jOp jac coat cOp puf dress blazer
_TOP_MALE = (30, 12, 12, 10, 3, 10, 8, 2, 3, 5, 0, 5)
_TOP_FEMALE = (24, 12, 7, 6, 6, 8, 5, 5, 4, 4, 14, 5)
# Ease of sleeves and trunk in metres, in the same order.
_SLEEVE_EASE = [0.012, 0.007, 0.009, 0.014, 0.0, 0.014, 0.014, 0.017, 0.017, 0.026, 0.006, 0.012]
_TOP_EASE = [0.007, 0.007, 0.009, 0.016, 0.005, 0.018, 0.017, 0.022, 0.024, 0.034, 0.006, 0.018]
JEANS, SLIM, CHINO, WIDE, JOGGERS, SHORTS, SKIRT_SHORT, SKIRT_LONG, LEGGINGS = range(9)
_BOTTOM_MALE = (34, 8, 20, 4, 9, 25, 0, 0, 0)
_BOTTOM_FEMALE = (18, 20, 6, 7, 3, 13, 14, 8, 11)
NO_TAIL, PONYTAIL, BUN = range(3)
NO_HAT, CAP, BEANIE, BRIM = range(4)
NO_BAG, BACKPACK, SHOULDER_BAG, HAND_BAG = range(4)
NO_COLLAR, SHIRT_COLLAR, HOOD, SCARF, ROLL_NECK, STAND_COLLAR = range(6)

# Columns of the material table.
FIRST, SECOND, THIRD = slice(0, 3), slice(3, 6), slice(6, 9)
PATTERN, SCALE, GRAIN, GLOSS, PRINT, DETAIL, PHASE, MATERIAL = 9, 10, 11, 12, 13, 14, 15, 16
SOLID, STRIPES, PINSTRIPES, GINGHAM, PLAID, DOTS, BLOCK, CAMO, BAND, FADE, FLORAL = range(11)
NO_DETAIL, BUTTONS, ZIP, DENIM, QUILT, CREASE, POCKET_SHIRT = range(7)


@dataclass(frozen=True)
class Outfit:
    """Everything worn, (B,) each; stations as in figure.py, lengths in metres, `material` (B, SLOTS, MATERIAL)."""

    top: Tensor
    sleeve: Tensor  # arm station of the cuff, 0 for none
    sleeve_ease: Tensor
    top_ease: Tensor
    loose: Tensor
    neckline: Tensor  # drop at the front in trunk lengths
    hem: Tensor  # trunk station of the hem of the top, lower than -0.1 continues in the skirt grid
    gap: Tensor  # half-angle of the open front in radians
    collar: Tensor
    bottom: Tensor
    trouser: Tensor  # leg station of the hem, 0 for none
    leg_ease: Tensor
    leg_hem: Tensor  # radius at the hem in metres
    skirt: Tensor  # leg station of the hem, 0 for none
    flare: Tensor
    pleats: Tensor
    skirt_of_top: Tensor  # bool: the skirt grid belongs to the top (dress, coat, long shirt)
    hair_length: Tensor  # below the ears, in head heights
    hair_volume: Tensor
    fringe: Tensor
    bald: Tensor
    curl: Tensor
    tail: Tensor
    hat: Tensor
    bag: Tensor
    bag_side: Tensor
    glasses: Tensor
    beard: Tensor
    makeup: Tensor
    material: Tensor


def _lookup(values: list[float], index: Tensor) -> Tensor:
    return torch.tensor(values)[index]


def sample_outfit(seed: Tensor, shape: Shape) -> Outfit:
    """Draw the outfit of each identity seed (B,)."""
    draw = Draws(seed, "outfit")
    woman = shape.female > 0.5
    grown = shape.child < 0.3
    top = draw.choice(torch.where(woman[:, None], torch.tensor(_TOP_FEMALE), torch.tensor(_TOP_MALE)).float())
    bottom = draw.choice(torch.where(woman[:, None], torch.tensor(_BOTTOM_FEMALE), torch.tensor(_BOTTOM_MALE)).float())
    warm = (top == COAT) | (top == COAT_OPEN) | (top == PUFFER)
    bottom = torch.where(warm & (bottom == SHORTS), torch.full_like(bottom, JEANS), bottom)
    bottom = torch.where((top == BLAZER) & (bottom == SHORTS), torch.full_like(bottom, CHINO), bottom)
    bottom = torch.where(top == DRESS, torch.full_like(bottom, SKIRT_SHORT), bottom)
    zero = torch.zeros_like(shape.stature)
    rolled = (top == SHIRT) & draw.chance(0.35)
    sleeve = _lookup([1.42, 2.93, 2.95, 2.97, 0.0, 2.95, 2.97, 2.98, 2.98, 3.0, 0.0, 2.93], top) + draw.bell(0.02)
    sleeve = torch.where(rolled, draw.uniform(1.75, 2.35), sleeve)
    sleeve = torch.where(top == TEE, draw.uniform(1.26, 1.62), sleeve)
    sleeve = torch.where(top == DRESS, _lookup([0.0, 1.35, 2.9], draw.choice((0.4, 0.4, 0.2))), sleeve)
    sleeve = torch.where((top == TANK) | (sleeve < 0.5), zero, sleeve)
    open_front = (top == JACKET_OPEN) | (top == COAT_OPEN) | (top == BLAZER)
    closed = ~open_front
    loose = draw.uniform(0.1, 0.9) * (1 - 0.35 * shape.female)
    tucked = ((top == SHIRT) | (top == TEE) | (top == LONG)) & draw.chance(torch.where(woman, 0.4, 0.16))
    hem = torch.full_like(loose, 0.03)
    coat = (top == COAT) | (top == COAT_OPEN)
    dress = top == DRESS
    skirted = ((bottom == SKIRT_SHORT) | (bottom == SKIRT_LONG)) & ~dress
    cropped = woman & ((top == TEE) | (top == TANK)) & draw.chance(0.2)
    hem = torch.where(
        tucked, zero + 0.29, torch.where(cropped, zero + 0.38, torch.where(skirted, draw.uniform(0.02, 0.2), hem))
    )
    # A hem below the hip joints belongs to the skirt grid, which goes around both thighs.
    over = ~skirted & ~tucked & ~cropped
    short_tail = draw.uniform(1.07, 1.22) + 0.05 * loose
    skirt = torch.where(bottom == SKIRT_LONG, draw.uniform(2.2, 2.85), draw.uniform(1.5, 2.05))
    skirt = torch.where(
        dress, _lookup([1.62, 1.9, 2.35, 2.85], draw.choice((0.35, 0.4, 0.15, 0.1))) + draw.bell(0.06), skirt
    )
    skirt = torch.where(
        skirted | dress, skirt, torch.where(coat, draw.uniform(1.45, 2.2), torch.where(over, short_tail, zero))
    )
    # A skirt under a long coat would need two skirt grids; such coats are cut short instead.
    trouser = _lookup([3.06, 2.95, 3.0, 3.08, 2.95, 1.75, 0.0, 0.0, 2.90], bottom) + draw.bell(0.03)
    trouser = torch.where(bottom == SHORTS, draw.uniform(1.45, 2.0) - 0.15 * shape.female, trouser)
    trouser = torch.where(skirted | dress, zero, trouser)
    leg_ease = _lookup([0.012, 0.006, 0.014, 0.022, 0.018, 0.017, 0, 0, 0.003], bottom) * draw.uniform(0.75, 1.3)
    leg_hem = _lookup([0.088, 0.062, 0.085, 0.125, 0.060, 0.10, 0, 0, 0.045], bottom) * draw.uniform(0.9, 1.12)
    collar = torch.zeros_like(top)
    collar = torch.where((top == SHIRT) | (top == BLAZER), torch.full_like(top, SHIRT_COLLAR), collar)
    collar = torch.where(top == HOODIE, torch.full_like(top, HOOD), collar)
    collar = torch.where((top == PUFFER) | (top == JACKET) | coat, torch.full_like(top, STAND_COLLAR), collar)
    collar = torch.where((top == JACKET_OPEN) & draw.chance(0.4), torch.full_like(top, HOOD), collar)
    collar = torch.where((top == LONG) & draw.chance(0.15), torch.full_like(top, ROLL_NECK), collar)
    collar = torch.where((warm | (top == LONG)) & draw.chance(0.22), torch.full_like(top, SCARF), collar)
    high = (
        (collar == ROLL_NECK)
        | (collar == SCARF)
        | (collar == STAND_COLLAR)
        | (collar == HOOD)
        | (collar == SHIRT_COLLAR)
    )
    neckline = torch.where(woman, draw.uniform(0.08, 0.30), draw.uniform(0.05, 0.13)) + 0.08 * (top == TANK)
    neckline = torch.where(high & closed, zero + 0.03, neckline)
    gap = torch.where(open_front, draw.uniform(0.22, 0.55), zero)
    long_hair = torch.where(draw.chance(0.62), draw.uniform(0.55, 1.5), draw.uniform(0.0, 0.35))
    hair_length = torch.where(woman, long_hair, torch.where(draw.chance(0.05), draw.uniform(0.2, 0.8), zero))
    hair_length = torch.where(hair_length < 0.12, zero, hair_length)
    bald = ~woman & grown & draw.chance(0.09)
    tail = torch.where(
        woman & draw.chance(0.30), _lookup([0, PONYTAIL, BUN], draw.choice((0.0, 0.68, 0.32))), zero
    ).long()
    hair_length = torch.where(tail > 0, zero, hair_length)
    hat = draw.choice((0.84, 0.09, 0.04, 0.03))
    hat = torch.where((hat == BEANIE) & (top == TANK), torch.zeros_like(hat), hat)
    bag = torch.where(top == DRESS, draw.choice((0.55, 0.03, 0.24, 0.18)), draw.choice((0.56, 0.22, 0.14, 0.08)))
    outfit = Outfit(
        top=top,
        sleeve=sleeve,
        sleeve_ease=_lookup(_SLEEVE_EASE, top),
        top_ease=_lookup(_TOP_EASE, top),
        loose=torch.where(dress | (top == TANK), loose * 0.35, loose),
        neckline=neckline,
        hem=hem,
        gap=gap,
        collar=collar,
        bottom=bottom,
        trouser=trouser,
        leg_ease=leg_ease,
        leg_hem=leg_hem,
        skirt=skirt,
        flare=torch.where(skirted | dress, draw.uniform(0.0, 0.16), draw.uniform(0.01, 0.05)),
        pleats=torch.where((skirted | dress) & draw.chance(0.5), draw.uniform(0.3, 1.0), zero + 0.12),
        skirt_of_top=dress | (skirt > 0) & ~skirted,
        hair_length=hair_length,
        hair_volume=draw.uniform(0.03, 0.09) + 0.02 * shape.female,
        fringe=draw.uniform(),
        bald=bald,
        curl=draw.chance(0.14).float() * draw.uniform(0.6, 1.0),
        tail=tail,
        hat=hat,
        bag=bag,
        bag_side=draw.choice((0.5, 0.5)),
        glasses=draw.chance(0.14) & grown,
        beard=torch.where(~woman & grown & draw.chance(0.35), draw.uniform(0.2, 1.0), zero),
        makeup=torch.where(woman, draw.uniform(0.1, 1.0) * grown, zero),
        material=zero,
    )
    return Outfit(**{**vars(outfit), "material": _materials(seed, outfit, shape)})


def _materials(seed: Tensor, outfit: Outfit, shape: Shape) -> Tensor:
    """One material row per slot."""
    draw = Draws(seed, "material")
    table = torch.zeros(seed.shape[0], sf.SLOTS, MATERIAL)
    top, bottom = outfit.top, outfit.bottom
    skin = palette.skin(draw)
    table[:, sf.SKIN, FIRST], table[:, sf.SKIN, GLOSS] = skin, 0.25
    table[:, sf.HAIR_SLOT, FIRST] = palette.hair(draw, skin)
    table[:, sf.HAIR_SLOT, GLOSS], table[:, sf.HAIR_SLOT, GRAIN] = 0.22, 0.16
    woman = shape.female > 0.5
    outer = (
        (top == JACKET) | (top == JACKET_OPEN) | (top == COAT) | (top == COAT_OPEN) | (top == PUFFER) | (top == BLAZER)
    )
    _dress_slot(table, sf.TOP_SLOT, draw, palette.top(draw, outer, woman))
    plain = draw.choice((0.60, 0.14, 0.0, 0.03, 0.03, 0.03, 0.10, 0.015, 0.04, 0.0, 0.025))
    shirt = draw.choice((0.42, 0.05, 0.10, 0.15, 0.24, 0.03, 0.0, 0.0, 0.0, 0.0, 0.01))
    gown = draw.choice((0.50, 0.08, 0.0, 0.03, 0.05, 0.12, 0.05, 0.0, 0.02, 0.0, 0.15))
    heavy = draw.choice((0.82, 0.0, 0.02, 0.0, 0.03, 0.0, 0.09, 0.02, 0.02, 0.0, 0.0))
    pattern = torch.where(top == SHIRT, shirt, torch.where(top == DRESS, gown, torch.where(outer, heavy, plain)))
    table[:, sf.TOP_SLOT, PATTERN] = pattern.float()
    table[:, sf.TOP_SLOT, SCALE] = draw.uniform()
    printable = ((top == TEE) | (top == HOODIE) | (top == TANK) | (top == LONG)) & (pattern == SOLID)
    table[:, sf.TOP_SLOT, PRINT] = torch.where(
        printable & draw.chance(0.5), 1 + draw.choice((1,) * 6), torch.zeros_like(top)
    ).float()
    detail = torch.tensor([0, 0, BUTTONS, POCKET_SHIRT, 0, ZIP, ZIP, BUTTONS, BUTTONS, QUILT, 0, BUTTONS])[top]
    table[:, sf.TOP_SLOT, DETAIL] = detail.float()
    table[:, sf.TOP_SLOT, GLOSS] = torch.where(top == PUFFER, 0.35, 0.06)
    table[:, sf.TOP_SLOT, GRAIN] = draw.uniform(0.01, 0.07)
    table[:, sf.SLEEVE_SLOT] = table[:, sf.TOP_SLOT]
    # Raglan sleeves in the second colour, on some plain shirts and jackets.
    contrast = (draw.chance(0.06) & (pattern == SOLID) & (top != DRESS))[:, None]
    table[:, sf.SLEEVE_SLOT, FIRST] = torch.where(contrast, table[:, sf.TOP_SLOT, SECOND], table[:, sf.TOP_SLOT, FIRST])
    _dress_slot(table, sf.INNER_SLOT, draw, palette.inner(draw))
    table[:, sf.INNER_SLOT, PATTERN] = torch.where(
        draw.chance(0.8), torch.zeros_like(top), torch.full_like(top, STRIPES)
    ).float()
    table[:, sf.INNER_SLOT, SCALE] = draw.uniform()
    _dress_slot(
        table,
        sf.BOTTOM_SLOT,
        draw,
        palette.bottom(draw, bottom == JEANS, (bottom == SLIM) & draw.chance(0.6), bottom == LEGGINGS),
    )
    skirts = (bottom == SKIRT_SHORT) | (bottom == SKIRT_LONG)
    cloth = draw.choice((0.93, 0.0, 0.01, 0.0, 0.03, 0.0, 0.0, 0.03, 0.0, 0.0, 0.0))
    gown = draw.choice((0.55, 0.06, 0.03, 0.05, 0.12, 0.09, 0.0, 0.0, 0.0, 0.0, 0.10))
    table[:, sf.BOTTOM_SLOT, PATTERN] = torch.where(skirts, gown, cloth).float()
    denim = (bottom == JEANS) | (bottom == SLIM) | ((bottom == SHORTS) & draw.chance(0.5))
    table[:, sf.BOTTOM_SLOT, PATTERN] = torch.where(
        denim & ~skirts, torch.tensor(float(FADE)), table[:, sf.BOTTOM_SLOT, PATTERN]
    )
    kind = torch.where(denim, DENIM, torch.where((bottom == CHINO) | (bottom == WIDE), CREASE, NO_DETAIL))
    table[:, sf.BOTTOM_SLOT, DETAIL] = torch.where(skirts, torch.zeros_like(kind), kind).float()
    table[:, sf.BOTTOM_SLOT, SCALE], table[:, sf.BOTTOM_SLOT, GRAIN] = draw.uniform(), draw.uniform(0.02, 0.08)
    _dress_slot(table, sf.SHOE_SLOT, draw, palette.shoes(draw))
    table[:, sf.SHOE_SLOT, GLOSS], table[:, sf.SHOE_SLOT, DETAIL] = 0.2, draw.choice((0.6, 0.4)).float()
    for slot, colours in (
        (sf.BAG_SLOT, palette.bag),
        (sf.HAT_SLOT, palette.accessory),
        (sf.COLLAR_SLOT, palette.accessory),
    ):
        _dress_slot(table, slot, draw, colours(draw))
        table[:, slot, GRAIN] = 0.04
    table[:, sf.BAG_SLOT, GLOSS] = 0.15
    worn = (outfit.collar != SCARF)[:, None]
    table[:, sf.COLLAR_SLOT] = torch.where(worn, table[:, sf.TOP_SLOT], table[:, sf.COLLAR_SLOT])
    table[:, sf.COLLAR_SLOT, PRINT] = 0.0
    tights = (outfit.skirt > 1.3) & (outfit.trouser == 0) & draw.chance(0.3)
    table[:, sf.LEG_SLOT] = table[:, sf.SKIN]
    dark = torch.tensor([0.10, 0.09, 0.10]) + 0.12 * skin * draw.uniform()[:, None]
    table[:, sf.LEG_SLOT, FIRST] = torch.where(tights[:, None], dark, skin)
    # The second colour of the leg is the sock; its station is the phase.
    table[:, sf.LEG_SLOT, SECOND] = palette.sock(draw)
    table[:, sf.LEG_SLOT, PHASE] = torch.where(
        draw.chance(0.4), draw.uniform(2.7, 2.95), torch.full_like(shape.stature, 9.0)
    )
    _dress_slot(table, sf.SEAT_SLOT, draw, palette.furniture(draw))
    for slot in range(sf.SLOTS):
        if slot != sf.LEG_SLOT:
            table[:, slot, PHASE] = draw.uniform()
    table[:, sf.SLEEVE_SLOT, PHASE] = table[:, sf.TOP_SLOT, PHASE]
    return table


def _dress_slot(table: Tensor, slot: int, draw: Draws, colours: tuple[Tensor, Tensor, Tensor]) -> None:
    table[:, slot, FIRST], table[:, slot, SECOND], table[:, slot, THIRD] = colours
