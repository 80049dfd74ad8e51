"""Scatter plots as inline SVG: quality against something that costs, on a logarithmic axis. No package draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 540, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 148, 12, 40  # margins; the names of the lines stand in the right one
LETTER, LINE = 6.8, 13.0  # width of a letter and height of a line, to keep labels apart
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Point:
    """One system: x > 0, y, and whether it was measured here ("model") or is "published"."""

    name: str
    x: float
    y: float
    kind: str


def scatter(points: Sequence[Point], lines: Sequence[tuple[str, float]], x_label: str, y_label: str, up: bool) -> str:
    """Return a plot; lines: dashed levels with names. up: whether higher is better; better is always at the top."""
    values = [p.y for p in points] + [y for _, y in lines]
    low, high = min(values), max(values)
    margin = (high - low) * 0.12 or 0.1
    low, high = low - margin, high + margin
    first, last = min(p.x for p in points), max(p.x for p in points)
    first, last = first / 1.5, last * 1.5
    if last / first < 10:  # a decade at least, so that small differences look small
        middle = math.sqrt(first * last)
        first, last = middle / math.sqrt(10), middle * math.sqrt(10)

    def across(x: float) -> float:
        return LEFT + math.log(x / first) / math.log(last / first) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        share = (high - y) / (high - low) if up else (y - low) / (high - low)
        return TOP + share * (HEIGHT - TOP - BOTTOM)

    bottom = HEIGHT - BOTTOM
    drawn = []
    for y in _ticks(low, high):
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{down(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in _log_ticks(first, last):
        drawn.append(f'<line class="grid" x1="{across(x):.1f}" x2="{across(x):.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        drawn.append(f'<text x="{across(x):.1f}" y="{bottom + 17}" text-anchor="middle">{x:g}</text>')
    drawn.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x_label)}</text>')
    taken: list[Box] = [(across(p.x) - 7, down(p.y) - 7, across(p.x) + 7, down(p.y) + 7) for p in points]
    levels = sorted((down(y), name) for name, y in lines)
    edge = WIDTH - RIGHT
    for (y, name), place in zip(levels, _apart([y for y, _ in levels], bottom), strict=True):
        drawn.append(f'<path class="line" d="M{LEFT} {y:.1f}H{edge}l8 {place - y:.1f}"/>')
        drawn.append(f'<text x="{edge + 12}" y="{place + 4:.1f}">{escape(name)}</text>')
        taken.append((edge + 12, place - 6, edge + 12 + len(name) * LETTER, place + 7))
    for p in sorted(points, key=lambda p: p.kind == "published"):
        x, y = across(p.x), down(p.y)
        title = f"<title>{escape(f'{p.name}: {y_label} {p.y:.4g}, {x_label} {p.x:.3g}')}</title>"
        drawn.append(f'<circle class="{p.kind}" cx="{x:.1f}" cy="{y:.1f}" r="5">{title}</circle>')
        drawn.append(_label(p.name, x, y, f"{p.kind}-name", taken))
    said = escape(f"{y_label} against {x_label}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">{"".join(drawn)}</svg>'


def _apart(places: Sequence[float], bottom: float) -> list[float]:
    """Return heights near the given ones, which ascend, a line apart at least and none below the bottom."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + LINE) if found else place)
    lowest = bottom
    for i in reversed(range(len(found))):
        found[i] = min(found[i], lowest)
        lowest = found[i] - LINE
    return found


def _label(name: str, x: float, y: float, kind: str, taken: list[Box]) -> str:
    """Return the name of a point at (x, y) beside, above or below it, the first place where nothing stands yet.

    A line leads from the point to a name that is not beside it.
    """
    width = len(name) * LETTER
    sides = (("start", x + 9, x + 9), ("end", x - 9, x - 9 - width), ("middle", x, x - width / 2))
    places = [
        (anchor, start, y + shift + 4, (left, y + shift - 6, left + width, y + shift + 7))
        for shift in (0, -LINE, LINE, -2 * LINE, 2 * LINE)
        for anchor, start, left in sides
    ]
    anchor, start, baseline, box = next((place for place in places if _free(place[3], taken)), places[0])
    taken.append(box)
    aside = abs(baseline - 4 - y) > 1
    lead = f'<path class="pointer" d="M{x:.1f} {y:.1f}L{start:.1f} {baseline - 4:.1f}"/>' if aside else ""
    return f'{lead}<text class="{kind}" x="{start:.1f}" y="{baseline:.1f}" text-anchor="{anchor}">{escape(name)}</text>'


def _free(box: Box, taken: Sequence[Box]) -> bool:
    left, top, right, bottom = box
    if left < LEFT or right > WIDTH or top < 0 or bottom > HEIGHT - BOTTOM:
        return False
    return all(right < x0 or left > x1 or bottom < y0 or top > y1 for x0, y0, x1, y1 in taken)


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 4
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    return [round(k * step, 10) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    factors = (1, 2, 5) if high / low < 100 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [x for e in exponents for f in factors if low <= (x := float(f"{f}e{e}")) <= high]
