"""The albedo of a person: which paint belongs on which part.

Exists between the fragments of raster.py and the paints of texture.py and face.py. Light lies in shading.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.data.synthetic import body, face, garments, texture, wardrobe
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.dressed import Figure
from posegan.data.synthetic.wardrobe import FIRST, SECOND


def paint(
    person: Figure, item: Tensor, grid: Tensor, part: Tensor, around: Tensor, along: Tensor, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Albedo (3, Q), gloss and material slot (Q,) of fragments that are sorted by their `part` (Q,).

    `around` and `along` (Q,) are body coordinates, `height` that of the picture in pixels.
    """
    outfit = person.outfit
    ends = [0, *torch.bincount(part, minlength=sf.PARTS).cumsum(0).tolist()]

    def of(first: int, last: int | None = None) -> slice:
        """The fragments of the parts from the first to the last."""
        return slice(ends[first], ends[(first if last is None else last) + 1])

    slot = person.slots.reshape(-1).index_select(0, item * person.slots.shape[1] + grid)
    trunk = of(sf.TORSO)
    level = 1 - along[trunk] / garments.TRUNK_LENGTH
    slot[trunk] = texture.trunk_slots(level, around[trunk], (outfit.gap > 0).index_select(0, item[trunk]))
    table = outfit.material.flatten(0, 1).t().contiguous()
    material = table.index_select(1, item * sf.SLOTS + slot)
    # The size of a pixel in metres, for a person who fills the picture.
    grain = 1.75 / height
    colour = texture.garment_colour(material, around, along, grain)

    def own(slot: int, piece: slice) -> Tensor:
        """The first colour (3, P) of another slot of the same people."""
        return outfit.material[:, slot, FIRST].t().contiguous().index_select(1, item[piece])

    piece = of(sf.TOP)
    colour[:, piece] = texture.add_print(colour[:, piece], material[:, piece], around[piece], along[piece])
    piece = of(sf.TOP, sf.SKIRT)
    top = torch.arange(piece.start, piece.stop) < ends[sf.TOP + 1]
    colour[:, piece] *= 1 - texture.fastening(material[wardrobe.DETAIL, piece], around[piece], along[piece], top, grain)
    piece = of(sf.TROUSER_R, sf.TROUSER_L)
    colour[:, piece] *= 1 + texture.trouser_shade(material[wardrobe.DETAIL, piece], around[piece], along[piece], grain)
    for piece, tint in ((of(sf.HAIR, sf.TAIL), texture.hair_colour), (of(sf.SHOE_R, sf.SHOE_L), texture.shoe_colour)):
        colour[:, piece] = tint(material[:, piece], around[piece], along[piece])
    piece = of(sf.HEAD)
    who = item[piece]
    features = torch.stack((outfit.beard, outfit.makeup, outfit.glasses.float())).index_select(1, who)
    eyes = person.identity.index_select(0, who)
    skin, hair = own(sf.SKIN, piece), own(sf.HAIR_SLOT, piece)
    colour[:, piece] = face.paint_face(skin, around[piece], along[piece], hair, eyes, *features)
    piece = of(sf.TORSO, sf.SKIRT)
    who = item[piece]
    side = body.SIDE[outfit.bag_side].index_select(0, who)
    cover = texture.strap(around[piece], along[piece], outfit.bag.index_select(0, who), side)
    colour[:, piece] = torch.lerp(colour[:, piece], own(sf.BAG_SLOT, piece) * 0.85, cover)
    cover = texture.belt(level) * (outfit.trouser > 0).index_select(0, item[trunk])
    colour[:, trunk] = torch.lerp(colour[:, trunk], torch.tensor(0.09), cover)
    piece = of(sf.LEG_R, sf.LEG_L)
    sock = along[piece] / garments.LEG_LENGTH > material[wardrobe.PHASE, piece]
    colour[:, piece] = torch.where(sock, material[SECOND, piece], material[FIRST, piece])
    return colour.clamp_(0, 1), material[wardrobe.GLOSS], slot
