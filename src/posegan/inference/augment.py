"""New pictures of each person of a re-identification set: in poses of others, in the set's own layout, with a manifest.

Who may be multiplied is decided in inference/allowed_people.py, how good a picture is by what is plugged in as a
`PictureScore`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from posegan import __version__
from posegan.errors import UserError, unknown_name
from posegan.images import to_bytes, to_signed, write_jpeg
from posegan.inference.allowed_people import AllowedPeople, AllowedSplit, allowed_people
from posegan.inference.manifest import Manifest, check_settings
from posegan.inference.output import out_folder, provenance
from posegan.inference.picture_score import Pictures, PictureScore
from posegan.inference.predictor import Predictor
from posegan.inference.targets import fit_bodies
from posegan.lock import sole_writer
from posegan.places import require_folder_place
from posegan.pose import Pose, load_annotations, save_annotations

COLUMNS = ("picture", "person", "source", "pose_donor", "weights_sha256", "kept")  # of the manifest, before the scores
PLACES = {"market": ("bounding_box_train", "market-annotation-train.csv"), "folder": (".", "annotations.csv")}

CALLED = {"retarget": "fitted limb lengths"}
"""What messages call the settings that may not change in a folder, where it is not their name."""


@dataclass(frozen=True)
class Job:
    """One picture to make: its file name, the person, and which photos give the person and the pose (their indices)."""

    picture: str
    person: str
    source: int
    donor: int


@dataclass(frozen=True)
class Augmented:
    """How many pictures of how many people a folder holds, and how many were made and dropped for their scores."""

    pictures: int
    people: int
    dropped: int


def augment(
    predictor: Predictor,
    data: str | Path,
    out: str | Path,
    *,
    count: int = 4,
    split: AllowedSplit = "train",
    people: Sequence[str] | None = None,
    seed: int = 0,
    scores: Sequence[PictureScore] = (),
    least: Mapping[str, float] | None = None,
    retarget: bool = True,
    batch_size: int = 32,
    metadata: bool = True,
    progress: bool = False,
) -> Augmented:
    """Write `count` new pictures of each person of a data set and say how many there are.

    data: a folder in Market-1501's layout, or one with a folder for each person; the pictures are laid out alike, with
    their annotations, and `manifest.csv` has a line for each. people: only these; split: see `allowed_people`.
    scores: columns of the manifest; least: {score: threshold}, pictures below any are dropped and counted.
    retarget: give poses the limb lengths of who takes them. The same call goes on where it was stopped.
    Raises UserError as `allowed_people`, or if `out` holds other results or another process writes there, or if it lies
    in the data set.
    """
    folder, root = Path(out).resolve(), Path(data).resolve()
    require_folder_place(out, data)
    for name in least or {}:
        if name not in [score.name for score in scores]:
            raise unknown_name("score", name, [score.name for score in scores])
    found = allowed_people(data, predictor.size, split, people)
    settings = {
        "version": __version__,
        "data": str(root),
        "weights": predictor.sha256,
        "split": split,
        "seed": seed,
        "retarget": retarget,
        "scores": [score.name for score in scores],
        "least": dict(least or {}),
    }
    thresholds = {name: f"a least {name}" for name in least or {}}
    place, annotations = PLACES[found.kind]
    jobs = plan(found, list(dict.fromkeys(people or found.people)), count, seed)
    with sole_writer(out_folder(out)):
        file = folder / "augment.json"
        if (folder / annotations).is_file() and not file.is_file():
            raise UserError(f"{out} holds {annotations} of another data set, which would be lost: give another folder.")
        check_settings(file, settings, CALLED | thresholds)
        manifest = Manifest(folder / "manifest.csv", [*COLUMNS, *(score.name for score in scores)])
        waiting = [job for job in jobs if job.picture not in manifest.kept]
        weights = predictor.sha256 or "none"
        console = Console(stderr=True)
        starts = range(0, len(waiting), batch_size)
        for start in track(starts, "augmenting", console=console, disable=not (progress and console.is_terminal)):
            batch = waiting[start : start + batch_size]
            made, rows = _make(predictor, found, batch, scores, dict(least or {}), retarget)
            for job, image, row in zip(batch, made, rows, strict=True):
                if row[0] == "yes":
                    said = provenance(predictor, found.dataset.names[job.source])
                    said["posegan:pose-donor"] = found.dataset.names[job.donor]
                    write_jpeg(folder / place / job.picture, image, said if metadata else None)
            manifest.add(
                (job.picture, job.person, *(found.dataset.names[i] for i in (job.source, job.donor)), weights, *row)
                for job, row in zip(batch, rows, strict=True)
            )
        kept = [job for job in jobs if manifest.kept[job.picture]]
        if kept:
            poses = _targets(found, kept, retarget)
            known = load_annotations(folder / annotations) if (folder / annotations).is_file() else {}
            earlier = {name: pose for name, pose in known.items() if manifest.kept.get(name)}  # of other people
            save_annotations(folder / annotations, earlier | {job.picture: poses[i] for i, job in enumerate(kept)})
    return Augmented(len(kept), len({job.person for job in kept}), len(jobs) - len(kept))


def plan(found: AllowedPeople, people: Sequence[str], count: int, seed: int) -> list[Job]:
    """Return the pictures to make; each follows from seed, person and number alone, whoever else is augmented.

    The person comes from one of their photos, the pose from any photo of another allowed person.
    """
    everybody = [index for photos in found.people.values() for index in photos]
    start = 0
    own: dict[str, range] = {}
    for person, photos in found.people.items():
        own[person] = range(start, start + len(photos))
        start += len(photos)
    jobs = []
    for person in people:
        photos, block = found.people[person], own[person]
        for number in range(count):
            digest = hashlib.sha256(f"{seed}/{person}/{number}".encode()).digest()
            source = photos[int.from_bytes(digest[:8]) % len(photos)]
            place = int.from_bytes(digest[8:16]) % (len(everybody) - len(block))
            donor = everybody[place if place < block.start else place + len(block)]
            stem = Path(found.dataset.names[source]).with_suffix("").as_posix()
            jobs.append(Job(f"{stem}_g{number:03d}.jpg", person, source, donor))
    return jobs


def _targets(found: AllowedPeople, jobs: Sequence[Job], retarget: bool) -> Pose:
    poses, size = found.dataset.poses, found.dataset.size
    wanted = poses[torch.tensor([job.donor for job in jobs])]
    return fit_bodies(wanted, poses[torch.tensor([job.source for job in jobs])], size) if retarget else wanted


def _make(
    predictor: Predictor,
    found: AllowedPeople,
    jobs: Sequence[Job],
    scores: Sequence[PictureScore],
    least: Mapping[str, float],
    retarget: bool,
) -> tuple[Tensor, list[list[str]]]:
    """Return pictures (B, 3, H, W) uint8, and for each the end of its line: whether it is kept, and its scores."""
    _guard(found, jobs)
    sources = torch.tensor([job.source for job in jobs])
    photos, poses, targets = (
        found.dataset.photos.read(sources),
        found.dataset.poses[sources],
        _targets(found, jobs, retarget),
    )
    made = to_bytes(predictor.repose(to_signed(photos), poses, targets).cpu())
    pictures = Pictures(made, photos, poses, targets, [found.dataset.names[job.source] for job in jobs])
    found_scores = {score.name: score(pictures).tolist() for score in scores}
    rows = []
    for i in range(len(jobs)):
        kept = all(found_scores[name][i] >= threshold for name, threshold in least.items())  # NaN is below any
        rows.append(["yes" if kept else "no", *(f"{values[i]:.4f}" for values in found_scores.values())])
    return made, rows


def _guard(found: AllowedPeople, jobs: Sequence[Job]) -> None:
    """Raise ValueError if a photo of somebody outside the allowed people would be used, whatever `plan` did."""
    allowed = {index: person for person, photos in found.people.items() for index in photos}
    for job in jobs:
        if allowed.get(job.source) != job.person or allowed.get(job.donor, job.person) == job.person:
            raise ValueError(f"{job.picture} takes its person or its pose from somebody who is not allowed")
