"""What a run writes for people: metrics.jsonl, TensorBoard events, a progress bar, sample sheets, validation scores."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from posegan.batch import Batch
from posegan.data import PosePairDataset
from posegan.evaluation.sheet import comparison
from posegan.files import write_text
from posegan.images import tile, write_png
from posegan.inference.output import GENERATED
from posegan.metrics import ssim
from posegan.models import Generator

SHEET_PAIRS = 8
VALIDATION_BATCH = 32


class RunLog:
    """Writes the log of one run; on every process but the first (`quiet`) it does nothing."""

    def __init__(self, folder: Path, steps: int, start: int, pairs_per_step: int, *, quiet: bool) -> None:
        self.quiet = quiet
        self.folder = folder
        self._pairs = pairs_per_step
        self._since, self._last = time.perf_counter(), start
        self._console = Console(stderr=True)
        if quiet:
            return
        from torch.utils.tensorboard import SummaryWriter

        _forget_after(folder / "metrics.jsonl", start)
        self._lines = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder), purge_step=start + 1)  # events from there on are hidden
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
        self._bar = Progress(
            *columns, TimeRemainingColumn(), console=self._console, disable=not self._console.is_terminal
        )
        self._task = self._bar.add_task("training", total=steps, completed=start, note="")

    def __enter__(self) -> RunLog:
        if not self.quiet:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.quiet:
            self._bar.stop()
            self._lines.close()
            self._board.close()

    def say(self, text: str) -> None:
        """Print a line above the progress bar."""
        if not self.quiet:
            self._console.print(text, highlight=False, soft_wrap=True)

    def advance(self, step: int) -> None:
        """Move the progress bar."""
        if not self.quiet:
            self._bar.update(self._task, completed=step)

    def losses(self, step: int, terms: dict[str, float]) -> None:
        """Write the mean loss terms since the last line, with the speed since then."""
        now = time.perf_counter()
        speed = (step - self._last) * self._pairs / max(now - self._since, 1e-9)
        self._since, self._last = now, step
        self.scalars(step, terms | {"images_per_second": speed})
        if not self.quiet:
            self._bar.update(self._task, completed=step, note=f"{speed:.1f} images/s")
            if not self._console.is_terminal:
                shown = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
                self.say(f"step {step}  {speed:.1f} images/s  {shown}")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Write named numbers to metrics.jsonl and TensorBoard."""
        if self.quiet:
            return
        self._lines.write(json.dumps({"step": step} | {k: round(v, 6) for k, v in values.items()}) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of a broken-off run that lie after the state it goes on from, and a half-written last line."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            continue
        if entry["step"] <= step:
            kept.append(line + "\n")
    write_text(path, "".join(kept))


@torch.no_grad()
def sample_sheet(generator: Generator, batch: Batch) -> Tensor:
    """Return a (3, H', W') uint8 sheet, two pairs a row, each with the columns of an evaluation's sheet."""
    columns = comparison(batch, generator(batch.source_image, batch.source_pose, batch.target_pose))
    return tile(torch.stack(list(columns.values()), 1).flatten(0, 1), columns=2 * len(columns))


def write_samples(folder: Path, step: int, generator: Generator, batch: Batch) -> None:
    """Write the sheet of a step to `samples/` in the run folder."""
    path = folder / "samples" / f"step-{step:08d}.png"
    write_png(path, sample_sheet(generator, batch), GENERATED)


@torch.no_grad()
def validation_ssim(generator: Generator, dataset: PosePairDataset, pairs: int, device: torch.device) -> float:
    """Return the mean SSIM (paper's protocol) over the first `pairs` pairs of a data set."""
    scores = []
    for part in torch.arange(min(pairs, len(dataset))).split(VALIDATION_BATCH):
        batch = dataset.batch(part).to(device)
        image = generator(batch.source_image, batch.source_pose, batch.target_pose).image
        scores.append(ssim(image, batch.target_image, protocol="paper").cpu())
    return float(torch.cat(scores).mean())
