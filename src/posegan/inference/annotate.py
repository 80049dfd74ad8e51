"""Keypoints of many photos into an annotation CSV, by a detector: what `posegan detect` does. It can be stopped.

A row of missing joints only says that nobody was found, as in the published annotations; such photos are not looked at
again. Photos that cannot be read, or have fewer people than the number of the one meant, get no row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track
from torch import Tensor

from posegan.data.cache import list_photos, list_unread
from posegan.detect import People
from posegan.errors import UserError
from posegan.images import PHOTO_SUFFIXES, from_pil, read_photo, tell_unread, to_pil, write_jpeg
from posegan.inference.finder import PersonFinder
from posegan.inference.output import out_file
from posegan.lock import sole_writer
from posegan.places import ANNOTATIONS, lies_in, require_folder_place
from posegan.pose import COCO18, Pose, draw_pose
from posegan.pose.io import load_annotations, save_annotations, unfit_name

EVERY = 10.0  # seconds between two times that the CSV is written
LARGEST = 1280  # pixels of the longer side of pictures of what was found
NOBODY = Pose(torch.zeros(len(COCO18), 2), torch.zeros(len(COCO18), dtype=torch.bool))


@dataclass
class Annotated:
    """What became of the photos: how many, those in which nobody was found, and a sentence for each unreadable one."""

    looked_at: int = 0
    known: int = 0
    """Photos that the CSV had already."""
    nobody: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Pictures of a folder in formats that are not read."""
    too_few: list[str] = field(default_factory=list)
    """A sentence for each photo that shows people, but not as many as the number of the person meant."""


def annotate(
    images: Sequence[str | Path],
    out: str | Path,
    finder: PersonFinder,
    *,
    pictures: str | Path | None = None,
    progress: bool = False,
) -> Annotated:
    """Find the people of photos and write an annotation CSV; rows that it has already are kept and not made again.

    images: one folder, whose photos are named by their paths in it, or photo files, named by their file names.
    pictures: folder for a picture of each photo with all people numbered and the joints of the one taken.
    Raises UserError if there are no photos, if two have one name, if the CSV is no annotation file or another process
    writes it, or if `pictures` lies in the folder of the photos.
    """
    files, out = photos_of(images), Path(out)
    if pictures is not None:
        require_folder_place(pictures)
        if any(Path(image).is_dir() and lies_in(pictures, image) for image in images):
            raise UserError(f"{pictures} lies in the folder of the photos, which would mix: give another folder.")
    out = out_file(out, ANNOTATIONS, files.values())
    with sole_writer(out):
        rows = load_annotations(out) if out.exists() else {}
        finder.network  # noqa: B018 (loaded now: a network that is missing is no fault of the photos)
        result = Annotated(unread=[name for image in images if Path(image).is_dir() for name in list_unread(image)])
        for name in list(files):
            if why := unfit_name(name):
                result.unreadable.append(f"{str(files.pop(name))!r} can have no row: its name {why}; rename it.")
        result.known = sum(name in rows for name in files)
        wanted = {name: file for name, file in files.items() if name not in rows}
        _fill(rows, wanted, out, finder, result, None if pictures is None else Path(pictures), progress)
    return result


def _fill(
    rows: dict[str, Pose],
    wanted: Mapping[str, Path],
    out: Path,
    finder: PersonFinder,
    result: Annotated,
    pictures: Path | None,
    progress: bool,
) -> None:
    """Add a row for each of the photos wanted, written now and then and at the end, and note what became of them."""
    written = time.monotonic()
    try:
        for name, file in _shown(wanted, progress):
            try:
                photo = read_photo(file)
                people, pose = _look(finder, photo, str(file))
            except UserError as error:  # unreadable, or too small for the box or for a person
                result.unreadable.append(str(error))
                continue
            if pictures is not None:
                write_jpeg(pictures / f"{name}.jpg", draw_people(photo, people, pose))
            if 0 < len(people) < (finder.person or 1):  # a row would say that nobody is there
                result.too_few.append(f"there is no person {finder.person} in {name}, found {len(people)}")
                continue
            rows[name] = pose
            result.looked_at += 1
            if not bool(pose.visible.any()):
                result.nobody.append(name)
            if time.monotonic() - written > EVERY:
                save_annotations(out, rows)
                written = time.monotonic()
    finally:
        if rows:
            save_annotations(out, rows)


def _look(finder: PersonFinder, photo: Tensor, name: str) -> tuple[People, Pose]:
    people = finder.people(photo, name)
    number = finder.person or 1
    return people, people.pose[number - 1] if number <= len(people) else NOBODY


def photos_of(images: Sequence[str | Path]) -> dict[str, Path]:
    """Return the photo files of one folder and all in it, or the files given, by what their rows are called."""
    paths = [Path(image) for image in images]
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise UserError(f"{folders[0]} is a folder: give one folder, or photo files.")
    if folders:
        names = list_photos(folders[0])
        if not names and (unread := list_unread(folders[0])):
            raise UserError(f"{folders[0]} holds no photos but {tell_unread(unread)}.")
        if not names:
            raise UserError(f"{folders[0]} holds no photos ({', '.join(sorted(PHOTO_SUFFIXES))}): give another folder.")
        return {name: folders[0] / name for name in names}
    files = {path.name: path for path in paths}
    if len(files) < len(paths):
        raise UserError("Two photos have the same file name: give the folder that holds them both.")
    return files


def _shown(files: Mapping[str, Path], progress: bool) -> Iterator[tuple[str, Path]]:
    console = Console(stderr=True)
    hidden = not (progress and console.is_terminal)
    yield from track(files.items(), "detecting", len(files), console=console, transient=True, disable=hidden)


def draw_people(photo: Tensor, people: People, taken: Pose) -> Tensor:
    """Return the photo (3, H, W), not larger than LARGEST, with everybody's box and number and the joints of one."""
    height, width = photo.shape[-2:]
    scale = min(1.0, LARGEST / max(height, width))
    size = round(height * scale), round(width * scale)
    small = from_pil(to_pil(photo).resize(size[::-1], Image.Resampling.LANCZOS))
    picture = to_pil(draw_pose(taken.resize((height, width), size), size, small))
    pen, high = ImageDraw.Draw(picture), max(10, size[0] // 24)
    for number, box in enumerate(people.boxes.tolist(), 1):
        left, top, right, bottom = (edge * scale for edge in box)
        colour = (255, 210, 0) if number == 1 else (255, 255, 255)
        pen.rectangle((left, top, right, bottom), outline=colour, width=max(1, high // 10))
        if len(people) > 1:
            place = max(0.0, left), max(0.0, top - high)
            words = pen.textbbox(place, str(number), font_size=high)
            pen.rectangle(words, fill=colour)
            pen.text(place, str(number), fill=(0, 0, 0), font_size=high)
    return from_pil(picture)
