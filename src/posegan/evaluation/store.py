"""What a benchmark has measured, on disk: under the sha256 of all that it depends on, part by part.

A stopped run goes on where it was, and a changed weight file, pairs file or photo is measured again, because its place
is another one. Nothing here knows what a score means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posegan.evaluation.benchmark_result import now
from posegan.evaluation.parts import Measurement, Part, Wanted, joined, measure, parts_of, read_part, write_part
from posegan.evaluation.rows import RealTarget, Row
from posegan.evaluation.scorers import REAL
from posegan.files import write_text

TRAINING = "training photos"


@dataclass(frozen=True, eq=False)
class Store:
    """The folder of measurements and what all of them depend on.

    shared: anything that `json` takes. made: what is noted beside every row that is measured now.
    """

    folder: Path
    shared: object
    made: Mapping[str, Any]

    def key(self, own: str) -> str:
        """Return the name of the place of a row with that key of its own."""
        text = json.dumps([self.shared, own], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def label(self, row: Row) -> str:
        """Return the name that the scorers know a row by: its place, so that a renamed row is the same."""
        return REAL if isinstance(row, RealTarget) else self.key(row.key)

    def fill(
        self,
        measurement: Measurement,
        rows: Sequence[Row],
        processes: int,
        begin: Callable[[int], Callable[[], None]] = lambda count: lambda: None,
    ) -> None:
        """Measure what is not there yet; `begin` takes the number of tasks and returns what is called after each."""
        wanted: dict[str, tuple[Row | None, str]] = {self.key(row.key): (row, self.label(row)) for row in rows}
        missing = {place: want for place, want in wanted.items() if not self._whole(place).is_file()}
        tasks = self._tasks(measurement.count, missing)
        if measurement.training is not None:
            place = self.key(f"{TRAINING} {measurement.training_key}")
            if not self._whole(place).is_file():
                missing[place] = (None, TRAINING)
                tasks += self._tasks(len(measurement.training.names), {place: (None, TRAINING)})
        measure(measurement, tasks, processes, begin(len(tasks)))
        for place in missing:
            files = sorted((self.folder / place).glob("part-*.pt"))
            made = dict(self.made) | {"date": now()}
            write_part(self._whole(place), joined([read_part(file) for file in files]) | {"made": json.dumps(made)})
            for file in files:
                file.unlink()

    def row(self, row: Row) -> Part:
        """Return what is known of a row: scores of all pairs, states of the scorers, and how it was made."""
        return read_part(self._whole(self.key(row.key)))

    def training(self, measurement: Measurement) -> Part | None:
        """Return what the scorers have seen of the training photos, if they were shown any."""
        if measurement.training is None:
            return None
        return read_part(self._whole(self.key(f"{TRAINING} {measurement.training_key}")))

    def note(self, row: Row, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return a small JSON note beside a row, made if it is not there yet."""
        path = self.folder / self.key(row.key) / f"{name}.json"
        if not path.is_file():
            write_text(path, json.dumps(make(), indent=2) + "\n")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _whole(self, place: str) -> Path:
        return self.folder / place / "row.pt"

    def _tasks(self, count: int, missing: Mapping[str, tuple[Row | None, str]]) -> list[tuple[range, Sequence[Wanted]]]:
        tasks: list[tuple[range, Sequence[Wanted]]] = []
        for i, part in enumerate(parts_of(count)):
            files = {place: self.folder / place / f"part-{i:02d}.pt" for place in missing}
            wanted = [
                Wanted(row, label, files[place])
                for place, (row, label) in missing.items()
                if not files[place].is_file()
            ]
            if wanted:
                tasks.append((part, wanted))
        return tasks
