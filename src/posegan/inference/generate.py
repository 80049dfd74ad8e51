"""Pictures on disk from photos on disk: one photo in one pose, or every pair of a list. The work is the predictor's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegan.data import PosePairDataset
from posegan.data.assemble import PAIRS_LEFT_OUT
from posegan.errors import UserError
from posegan.files import sha256_of, write_text
from posegan.images import to_bytes, to_signed, write_png
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import fit_photo
from posegan.inference.judge import Judge, Judgement
from posegan.inference.open_data import open_data
from posegan.inference.output import (
    files_among,
    out_folder,
    out_picture,
    pair_name,
    photo_paths,
    provenance,
    require_distinct_names,
)
from posegan.inference.paste import aim_in_photo, paste_person
from posegan.inference.poses import FramedPose, find_pose
from posegan.inference.predictor import PoseGiven, Predictor, read_people
from posegan.inference.targets import with_guesses
from posegan.places import require_folder_place, require_replaceable
from posegan.pose import Pose
from posegan.pose.missing import joint_names


@dataclass(frozen=True)
class Generated:
    """What was told of a picture that was written: the joints that were guessed, and the verdicts if it was judged.

    outside: joints of the pose that lie outside the full photo, so that the picture cuts the person off.
    """

    guessed: tuple[str, ...] = ()
    judgement: Judgement | None = None
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class GeneratedPairs:
    """How many pictures were written, and how often each verdict was given: {"person": {"likely": 3}, ...}."""

    count: int
    verdicts: dict[str, dict[str, int]]


def generate_file(
    predictor: Predictor,
    photo: str | Path | Sequence[str | Path],
    pose: PoseGiven,
    out: str | Path,
    *,
    source_pose: PoseGiven | Sequence[PoseGiven] | None = None,
    retarget: bool = True,
    paste: bool = False,
    carry: bool = True,
    guess: bool = False,
    finder: PersonFinder | None = None,
    judge: Judge | None = None,
    metadata: bool = True,
) -> Generated:
    """Write the photo's person in the pose as a PNG; arguments as `Predictor.generate`.

    paste: put the person back into the full photo, the first; carry: with what the photos show of them, see
    `PersonInPhoto`.
    guess: put missing joints of the pose where they probably are.
    judge: gives the verdicts on the picture, which then stand in the metadata too.
    metadata: say in the file that it is generated, with which weights, from which photo, and which joints are guessed.
    Raises UserError as `Predictor.generate`, or if `out` is a folder, one of the inputs, or not named as a PNG.
    """
    photos, path = photo_paths(photo), out_picture(out, inputs=files_among(photo, pose, source_pose))
    finder = finder or PersonFinder()
    wanted = find_pose(pose, finder=finder.anybody()) if isinstance(pose, str | Path) else pose
    guessed: tuple[str, ...] = ()
    if guess and isinstance(wanted, FramedPose):
        made, guessed = with_guesses(wanted.pose, wanted.size)
        wanted = FramedPose(made, wanted.size)
    elif guess and isinstance(wanted, Pose):
        wanted, guessed = with_guesses(wanted, predictor.size)
    (image, source), *others = read_people(photos, source_pose, finder)
    outside: tuple[str, ...] = ()
    if paste:
        target = aim_in_photo(wanted, source, retarget=retarget)
        outside = joint_names(target.outside((image.shape[-2], image.shape[-1])))
        picture = paste_person(predictor, image, source, target, others=others, carry=carry)
    else:
        image, source = fit_photo(image, source, predictor.size)
        target = predictor.aim(wanted, source, retarget=retarget)
        encoded = predictor.encode_person(to_signed(image), source, others)
        picture = to_bytes(predictor.render_person(encoded, Pose.stack([target]))[0].cpu())
    judgement = judge(image, source, picture, target) if judge else None
    first, *more = (sha256_of(path) for path in photos)
    said = provenance(predictor, first, others=more, carried=paste and carry)
    if guessed:
        said["posegan:guessed-joints"] = ", ".join(guessed)
    write_png(path, picture, said | _described(judgement) if metadata else None)
    return Generated(guessed, judgement, outside)


def generate_pairs(
    predictor: Predictor,
    data: str | Path,
    pairs: str | Path,
    out: str | Path,
    *,
    batch_size: int = 32,
    judge: Judge | None = None,
    metadata: bool = True,
) -> GeneratedPairs:
    """Write a PNG for every pair of a CSV into a folder; data: as `open_data`.

    judge: gives the verdicts on each picture; they stand in its metadata and all together in `scores.json`.
    Raises UserError if a pair names a photo that the data has not, if two pairs would be one file, if such a file is
    there that does not say that posegan made it, or as `open_data`.
    """
    require_folder_place(out, data)
    dataset = open_data(data, predictor.size, pairs)
    require_all_pairs(dataset, pairs)
    named = dataset.pair_names()
    require_distinct_names(named)
    folder = out_folder(out)
    for pair in named:
        require_replaceable(folder / f"{pair_name(*pair)}.png")
    judged: dict[str, Judgement] = {}
    for first in range(0, len(dataset), batch_size):
        batch = dataset.batch(torch.arange(first, min(first + batch_size, len(dataset))))
        images = to_bytes(predictor.repose(batch.source_image, batch.source_pose, batch.target_pose).cpu())
        sources: Tensor = to_bytes(batch.source_image)
        for i, (source, target) in enumerate(zip(batch.source_names, batch.target_names, strict=True)):
            name = pair_name(source, target)
            if judge:
                judged[name] = judge(sources[i], batch.source_pose[i], images[i], batch.target_pose[i])
            said = provenance(predictor, source) | _described(judged.get(name))
            write_png(folder / f"{name}.png", images[i], said if metadata else None)
    if judge:
        rows = {name: judgement.values() for name, judgement in judged.items()}
        write_text(folder / "scores.json", json.dumps(rows, indent=1) + "\n")
    return GeneratedPairs(len(set(named)), _counted(list(judged.values())))


def _described(judgement: Judgement | None) -> dict[str, str]:
    """Return the verdicts as metadata."""
    return {f"posegan:{kind}": text for kind, text in judgement.sentences().items()} if judgement else {}


def _counted(judged: list[Judgement]) -> dict[str, dict[str, int]]:
    counts = {
        "person": Counter(str(j.person) for j in judged if j.person),
        "pose": Counter(str(j.pose) for j in judged if j.pose),
    }
    return {kind: dict(count.most_common()) for kind, count in counts.items() if count}


def require_all_pairs(dataset: PosePairDataset, pairs: str | Path) -> None:
    """Raise UserError if the data set had to leave out pairs of the list."""
    missing = dataset.report.counts.get(PAIRS_LEFT_OUT, 0)
    if missing:
        first = dataset.report.examples[PAIRS_LEFT_OUT][0]
        raise UserError(f"{pairs} has {missing} pairs whose photos or keypoints are not there, the first is {first}.")
