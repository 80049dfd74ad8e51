"""`report.html` of prepared photos: what was kept, what was rejected and why, with small pictures; one file."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from posegan.files import write_text
from posegan.images import read_photo
from posegan.pose.draw import draw_pose
from posegan.prepare.look import at_most
from posegan.prepare.photos import Looked, encoded

SHOWN = 60  # pictures of a kind
SIDE = 160  # pixels of the longer side of a kept one

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
ul.pictures { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
ul.pictures li { width: 8.5rem; font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere; }
ul.pictures img { display: block; max-width: 100%; max-height: 10rem; margin-bottom: .25rem; border-radius: 3px; }
ul.pictures .none { display: grid; place-items: center; height: 5rem; border: 1px dashed var(--line);
  margin-bottom: .25rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def write_sheet(path: Path, out: Path, lines: Sequence[Looked], counts: Mapping[str, int], detector: str) -> None:
    """Write the page for what `cut_people` returned and wrote into `out`; counts: the rows of the table on top."""
    kept = [line for line in lines if line.cut]
    reasons: dict[str, list[Looked]] = {}
    for line in lines:
        if not line.cut:
            reasons.setdefault(kind_of_reason(line.reason), []).append(line)
    rows = {"photos": len(lines), "kept": len(kept), "rejected": len(lines) - len(kept), **counts}
    table = "".join(f'<tr><th>{html.escape(k)}</th><td class="number">{v:,}</td></tr>' for k, v in rows.items())
    parts = [f"<h1>Prepared photos</h1><p>Joints found by the detector {html.escape(detector)}.</p>"]
    parts.append(f"<table>{table}</table>")
    for reason, group in sorted(reasons.items(), key=lambda item: -len(item[1])):
        parts.append(_section(f"Rejected: {reason}", [_rejected(line) for line in group]))
    step = max(1, -(-len(kept) // SHOWN))
    people = len({line.cut.partition("/")[0] for line in kept})
    parts.append(_section(f"Kept: photos of {people:,} people", [_kept(out, line) for line in kept[::step]], len(kept)))
    title = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Prepared photos</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    write_text(path, f"{title}{view}<style>{STYLE}</style>{''.join(parts)}</html>\n")


def kind_of_reason(reason: str) -> str:
    """Return a reason without what is particular to one photo."""
    return "the same file as another" if reason.startswith("the same file") else reason.partition(":")[0]


def _section(title: str, items: Sequence[str], count: int | None = None) -> str:
    count = len(items) if count is None else count
    more = f"; {min(len(items), SHOWN)} are shown" if count > min(len(items), SHOWN) else ""
    return (
        f"<h2>{html.escape(title)} ({count:,}{more})</h2>"
        f'<ul class="pictures">{"".join(items[:SHOWN])}</ul>'
    )  # fmt: skip


def _rejected(line: Looked) -> str:
    detail = line.reason if kind_of_reason(line.reason) != line.reason else ""
    return _item(_image(line.shown) if line.shown else '<span class="none">not shown</span>', line.photo, detail)


def _kept(out: Path, line: Looked) -> str:
    cut = read_photo(out / line.cut)
    small = at_most(cut, SIDE)
    size = small.shape[-2], small.shape[-1]
    drawn = draw_pose(line.pose.resize((cut.shape[-2], cut.shape[-1]), size), size, small)
    return _item(_image(encoded(drawn)), line.photo, "")


def _item(picture: str, name: str, detail: str) -> str:
    said = f"<br>{html.escape(detail)}" if detail else ""
    return f"<li>{picture}{html.escape(name)}{said}</li>"


def _image(data: str) -> str:
    return f'<img src="data:image/webp;base64,{data}" alt="" loading="lazy">'
