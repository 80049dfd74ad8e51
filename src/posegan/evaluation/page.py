"""`benchmark.html`: one page that needs no other file and no network: table, plots and pictures of a benchmark.

The words and looks that do not depend on the result are files in page_files/; a picture is a WebP inside the page.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from torch import Tensor

from posegan import __version__
from posegan.evaluation.benchmark_result import RANKING, Benchmark, RowResult
from posegan.evaluation.columns import direction, heading, number
from posegan.evaluation.exhibits import Exhibit, Shown
from posegan.evaluation.page_table import notes, plain, switches, table
from posegan.evaluation.plots import Point, scatter
from posegan.files import write_text
from posegan.images import to_pil

BUDGET = 8_000_000  # bytes of the page; pictures are saved coarser until it fits
QUALITIES = (90, 75, 60, 40, 20)  # of WebP, tried in this order
CAPTIONED = (RANKING, "ssim_paper")  # scores under each picture
PLOTTED = ("ssim_paper", "mask_ssim_paper", "fid_targets", "lpips_alex", "frechet_squeeze_caffe", "lpips_squeeze_caffe")
MOST_PLOTS = 3  # metrics, each against size and against time

Encode = Callable[[Tensor], str]


def write_page(
    path: Path,
    result: Benchmark,
    fixed: Sequence[int],
    shown: Mapping[int, Shown],
    exhibits: Mapping[str, Exhibit],
    budget: int = BUDGET,
) -> None:
    """Write the page, whole or not at all.

    fixed: the pairs that every row shows. shown: the own pictures of all pairs. exhibits: {row: what it shows}.
    """
    text = ""
    for quality in QUALITIES:
        text = page(result, fixed, shown, exhibits, quality)
        if len(text.encode()) <= budget:
            break
    write_text(path, text)


def page(
    result: Benchmark,
    fixed: Sequence[int],
    shown: Mapping[int, Shown],
    exhibits: Mapping[str, Exhibit],
    quality: int = QUALITIES[0],
) -> str:
    """Return the page with its pictures at a WebP quality from 0 to 100."""
    models = [row for row in result.rows if row.weights]
    run, sections = result.run, ["scores", "plots", "pairs"]
    height, width = run["size"]

    def encode(picture: Tensor) -> str:
        return _data_uri(picture, quality)

    words = {"scores": "Scores", "plots": "Size and speed", "pairs": "The same pairs"}
    links = [(name, words[name]) for name in sections]
    links += [(f"model-{i}", row.name) for i, row in enumerate(models)] + [("how", "How it was measured")]
    lead = (
        f"{len(result.pairs):,} pairs ({run['pairs']}), photos of {height}x{width}. {len(models)} "
        f"{'set' if len(models) == 1 else 'sets'} of weights between ceilings and floors"
        f"{', beside the published rows' if result.published else ''}. Measured {run['date'][:10]} with posegan "
        f"{run['versions']['posegan']}."
    )
    filled = {
        "title": f"posegan benchmark: {plain(run['data'])}",
        "description": "AI-generated: the people in this report were made by posegan, or are photos of a data set.",
        "heading": plain(run["data"]),
        "lead": plain(lead),
        "nav": " ".join(f'<a href="#{name}">{plain(text)}</a>' for name, text in links),
        "style": f":root {{ --ratio: {width} / {height}; }}\n" + _file("style.css"),
        "script": _file("script.js"),
        "switches": switches(result),
        "table": table(result),
        "notes": notes(result),
        "plot_hint": plain(_plot_hint(result)),
        "plots": "\n".join(_plots(result)) or '<p class="note">No weights were measured.</p>',
        "pairs_hint": plain(
            f"{len(fixed)} pairs at even distances of the list, whatever the rows make of them. Below each picture: "
            f"{' and '.join(map(heading, CAPTIONED))}, which were taken from the tensors, not from these pictures. "
            "A click enlarges."
        ),
        "pairs": "\n".join(_pair(result, pair, shown[pair], exhibits, encode) for pair in fixed),
        "models": "\n".join(_model(i, row, result, shown, exhibits[row.name], encode) for i, row in enumerate(models)),
        "how": _how(result),
        "footer": plain(
            f"Made by posegan {__version__}. The pictures under the names of models are AI-generated. "
            "Photos of a data set stay under its licence: keep this page where the data set may be kept."
        ),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _file("template.html"))


def _file(name: str) -> str:
    return (resources.files("posegan") / "evaluation" / "page_files" / name).read_text(encoding="utf-8")


def _data_uri(picture: Tensor, quality: int) -> str:
    file = io.BytesIO()
    to_pil(picture).save(file, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _figure(encode: Encode, picture: Tensor, name: str, about: str, kind: str = "given", scores: str = "") -> str:
    alt = plain(", ".join(part for part in (name, about, scores) if part))
    return (
        f'<figure class="{kind}"><button><img src="{encode(picture)}" alt="{alt}" loading="lazy"></button>'
        f"<figcaption><b>{plain(name)}</b>{plain(scores)}</figcaption></figure>"
    )


def _captioned(row: RowResult, pair: int) -> str:
    return " · ".join(number(m, float(row.scores[m][pair]), 3) for m in CAPTIONED if m in row.scores)


def _given(shown: Shown, encode: Encode, about: str) -> str:
    parts = (("source", shown.source), ("target pose", shown.pose), ("target", shown.target))
    return "".join(_figure(encode, picture, name, about) for name, picture in parts)


def _pair(result: Benchmark, pair: int, shown: Shown, exhibits: Mapping[str, Exhibit], encode: Encode) -> str:
    source, target = result.pairs[pair]
    about = f"pair {pair + 1}"
    figures = [
        _figure(encode, exhibits[row.name].pictures[pair], row.name, about, row.kind, _captioned(row, pair))
        for row in sorted(result.rows, key=lambda row: row.kind != "model")
        if row.name != "real"  # the target stands there already
    ]
    return (
        f'<div class="pair"><h3>pair {pair + 1}: {plain(source)} to {plain(target)}</h3>'
        f'<div class="strip">{_given(shown, encode, about)}{"".join(figures)}</div></div>'
    )


def _model(
    i: int, row: RowResult, result: Benchmark, shown: Mapping[int, Shown], exhibit: Exhibit, encode: Encode
) -> str:
    assert row.weights is not None
    facts = row.weights
    said = (
        f"Model {facts.model}, {facts.parameters / 1e6:.2f} M parameters, step {facts.step:,}, trained on "
        f"{facts.data or 'unknown data'}. {facts.seconds * 1000:.0f} ms a photo. {facts.paper}"
    )
    cases = []
    for group, pairs in exhibit.ranked.items():
        for pair in pairs:
            made = _figure(encode, exhibit.pictures[pair], row.name, group, "model", _captioned(row, pair))
            given = _given(shown[pair], encode, f"pair {pair + 1}")
            cases.append(
                f'<div class="case"><h4>{group}: pair {pair + 1}</h4><div class="strip">{given}{made}</div></div>'
            )
    return (
        f'<section id="model-{i}"><h2>{plain(row.name)}</h2><p class="hint">{plain(said)}</p>'
        f"<h3>Best, median and worst pairs by {heading(RANKING)}</h3>"
        f'<div class="cases">{"".join(cases)}</div>{_inside(row.name, exhibit, encode)}</section>'
    )


def _inside(name: str, exhibit: Exhibit, encode: Encode) -> str:
    parts = []
    for pair, strips in exhibit.inside.items():
        for strip in strips:
            about = f"{strip.title} of {name}, pair {pair + 1}"
            figures = "".join(
                _figure(encode, cell.picture, cell.lines[0], about, scores=", ".join(cell.lines[1:]))
                for cell in strip.cells
            )
            title = f"<h3>pair {pair + 1}: {plain(strip.title)}</h3>"
            parts.append(f'<div class="pair">{title}<div class="strip">{figures}</div></div>')
    said = (
        "Intermediate results by the names that the model gives them, with the size of their maps. Flows: hue is the "
        "direction, white is still. Maps run from their own least value (black) to their largest (white)."
    )
    return f'<h3>Inside</h3><p class="hint">{said}</p>{"".join(parts)}' if parts else ""


def _plot_hint(result: Benchmark) -> str:
    said = "Filled: measured here. Dashed: floors. Better is up."
    if result.published:
        said += (
            " Rings: published scores over other lists of pairs, at the number of parameters that the model of that "
            "name has in the recipe for these data; nobody timed them on this machine, so the plots of time lack them."
        )
    return said


def _plots(result: Benchmark) -> list[str]:
    models = [row for row in result.rows if row.weights]
    if not models:
        return []
    drawn = []
    measured = [metric for metric in PLOTTED if any(metric in row.values for row in models)][:MOST_PLOTS]
    for metric in measured:
        floors = [(row.name, row.values[metric]) for row in result.rows if row.kind == "floor" and metric in row.values]
        rings = [
            Point(row.name, row.parameters, row.values[metric], "published")
            for row in result.published
            if row.parameters and metric in row.values
        ]
        for axis in ("million parameters of the generator", "ms per photo, one at a time"):
            by_size = axis.startswith("million")
            points = [
                Point(
                    row.name,
                    row.weights.parameters / 1e6 if by_size else row.weights.seconds * 1000,
                    row.values[metric],
                    "model",
                )
                for row in models
                if row.weights and metric in row.values
            ]
            svg = scatter(points + (rings if by_size else []), floors, axis, heading(metric), direction(metric) > 0)
            title = f"{heading(metric)} against {'size' if by_size else 'time'}"
            drawn.append(f"<figure><figcaption>{plain(title)}</figcaption>{svg}</figure>")
    return drawn


def _how(result: Benchmark) -> str:
    run = result.run
    commands = "".join(
        f"<h3>{plain(row.name)}</h3><pre><code>{plain(row.weights.command)}</code></pre>"
        f'<p class="note">{plain(_made(row))}</p>'
        for row in result.rows
        if row.weights
    )
    lost = "; ".join(f"{count:,} {kind}" for kind, count in run["left_out"].items())
    return (
        f'<p class="hint">The whole report: <code>{plain(run["command"])}</code></p>{commands}'
        f'<p class="note">Pairs: fingerprint <code>{run["fingerprint"][:16]}</code> over names, photos and poses; '
        f"framing {plain(run['framing'])}. {plain(lost and lost + '.')}</p>"
    )


def _made(row: RowResult) -> str:
    assert row.weights is not None
    machine, timed = row.made["hardware"], row.weights.timed_on
    threads = f"{timed['threads']} {'thread' if timed['threads'] == 1 else 'threads'}"
    return (
        f"{row.weights.file}, sha256 {row.weights.sha256}. Scores of {row.made['date']} on {machine['device']} "
        f"({machine['name']}, {machine['system']}), torch {row.made['versions']['torch']}; timed on "
        f"{timed['device']} with {threads}. {row.weights.licence}"
    )
