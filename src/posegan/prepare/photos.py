"""Raw photos to an annotated data set: people are found, cut out and written with their joints.

Each photo is looked at once: a line of `looked.jsonl` says what became of it, so that the same command goes on where it
was stopped. Splits, pairs and packs are made afterwards, by prepare.py.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Event
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from posegan.data.cache import list_photos, list_unread
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.files import append_text, printable, read_text, sha256_of
from posegan.images import tell_unread, to_pil, write_jpeg
from posegan.inference.manifest import check_settings
from posegan.pose import Pose, save_annotations
from posegan.pose.io import unfit_name
from posegan.prepare.look import look_at
from posegan.prepare.own import OwnFiles, foreign

LAYOUT = "Put each person's photos into a folder of their own: photos/<person>/<image>."
UNREAD = "in a format that is not read (save it as JPEG, PNG or WebP first)"
CALLED = {"photos": "the photos", "detector": "the detector", "detector_weights": "detector weights"}
FEW = 24  # photos, for which no further processes are started: each needs seconds until it works
TOGETHER = 4  # photos that a process takes at a time


@dataclass(frozen=True)
class Looked:
    """What became of one photo: kept as a cut of that name with these joints [x, y, visible], or rejected and why.

    shown: a small picture of a rejected photo, WebP in base64, if it could be read.
    """

    photo: str
    sha256: str
    reason: str = ""
    shown: str = ""
    cut: str = ""
    joints: tuple[tuple[float, float, int], ...] = ()

    @property
    def pose(self) -> Pose:
        """The joints () in pixels of the cut."""
        joints = torch.tensor(self.joints)
        return Pose(joints[:, :2], joints[:, 2] > 0)


class Listed(NamedTuple):
    """The photos below a folder: in people's folders, in none, and in formats that are not read."""

    inside: list[str]
    outside: list[str]
    unread: list[str]


def list_people(root: Path) -> Listed:
    """Return the photos below a folder; raises UserError if none lies in a person's folder."""
    names, unread = list_photos(root), list_unread(root)
    inside = [name for name in names if "/" in name]
    if not inside and any("/" in name for name in unread):
        raise UserError(f"{root} holds no photo in a person's folder but {tell_unread(unread)}.")
    if not inside:
        what = f"{len(names)} photos lie in {root} itself" if names else f"{root} holds no photo"
        raise UserError(f"{what}, so nobody knows which show the same person: {LAYOUT[0].lower()}{LAYOUT[1:]}")
    return Listed(inside, [name for name in names if "/" not in name], unread)


def cut_people(
    root: Path,
    own: OwnFiles,
    listed: Listed,
    open_detector: Callable[[], Detector],
    settings: dict[str, object],
    workers: int,
    progress: bool,
) -> list[Looked]:
    """Write the cuts and annotations.csv of the photos listed below `root` into own.folder; returns a line for each.

    settings: of the detector; a folder filled with others is refused. workers: processes.
    Raises UserError if nobody can be used.
    """
    out = own.folder
    if (out / "looked.jsonl").exists() and not (out / "looked.json").exists():
        raise foreign(out / "looked.jsonl")
    check_settings(out / "looked.json", {"photos": str(root.resolve()), **settings}, CALLED)
    own.save()
    journal = _Journal(out / "looked.jsonl")
    known = {line.photo: line for line in journal.lines if not line.cut or (out / line.cut).is_file()}
    seen: dict[str, str] = {}
    found: dict[str, Looked] = {}
    waiting: list[tuple[str, str]] = []
    for name in listed.inside:
        if why := unfit_name(_cut_name(name)):
            found[name] = Looked(printable(name), "", f"its name cannot stand in annotations.csv: it {why}, rename it")
            continue
        digest = sha256_of(root / name)
        twin = seen.setdefault(digest, name)
        if twin != name:
            found[name] = Looked(name, digest, f"the same file as {twin}")
        elif name in known and known[name].sha256 == digest:
            found[name] = known[name]
        else:
            waiting.append((name, digest))
    with _progress(progress, len(listed.inside) - len(waiting), len(listed.inside)) as advance:
        for line in _look_all(root, out, waiting, open_detector, workers):
            journal.add(line)
            found[line.photo] = line
            advance()
    lines = [found[name] for name in listed.inside]
    lines += [Looked(printable(name), "", "lies in no person's folder") for name in listed.outside]
    lines += [Looked(printable(name), "", UNREAD) for name in listed.unread]
    kept = {line.cut: line.pose for line in lines if line.cut}
    if not kept:
        raise UserError(f"None of the {len(lines)} photos in {root} can be used: {_most(lines)}.")
    save_annotations(out / "annotations.csv", kept)
    own.note("annotations.csv")
    return lines


