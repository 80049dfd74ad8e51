"""The table of the page and what has to be said below it, as HTML. The page itself is in page.py."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from posegan.evaluation.benchmark_result import Benchmark, RowResult, WeightsFacts
from posegan.evaluation.columns import GROUPS, direction, group_of, heading, number
from posegan.evaluation.published import FOOTNOTE, PublishedRow

KINDS = {"ceiling": "ceilings", "model": "models measured here", "floor": "floors", "published": "published"}
COST = "cost and origin"  # the group of the columns that are no metrics
RARE = list(GROUPS)[-1]  # the group of columns that is hidden at first


def plain(text: object) -> str:
    """Return text that stands for itself in HTML; addresses lose their scheme, so that the page names none to open."""
    return escape(str(text).replace("https://", "").replace("http://", ""))


def table(result: Benchmark) -> str:
    """Return the table: a column a metric, every heading a button that the script sorts by."""
    metrics = [metric for group in result.groups.values() for metric in group if direction(metric)]
    heads = [_head("row", "text", "ascending", "ceilings, models, floors and published rows", "")]
    for metric in metrics:
        said = result.protocols.get(metric, "as published; not measured here")
        arrow = "higher is better" if direction(metric) > 0 else "lower is better"
        sorts = "descending" if direction(metric) > 0 else "ascending"
        heads.append(_head(heading(metric), "number", sorts, f"{said} ({arrow})", group_of(metric)))
    heads += [
        _head("M parameters", "number", "ascending", "of the generator", COST),
        _head("ms / photo", "number", "ascending", "least time of one photo, one at a time, warm", COST),
        _head("step", "number", "descending", "training steps made", COST),
        _head("weights", "text", "ascending", "file and the first digits of its sha256", COST),
        _head("date", "text", "descending", "of the measurement", COST),
    ]
    best = {metric: result.best(metric) for metric in metrics}
    lines = []
    for row in result.rows:
        cells = [_score(metric, row.values.get(metric), best[metric], row.kind) for metric in metrics]
        lines.append(_line(row.kind, row.name, row.meaning, cells + _facts(row)))
    for published in result.published:
        cells = [_score(metric, published.values.get(metric), None, "published", 3) for metric in metrics]
        lines.append(_line("published", *_published(published), cells + [_cell("", "")] * 5))
    return f"<table><thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table>"


def switches(result: Benchmark) -> str:
    """Return the check boxes that show and hide kinds of rows and groups of columns."""
    kinds = dict.fromkeys([*(row.kind for row in result.rows), *(["published"] if result.published else [])])
    rows = "".join(_switch("row", kind, KINDS[kind], True) for kind in kinds)
    columns = "".join(_switch("column", group, group, group != RARE) for group in [*result.groups, COST])
    return f"<p>Rows: {rows}</p><p>Columns: {columns}</p>"


def _switch(part: str, value: str, words: str, on: bool) -> str:
    checked = " checked" if on else ""
    return f'<label><input type="checkbox"{checked} data-part="{part}" value="{plain(value)}">{plain(words)}</label>'


def _published(row: PublishedRow) -> tuple[str, str]:
    return f"{row.name}, published", f"{row.source}, over another list of pairs"


def _head(text: str, kind: str, first: str, title: str, group: str) -> str:
    return (
        f'<th scope="col" data-kind="{kind}" data-first="{first}" data-group="{plain(group)}">'
        f'<button type="button" title="{plain(title)}">{plain(text)}</button></th>'
    )


def _line(kind: str, name: str, meaning: str, cells: list[str]) -> str:
    head = f'<th scope="row" data-value="{plain(name)}" title="{plain(f"{name}: {meaning}")}">{plain(name)}</th>'
    return f'<tr class="{kind}">{head}{"".join(cells)}</tr>'


def _cell(text: str, value: object, css: str = "") -> str:
    marked = f' class="{css}"' if css else ""
    return f'<td{marked} data-value="{plain(value)}">{text}</td>'


def _score(metric: str, value: float | None, best: float | None, kind: str, digits: int | None = None) -> str:
    text = number(metric, value, digits)
    marked = "best" if text and kind == "model" and value == best else ""
    return _cell(text, repr(value) if text else "", marked)


def _facts(row: RowResult) -> list[str]:
    facts, date = row.weights, str(row.made["date"])
    if facts is None:
        return [*[_cell("", "")] * 4, _cell(date[:10], date, "text")]
    return [
        _cell(f"{facts.parameters / 1e6:.1f}", facts.parameters),
        _cell(f"{facts.seconds * 1000:.0f}" if facts.seconds >= 0.01 else f"{facts.seconds * 1000:.1f}", facts.seconds),
        _cell(f"{facts.step:,}", facts.step),
        _cell(f"{plain(facts.file)} <code>{facts.sha256[:8]}</code>", _sortable(facts), "text"),
        _cell(date[:10], date, "text"),
    ]


def _sortable(facts: WeightsFacts) -> str:
    return f"{facts.file} {facts.sha256}"


def notes(result: Benchmark) -> str:
    """Return what belongs below the table: the footnote, what was left out, and every definition."""
    said = [f'<p class="note">{plain(FOOTNOTE)}</p>'] if result.published else []
    rows = {row.name: row.meaning for row in result.rows if row.kind != "model"}
    said.append(_definitions("What the rows mean", rows))
    said.append(_definitions("What the columns mean", {heading(m): text for m, text in result.protocols.items()}))
    if result.left_out:
        said.append(_definitions(f"Left out ({len(result.left_out)})", result.left_out))
    if result.not_measured:
        missing = {", ".join(map(heading, metrics)): reason for reason, metrics in result.missing().items()}
        said.append(_definitions(f"Not measured: {', '.join(missing)}", missing))
    return "\n".join(said)


def _definitions(title: str, terms: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{plain(term)}</dt><dd>{plain(text)}</dd>" for term, text in terms.items())
    return f"<details><summary>{plain(title)}</summary><dl>{items}</dl></details>"
