"""Who is on a photo, by its name. It opens no photo."""

from __future__ import annotations

import re
from collections.abc import Callable

Identity = Callable[[str], str | None]  # photo name -> person, None: belongs to nobody

GARMENT = re.compile(r"fash?ion.*id\d{10}$")  # eight digits of a person, two of a garment


def market_identity(name: str) -> str | None:
    """Return the person of a Market-1501 file name `IIII_cCsS_FFFFFF_DD.jpg`; None for distractors (`0000`, `-1`)."""
    return None if name.startswith(("0000", "-1")) else name.partition("_")[0]


def deepfashion_identity(name: str) -> str | None:
    """Return person and garment of a flattened DeepFashion name: all before the last `_`, which starts the view."""
    return name.rpartition("_")[0] or None


def wearer(identity: str) -> str:
    """Return whose photos those of an identity are: DeepFashion's has the number of the garment at its end."""
    return identity[:-2] if GARMENT.match(identity) else identity


def folder_identity(name: str) -> str | None:
    """Return the first folder of a name `<person>/<image>`, to whom those below it belong; None if it has no folder."""
    return name.partition("/")[0] if "/" in name else None


def identity_of(name: str) -> str | None:
    """Return the person of a photo by the look of its name: `<person>/<image>`, DeepFashion's, else Market-1501's."""
    if "/" in name:
        return folder_identity(name)
    return deepfashion_identity(name) if name.startswith(("fashion", "fasion")) else market_identity(name)
