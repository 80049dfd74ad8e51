"""Pictures on disk from photos on disk: one photo in one pose, or every pair of a list. The work is the predictor's."""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from posegan.data import PosePairDataset
from posegan.data.assemble import PAIRS_LEFT_OUT
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.images import write_png
from posegan.inference.finder import PersonFinder
from posegan.inference.open_data import open_data
from posegan.inference.output import out_file, out_folder, pair_name, provenance, require_distinct_names
from posegan.inference.paste import generate_in_photo
from posegan.inference.poses import FramedPose, find_pose
from posegan.inference.predictor import Predictor
from posegan.inference.targets import with_guesses
from posegan.pose import Pose


def generate_file(
    predictor: Predictor,
    photo: str | Path,
    pose: Pose | FramedPose | str | Path,
    out: str | Path,
    *,
    source_pose: Pose | FramedPose | str | Path | None = None,
    retarget: bool = True,
    paste: bool = False,
    guess: bool = False,
    finder: PersonFinder | None = None,
    metadata: bool = True,
) -> tuple[str, ...]:
    """Write the photo's person in the pose as a PNG; arguments as `Predictor.generate`. Returns the guessed joints.

    paste: put the person back into the full photo. guess: put missing joints of the pose where they probably are.
    metadata: say in the file that it is generated, with which weights, from which photo, and which joints are guessed.
    Raises UserError as `Predictor.generate`, or if `out` is a folder, one of the inputs, or not named as a PNG.
    """
    if Path(out).suffix.lower() != ".png" and not Path(out).is_dir():
        raise UserError(f"{out} is to be a PNG: give a file name that ends in .png.")
    inputs = [Path(part) for part in (photo, pose, source_pose) if isinstance(part, str | Path)]
    path = out_file(out, tuple(part for part in inputs if part.is_file()))
    finder = finder or PersonFinder()
    wanted = find_pose(pose, finder=finder.anybody()) if isinstance(pose, str | Path) else pose
    guessed: tuple[str, ...] = ()
    if guess and isinstance(wanted, FramedPose):
        made, guessed = with_guesses(wanted.pose, wanted.size)
        wanted = FramedPose(made, wanted.size)
    elif guess and isinstance(wanted, Pose):
        wanted, guessed = with_guesses(wanted, predictor.size)
    make = functools.partial(generate_in_photo, predictor) if paste else predictor.generate
    picture = make(photo, wanted, source_pose, retarget=retarget, finder=finder)
    said = provenance(predictor, sha256_of(Path(photo)))
    if guessed:
        said["posegan:guessed-joints"] = ", ".join(guessed)
    write_png(path, picture, said if metadata else None)
    return guessed


def generate_pairs(
    predictor: Predictor,
    data: str | Path,
    pairs: str | Path,
    out: str | Path,
    *,
    batch_size: int = 32,
    metadata: bool = True,
) -> int:
    """Write a PNG for every pair of a CSV into a folder and return how many; data: as `open_data`.

    Raises UserError if a pair names a photo that the data has not, if two pairs would be one file, or as `open_data`.
    """
    folder = out_folder(out)
    dataset = open_data(data, predictor.size, pairs)
    require_all_pairs(dataset, pairs)
    require_distinct_names(dataset.pair_names())
    for first in range(0, len(dataset), batch_size):
        batch = dataset.batch(torch.arange(first, min(first + batch_size, len(dataset))))
        images = predictor.repose(batch.source_image, batch.source_pose, batch.target_pose).cpu()
        for image, source, target in zip(images, batch.source_names, batch.target_names, strict=True):
            said = provenance(predictor, source) if metadata else None
            write_png(folder / f"{pair_name(source, target)}.png", image, said)
    return len(set(dataset.pair_names()))


def require_all_pairs(dataset: PosePairDataset, pairs: str | Path) -> None:
    """Raise UserError if the data set had to leave out pairs of the list."""
    missing = dataset.report.counts.get(PAIRS_LEFT_OUT, 0)
    if missing:
        first = dataset.report.examples[PAIRS_LEFT_OUT][0]
        raise UserError(f"{pairs} has {missing} pairs whose photos or keypoints are not there, the first is {first}.")
