"""Train a list of recipes within a time limit and score those that have come to their end; meant to run unattended.

    python recipes/train_all.py recipes/market/*-cpu.yaml --minutes 9 --evaluate ../shared/data/market1501

The same command goes on where it was stopped, so a machine that is lent for ten minutes at a time, or that dies, loses
nothing but the steps since the last saved state. What is left of the time is shared out evenly over the recipes that
are not done. A recipe that fails, or has no such key, is told and passed over. Keys of a recipe can be overridden for
all of them at once: --training.precision bf16-mixed. Nothing is fetched from a network.

A score takes its own time at the end and is not cut short: let the machine's limit be some minutes longer.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from posegan.errors import UserError
from posegan.files import write_text
from posegan.inference.output import out_folder
from posegan.training import load_recipe
from posegan.weights import read_info

POSEGAN = (sys.executable, "-m", "posegan")
SHORTEST = 0.2  # minutes: below this a start of the program is all that would happen


class Job:
    """One recipe, its run folder, and how far it is."""

    def __init__(self, recipe: Path, out: Path, overrides: Sequence[str]) -> None:
        self.recipe, self.overrides = recipe, list(overrides)
        self.folder = out / recipe.parent.name / recipe.stem
        self.steps, self.failed = 0, ""
        try:
            self.steps = load_recipe(recipe, overrides).training.steps
        except UserError as error:
            self.failed = str(error)

    @property
    def step(self) -> int:
        """The step of the newest weights."""
        weights = self.folder / "weights.safetensors"
        return read_info(weights).step if weights.is_file() else 0

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train."""
        return bool(self.failed) or self.step >= self.steps

    @property
    def scored(self) -> bool:
        """Whether its report is newer than its weights."""
        report = self.folder / "report" / "metrics.json"
        return report.is_file() and report.stat().st_mtime >= (self.folder / "weights.safetensors").stat().st_mtime

    def train(self, minutes: float) -> None:
        """Train for so many minutes or to the end."""
        limits = ["--training.out", str(self.folder), "--training.minutes", f"{minutes:.3f}"]
        self._run("train", str(self.recipe), *self.overrides, *limits)

    def score(self, data: str, limit: int | None) -> None:
        """Write the report of the newest weights."""
        some = ["--limit", str(limit)] if limit else []
        self._run(
            "evaluate", "--weights", str(self.folder), "--data", data, "--out", str(self.folder / "report"), *some
        )

    def _run(self, command: str, *arguments: str) -> None:
        status = subprocess.run([*POSEGAN, command, *arguments], check=False).returncode
        if status == 130:
            raise KeyboardInterrupt
        if status:
            self.failed = f"{command} ended with status {status}"

    def summary(self) -> dict[str, object]:
        """Return how far it is and, if there is a report, its scores."""
        found: dict[str, object] = {"step": self.step, "steps": self.steps, "failed": self.failed}
        report = self.folder / "report" / "metrics.json"
        if report.is_file():
            found["scores"] = json.loads(report.read_text(encoding="utf-8"))
        return found


def train_all(jobs: Sequence[Job], minutes: float) -> None:
    """Train the jobs one after the other; each gets an even share of the time that is left."""
    end = time.monotonic() + 60 * minutes
    for number, job in enumerate(jobs):
        left = (end - time.monotonic()) / 60
        if left < SHORTEST:
            return
        if not job.done:
            job.train(left / sum(not later.done for later in jobs[number:]))


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, train, score, tell; returns 0 if nothing failed, 2 for a mistake in the call and 1 for a failed job."""
    first, rest = str(__doc__).split("\n\n", 1)
    parser = argparse.ArgumentParser(description=first, epilog=rest, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, required=True, help="time for all training together")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the run folders (default: runs)")
    parser.add_argument("--evaluate", metavar="DATA", help="data set to score finished runs on, as `posegan evaluate`")
    parser.add_argument("--limit", type=int, help="score only the first so many pairs")
    chosen, overrides = parser.parse_known_args(argv)
    try:
        jobs = [Job(recipe, chosen.out, overrides) for recipe in chosen.recipes]
        if all(job.failed for job in jobs):
            raise UserError(jobs[0].failed)
        for job in jobs:
            if job.failed:
                print(f"train_all: {job.recipe} is passed over: {job.failed}", file=sys.stderr)
        train_all(jobs, chosen.minutes)
    except UserError as error:
        print(f"train_all: {error}", file=sys.stderr)
        return 2
    for job in jobs:
        if chosen.evaluate and job.done and not job.failed and not job.scored:
            job.score(chosen.evaluate, chosen.limit)
    summaries = {str(job.recipe): job.summary() for job in jobs}
    write_text(out_folder(chosen.out) / "train_all.json", json.dumps(summaries, indent=1))
    for job in jobs:
        print(f"{job.recipe}: step {job.step:,} of {job.steps:,}{'; ' + job.failed if job.failed else ''}")
    return int(any(job.failed for job in jobs))


if __name__ == "__main__":
    sys.exit(main())
