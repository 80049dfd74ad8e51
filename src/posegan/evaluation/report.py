"""The outcome of an evaluation as a value, and its files: `metrics.json`, `scores.csv`, `sheet.png`, a table as text.

It computes no metric. The pictures of the sheet are in evaluation/sheet.py.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posegan import __version__
from posegan.files import write_text
from posegan.hardware import device_name
from posegan.inference.predictor import Predictor

Rows = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found.

    rows: {row: {metric: mean over all pairs}}; the last row is the model's.
    pairs: (source name, target name) of each pair scored.
    scores: {metric: (N,)} of the model, in the order of `pairs`.
    protocols: {metric: its definition in one line}. run: weights, versions, data, date and machine.
    """

    rows: Rows
    pairs: Sequence[tuple[str, str]]
    scores: Mapping[str, Tensor]
    protocols: Mapping[str, str]
    run: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return what `metrics.json` holds: every row by its name, then N, the protocols and the run.

        A value that is no finite number, such as the PSNR of equal images, becomes None.
        """
        rows = {
            row: {metric: value if math.isfinite(value) else None for metric, value in values.items()}
            for row, values in self.rows.items()
        }
        return rows | {"N": len(self.pairs), "protocols": dict(self.protocols), "run": dict(self.run)}


def text_table(rows: Rows) -> str:
    """Return the rows as an aligned table for a terminal."""
    metrics = list(next(iter(rows.values())))
    width = max(len(row) for row in rows)
    lines = [" " * width + "".join(f"  {metric:>{max(len(metric), 7)}}" for metric in metrics)]
    for row, values in rows.items():
        cells = (f"  {_number(values[metric]):>{max(len(metric), 7)}}" for metric in metrics)
        lines.append(f"{row:<{width}}" + "".join(cells))
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "-"


def write_metrics(folder: Path, result: Evaluation) -> None:
    """Write `metrics.json` and the scores of each pair, `scores.csv`, each whole or not at all."""
    write_text(folder / "metrics.json", json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n")
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["from", "to", *result.scores])
    columns = [values.tolist() for values in result.scores.values()]
    writer.writerows([*pair, *(f"{v:.6g}" for v in row)] for pair, *row in zip(result.pairs, *columns, strict=True))
    write_text(folder / "scores.csv", table.getvalue())


def describe_run(predictor: Predictor) -> dict[str, Any]:
    """Return what a reader needs to repeat a measurement: weights, versions, date, device and machine."""
    info = predictor.info
    return {
        "weights": {
            "file": predictor.path.name if predictor.path else None,
            "sha256": predictor.sha256,
            **({} if info is None else {k: v for k, v in dataclasses.asdict(info).items() if k != "skeleton"}),
        },
        "versions": {"posegan": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(predictor.device),
    }


def hardware(device: torch.device) -> dict[str, Any]:
    """Return the names of the device and of the machine."""
    return {
        "device": str(device),
        "name": device_name(device),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
    }
