"""The outcome of a benchmark as a value, and as JSON and a Markdown table. It measures nothing.

The page for people is in page.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from torch import Tensor

from posegan.evaluation.columns import direction, grouped, heading, number
from posegan.evaluation.published import FOOTNOTE, PublishedRow
from posegan.evaluation.rows import Kind

FORMAT = "posegan-benchmark-1"
RANKING = "mask_ssim_paper"  # orders the models of a table, and says which pairs are best and worst


@dataclass(frozen=True)
class WeightsFacts:
    """What a reader needs to know of a row's weights, and how fast and large they are.

    seconds: for one photo, warm, the least of some, on `timed_on`. command: measures this row again.
    """

    file: str
    sha256: str
    model: str
    paper: str
    step: int
    data: str
    licence: str
    parameters: int
    seconds: float
    timed_on: Mapping[str, Any]
    command: str


@dataclass(frozen=True, eq=False)
class RowResult:
    """One row: values {metric: of all pairs}, stds {metric: over pairs}, scores {metric: (N,)}.

    made: date, hardware and versions of the measurement.
    """

    name: str
    kind: Kind
    meaning: str
    values: Mapping[str, float]
    stds: Mapping[str, float]
    scores: Mapping[str, Tensor]
    made: Mapping[str, Any]
    weights: WeightsFacts | None = None


def now() -> str:
    """Return the date and time in UTC as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What a benchmark found.

    rows: ceilings, then models from the best down, then floors. pairs: (source name, target name) of each.
    protocols: {metric: its definition}. not_measured: {metric: why}. left_out: {row or model: why}.
    run: data, date, command and machine.
    """

    rows: Sequence[RowResult]
    published: Sequence[PublishedRow]
    pairs: Sequence[tuple[str, str]]
    protocols: Mapping[str, str]
    not_measured: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def groups(self) -> dict[str, list[str]]:
        """{group: its metrics}: every metric that some row has, as the tables are laid out."""
        rows: list[RowResult | PublishedRow] = [*self.rows, *self.published]
        return grouped(metric for row in rows for metric in row.values)

    def best(self, metric: str) -> float | None:
        """Return the best value of a metric among the models, None without a direction or a second model."""
        values = [row.values[metric] for row in self.rows if row.kind == "model" and metric in row.values]
        values = [value for value in values if math.isfinite(value)]
        sign = direction(metric)
        return max(values, key=lambda value: sign * value) if sign and len(values) > 1 else None

    def as_json(self) -> dict[str, Any]:
        """Return what `benchmark.json` holds; a value that is no finite number becomes None."""
        return {
            "format": FORMAT,
            "N": len(self.pairs),
            "run": dict(self.run),
            "rows": {row.name: _row_json(row) for row in self.rows},
            "published": {row.name: {"source": row.source, "scores": dict(row.values)} for row in self.published},
            "published_footnote": FOOTNOTE if self.published else None,
            "protocols": dict(self.protocols),
            "not_measured": dict(self.not_measured),
            "left_out": dict(self.left_out),
        }

    def markdown(self) -> str:
        """Return the tables as Markdown, published rows labelled as such, with their footnotes."""
        height, width = self.run["size"]
        parts = [
            f"# Benchmark: {self.run['data']}",
            f"{len(self.pairs):,} pairs ({self.run['pairs']}), photos of {height}x{width}. "
            f"Measured {self.run['date'][:10]} with posegan {self.run['versions']['posegan']}. "
            "Bold: best of the models measured here.",
        ]
        for i, (group, metrics) in enumerate(self.groups.items()):
            parts += [f"## {group.capitalize()}", self._table([m for m in metrics if direction(m)], facts=i == 0)]
        parts += [FOOTNOTE] if self.published else []
        parts += [f"{name} was left out: {reason}" for name, reason in self.left_out.items()]
        parts += [f"{', '.join(map(heading, names))}: {reason}" for reason, names in self.missing().items()]
        measured = [row for row in self.rows if row.weights]
        if measured:
            heads = ("row", "weights", "sha256", "step", "measured", "command")
            parts += ["## Weights", _lines([heads, *(_provenance(row) for row in measured)])]
        rows = [f"- {row.name}: {row.meaning}." for row in self.rows if row.kind != "model"]
        definitions = [f"- {heading(metric)}: {text}." for metric, text in self.protocols.items()]
        return "\n\n".join([*parts, "## Rows and columns", "\n".join(rows), "\n".join(definitions)]) + "\n"

    def missing(self) -> dict[str, list[str]]:
        """Return {reason: the metrics that it kept from being measured}."""
        found: dict[str, list[str]] = {}
        for metric, reason in self.not_measured.items():
            found.setdefault(reason, []).append(metric)
        return found

    def _table(self, metrics: Sequence[str], facts: bool) -> str:
        """Return the rows that have any of the metrics; facts: all rows, with step, size and speed of models."""
        lines = [["row", *(("step", "generator", "s per photo") if facts else ()), *map(heading, metrics)]]
        for row in self.rows:
            cells = [_bold(metric, row.values.get(metric), self.best(metric), row.kind) for metric in metrics]
            if facts or any(cells):
                lines.append([_cell(row.name), *(_facts(row.weights) if facts else ()), *cells])
        for published in self.published:
            cells = [number(metric, published.values.get(metric), 3) for metric in metrics]
            if any(cells):
                lines.append([f"*published:* {published.name}", *([""] * 3 if facts else ()), *cells])
        return _lines(lines)


def _row_json(row: RowResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": row.kind,
        "meaning": row.meaning,
        "scores": {metric: _finite(value) for metric, value in row.values.items()},
        "std": {metric: _finite(value) for metric, value in row.stds.items()},
        "made": dict(row.made),
    }
    return found | ({"weights": dict(vars(row.weights))} if row.weights else {})


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _lines(table: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the headings first, as a Markdown table."""
    rows = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([rows[0], "|" + "---|" * len(table[0]), *rows[1:]])


def _facts(facts: WeightsFacts | None) -> list[str]:
    if facts is None:
        return ["", "", ""]
    return [f"{facts.step:,}", f"{facts.parameters / 1e6:.1f} M", f"{facts.seconds:.3f}"]


def _provenance(row: RowResult) -> list[str]:
    facts = row.weights
    assert facts is not None
    date, command = str(row.made["date"])[:10], f"`{_cell(facts.command)}`"
    return [_cell(row.name), _cell(facts.file), f"`{facts.sha256[:8]}`", f"{facts.step:,}", date, command]


def _bold(metric: str, value: float | None, best: float | None, kind: Kind) -> str:
    text = number(metric, value)
    return f"**{text}**" if text and kind == "model" and value == best else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