def _most(lines: Sequence[Looked]) -> str:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.reason] = counts.get(line.reason, 0) + 1
    return ", ".join(f"{count} times {reason!r}" for reason, count in sorted(counts.items(), key=lambda c: -c[1])[:3])


def _look_all(
    root: Path, out: Path, photos: Sequence[tuple[str, str]], open_detector: Callable[[], Detector], workers: int
) -> Iterator[Looked]:
    """Yield a line for each photo, in any order."""
    if workers == 1 or len(photos) <= FEW:
        detector = open_detector() if photos else None
        for name, digest in photos:
            assert detector is not None
            yield _look(root, out, name, digest, detector)
        return
    chunks = [photos[i : i + TOGETHER] for i in range(0, len(photos), TOGETHER)]
    context = multiprocessing.get_context("spawn")
    stop = context.Event()  # chunks that wait at a worker cannot be cancelled
    with ProcessPoolExecutor(workers, context, _begin, (open_detector, stop)) as pool:
        tasks = [pool.submit(_look_chunk, root, out, chunk) for chunk in chunks]
        try:
            for task in as_completed(tasks):
                yield from task.result()
        except BrokenProcessPool as error:
            raise UserError(
                "A process that looks for people was ended, perhaps for lack of memory: give fewer workers; what "
                "was done is kept."
            ) from error
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_detector: Detector  # of this process
_stop: Event


def _begin(open_detector: Callable[[], Detector], stop: Event) -> None:
    global _detector, _stop
    torch.set_num_threads(1)
    _detector, _stop = open_detector(), stop


def _look_chunk(root: Path, out: Path, chunk: Sequence[tuple[str, str]]) -> list[Looked]:
    return [_look(root, out, name, digest, _detector) for name, digest in chunk if not _stop.is_set()]


def _look(root: Path, out: Path, name: str, digest: str, detector: Detector) -> Looked:
    found = look_at(root / name, detector)
    if found.cut is None or found.pose is None:
        return Looked(name, digest, found.reason, "" if found.shown is None else encoded(found.shown))
    cut = _cut_name(name)
    write_jpeg(out / cut, found.cut)
    rows = zip(found.pose.xy.tolist(), found.pose.visible.tolist(), strict=True)
    return Looked(name, digest, "", "", cut, tuple((round(x, 2), round(y, 2), int(seen)) for (x, y), seen in rows))


def _cut_name(name: str) -> str:
    """Return what the cut of a photo is called: <person>/<image>, folders below the person's in the image's name."""
    person, *rest = PurePosixPath(name).parts
    stem = "-".join((*rest[:-1], PurePosixPath(rest[-1]).stem))
    tail = hashlib.sha256(printable(name).encode()).hexdigest()[:6]  # photos may differ in folders and endings only
    return f"{person}/{stem}-{tail}.jpg"


def encoded(picture: Tensor) -> str:
    """Return a picture (3, h, w) uint8 as WebP in base64."""
    file = io.BytesIO()
    to_pil(picture).save(file, "WEBP", quality=75)
    return base64.b64encode(file.getvalue()).decode()


class _Journal:
    """Lines of JSON that are added one by one; one that was cut off when the program was stopped is taken away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: list[Looked] = []
        if not path.is_file():
            return
        text = read_text(path)
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            with path.open("r+b") as file:
                file.truncate(len(whole.encode()))
        try:
            rows = [json.loads(row) for row in whole.splitlines()]
            self.lines = [Looked(**row | {"joints": tuple(map(tuple, row["joints"]))}) for row in rows]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} is damaged: delete it, and all photos are looked at again.") from error

    def add(self, line: Looked) -> None:
        """Add a line at the end of the file."""
        append_text(self._path, json.dumps(asdict(line), ensure_ascii=False) + "\n")


@contextmanager
def _progress(shown: bool, done: int, total: int) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("looking for people", total=total, completed=done)
        yield lambda: bar.advance(task)


def default_workers() -> int:
    """Return how many processes look at photos when nobody says: one a core, at most eight."""
    return max(1, min(8, os.cpu_count() or 1))
