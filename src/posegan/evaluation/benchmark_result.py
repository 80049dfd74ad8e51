"""The outcome of a benchmark as a value, and as JSON and a Markdown table. It measures nothing.

The page for people is in page.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from torch import Tensor

from posegan.evaluation.columns import direction, heading, number, ordered
from posegan.evaluation.published import FOOTNOTE, PublishedRow
from posegan.evaluation.rows import Kind

FORMAT = "posegan-benchmark-1"
RANKING = "mask_ssim_paper"  # orders the models of a table, and says which pairs are best and worst


@dataclass(frozen=True)
class WeightsFacts:
    """What a reader needs to know of a row's weights, and how fast and large they are.

    seconds: for one photo, warm, median, on `timed_on`. command: measures this row again.
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

    def with_weights(self, facts: WeightsFacts) -> RowResult:
        """Return the row with what is known of its weights."""
        return replace(self, weights=facts)


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
    def metrics(self) -> list[str]:
        """Every metric that some row has, in the order of the table."""
        rows: list[RowResult | PublishedRow] = [*self.rows, *self.published]
        return ordered(metric for row in rows for metric in row.values)

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
        """Return the table as Markdown, published rows labelled as such, with its footnotes."""
        metrics = [metric for metric in self.metrics if not metric.endswith("_std")]
        lines = [
            f"# Benchmark: {self.run['data']}",
            "",
            f"{len(self.pairs):,} pairs ({self.run['pairs']}), photos of {self.run['size'][0]}x{self.run['size'][1]}. "
            f"Measured {self.run['date'][:10]} with posegan {self.run['versions']['posegan']}. "
            "Bold: best of the models measured here.",
            "",
            "| row | weights | step | date | generator | s per photo | " + " | ".join(map(heading, metrics)) + " |",
            "|---|---|---|---|---|---|" + "---|" * len(metrics),
        ]
        for row in self.rows:
            cells = (_bold(metric, row.values.get(metric), self.best(metric), row.kind) for metric in metrics)
            lines.append(f"| {' | '.join([_cell(row.name), *_weights_cells(row), *cells])} |")
        for published in self.published:
            cells = (number(metric, published.values.get(metric), 3) for metric in metrics)
            lines.append(f"| {' | '.join([f'*published:* {published.name}', '', '', '', '', '', *cells])} |")
        notes = [FOOTNOTE] if self.published else []
        notes += [f"{name} was left out: {reason}" for name, reason in self.left_out.items()]
        by_reason: dict[str, list[str]] = {}
        for metric, reason in self.not_measured.items():
            by_reason.setdefault(reason, []).append(heading(metric))
        notes += [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]
        commands = [f"    {row.weights.command}" for row in self.rows if row.weights]
        if commands:
            notes.append("Each row of weights was measured by:\n\n" + "\n".join(commands))
        rows = [f"- {row.name}: {row.meaning}." for row in self.rows if row.kind != "model"]
        definitions = [f"- {heading(metric)}: {text}." for metric, text in self.protocols.items()]
        return "\n".join([*lines, "", "\n\n".join(notes), "", *rows, "", *definitions, ""])


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


def _weights_cells(row: RowResult) -> list[str]:
    if row.weights is None:
        return ["", "", "", "", ""]
    facts = row.weights
    return [
        f"{_cell(facts.file)} `{facts.sha256[:8]}`",
        f"{facts.step:,}",
        str(row.made["date"])[:10],
        f"{facts.parameters / 1e6:.1f} M",
        f"{facts.seconds:.3f}",
    ]


def _bold(metric: str, value: float | None, best: float | None, kind: Kind) -> str:
    text = number(metric, value)
    return f"**{text}**" if text and kind == "model" and value == best else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
