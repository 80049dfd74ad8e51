"""Rows are measured in parts of the list of pairs, on any number of processes, and each part is kept on disk.

A part is a fixed stretch of the list, computed on one thread in fixed batches, so that the digits depend neither on the
number of processes nor on where an earlier run was stopped. What the scores mean is in scores.py and scorers/.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posegan.data.dataset import PosePairDataset
from posegan.data.photos import PhotoSource
from posegan.evaluation.rows import Row, Weights
from posegan.evaluation.scorers import Scorer, State, available_scorers
from posegan.evaluation.scores import other_windows, score
from posegan.files import atomic_writer
from posegan.metrics import frame_batch, frame_photos
from posegan.pose.mask import body_mask

PARTS = 16  # at most, of a list of pairs: what is lost when a run is stopped, and how many processes can share a list
BATCH = 32  # pairs at a time; fixed, because a network's last digits may depend on it

Part = dict[str, Any]
"""{"scores": {metric: (n,)}, "states": {scorer: its `State`}} of one row; all of it is tensors in dicts."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What every part of every row shares: the pairs and the scorers.

    count: pairs measured, the first of the data set. framing: as `frame_photos`. scorers: their names.
    features: folder of their weights. training: photos for scores against the training set, if there are any;
    training_key: says which they are.
    """

    dataset: PosePairDataset
    count: int
    framing: str = "plain"
    scorers: tuple[str, ...] = ()
    features: Path | None = None
    device: str = "cpu"
    training: PhotoSource | None = None
    training_key: str = ""

    def load_scorers(self) -> list[Scorer]:
        """Return fresh scorers that have seen nothing."""
        return available_scorers(self.count, self.features, self.device, names=self.scorers, download=False)[0]


@dataclass(frozen=True, eq=False)
class Wanted:
    """One part of one row to be measured: `label` is the scorers' name for the row, `file` takes the result."""

    row: Row | None  # None: the training photos
    label: str
    file: Path


def parts_of(count: int) -> list[range]:
    """Return the stretches that a list of `count` pairs is cut into; they depend on `count` alone."""
    length = -(-count // (PARTS * BATCH)) * BATCH
    return [range(first, min(first + length, count)) for first in range(0, count, length)]


def measure(
    measurement: Measurement,
    tasks: Sequence[tuple[range, Sequence[Wanted]]],
    processes: int,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Measure every part that is wanted and write its file; `done` is called after each task.

    Raises UserError as the data set and the weights do; what was finished by then is kept.
    """
    if processes == 1 or len(tasks) < 2:
        with _one_thread():
            for part, wanted in tasks:
                _measure_part(measurement, part, wanted)
                done()
        return
    spawn = multiprocessing.get_context("spawn")
    count = min(processes, len(tasks))
    stop = spawn.Event()  # parts that wait at a worker cannot be cancelled
    with ProcessPoolExecutor(count, mp_context=spawn, initializer=_start, initargs=(measurement, stop)) as pool:
        try:
            futures = [pool.submit(_measure_shared, part, wanted) for part, wanted in tasks]
            for future in futures:
                future.result()
                done()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


_shared: Measurement  # of a worker process: sent once, so that photos stay decoded between parts
_stop: Event


def _start(measurement: Measurement, stop: Event) -> None:
    global _shared, _stop
    torch.set_num_threads(1)
    _shared, _stop = measurement, stop


def _measure_shared(part: range, wanted: Sequence[Wanted]) -> None:
    if not _stop.is_set():
        _measure_part(_shared, part, wanted)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _measure_part(measurement: Measurement, part: range, wanted: Sequence[Wanted]) -> None:
    scorers = measurement.load_scorers()  # new for each part, so that their sums are the part's own
    for want in wanted:
        if want.row is None:
            write_part(want.file, _training_part(measurement, scorers, part))
            continue
        write_part(want.file, _row_part(measurement, scorers, part, want.row, want.label))
        if isinstance(want.row, Weights):
            want.row.release()


def _row_part(measurement: Measurement, scorers: Sequence[Scorer], part: range, row: Row, label: str) -> Part:
    found: list[dict[str, Tensor]] = []
    for first in range(part.start, part.stop, BATCH):
        batch = measurement.dataset.batch(torch.arange(first, min(first + BATCH, part.stop))).to(measurement.device)
        images = frame_photos(row.pictures(batch), measurement.framing)
        mask = frame_photos(body_mask(batch.target_pose, batch.size), measurement.framing)
        batch = frame_batch(batch, measurement.framing)
        scores = score(images, batch.target_image, mask) | other_windows(images, batch.target_image, mask)
        scores = {name: values.cpu() for name, values in scores.items()}
        for scorer in scorers:
            scores |= scorer.add(label, images, batch, mask, first)
        found.append(scores)
    joined = {name: torch.cat([scores[name] for scores in found]) for name in found[0]}
    return {"scores": joined, "states": {s.name: {label: s.state()[label]} for s in scorers if label in s.state()}}


def _training_part(measurement: Measurement, scorers: Sequence[Scorer], part: range) -> Part:
    assert measurement.training is not None
    for first in range(part.start, part.stop, BATCH):
        photos = measurement.training.read(torch.arange(first, min(first + BATCH, part.stop)))
        for scorer in scorers:
            if scorer.wants_training:
                scorer.add_training(frame_photos(photos.to(measurement.device), measurement.framing))
    return {"scores": {}, "states": {s.name: s.state() for s in scorers if s.wants_training}}


def joined(parts: Sequence[Part]) -> Part:
    """Return the parts of one row, in the order of the list, as one: scores in a row, sums added up."""
    states: dict[str, State] = {}
    for part in parts:
        for scorer, state in part["states"].items():
            held = states.setdefault(scorer, {})
            for label, sums in state.items():
                row = held.setdefault(label, {})
                for name, value in sums.items():
                    row[name] = row[name] + value if name in row else value
    return {
        "scores": {name: torch.cat([part["scores"][name] for part in parts]) for name in parts[0]["scores"]},
        "states": states,
    }


def read_part(path: Path) -> Part:
    """Return what `measure` wrote."""
    part: Part = torch.load(path, weights_only=True)
    return part


def write_part(path: Path, part: Part) -> None:
    """Write what was measured, whole or not at all."""
    with atomic_writer(path) as file:
        torch.save(part, file)
