"""A sheet of strips: rows of captioned pictures, each under a title, however many pictures a row has.

It lays pictures out and makes none. sheet.py's `lay_out` is for tables, whose rows all have the same columns.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from posegan.images import to_pil

LONGEST = 10  # pictures beside each other before a strip goes on in the next line
GAP = 8
LINE = 15  # pixels of a line of text
TITLE, CAPTION = 13, 11  # sizes of letters


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture (3, H, W) uint8 and the lines below it."""

    picture: Tensor
    lines: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Strip:
    """A title and the pictures below it."""

    title: str
    cells: Sequence[Cell]


def lay_out_strips(strips: Sequence[Strip]) -> Image.Image:
    """Return strips below each other on white; all cells are as wide as the widest picture or caption."""
    title, font = ImageFont.load_default(TITLE), ImageFont.load_default(CAPTION)
    rows = [
        (in_letters(strip.title) if first == 0 else "", strip.cells[first : first + LONGEST])
        for strip in strips
        for first in range(0, len(strip.cells), LONGEST)
    ]
    cells = [cell for _, part in rows for cell in part]
    step = GAP + max(max(c.picture.shape[-1], *(int(font.getlength(line)) + 1 for line in c.lines)) for c in cells)
    heights = [
        (LINE + 4 if name else 0)
        + max(c.picture.shape[-2] for c in part)
        + LINE * max(len(c.lines) for c in part)
        + 2 * GAP
        for name, part in rows
    ]
    width = max([max(len(part) for _, part in rows) * step, *(int(title.getlength(name)) for name, _ in rows)])
    sheet = Image.new("RGB", (width + 2 * GAP, sum(heights) + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    top = GAP
    for (name, part), height in zip(rows, heights, strict=True):
        pen.text((GAP, top), name, "black", title)
        below = top + (LINE + 4 if name else 0)
        for c, cell in enumerate(part):
            left = GAP + c * step
            sheet.paste(to_pil(cell.picture), (left, below))
            for i, line in enumerate(cell.lines):
                pen.text((left, below + cell.picture.shape[-2] + 2 + i * LINE), line, "black", font)
        top += height
    return sheet


def in_letters(text: str) -> str:
    """Return a text in ASCII, all that Pillow's own font has: letters lose their accents, others become "?"."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).encode("ascii", "replace").decode()
