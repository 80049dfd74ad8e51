"""Where a pose comes from: a bundled name, an OpenPose JSON file, a row of an annotation CSV, or a photo.

What a photo's pose is, is first looked for beside it; else a detector looks (inference/finder.py). The formats are read
through posegan.pose.io.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from importlib import resources
from pathlib import Path

import torch

from posegan.data.photos import photo_size
from posegan.errors import UserError, unknown_name
from posegan.images import PHOTO_SUFFIXES, read_photo
from posegan.inference.finder import PersonFinder
from posegan.pose import Pose, Size
from posegan.pose.io import find_annotation, load_annotations, read_openpose

LEAST_JOINTS = 4  # visible ones, without which nobody could tell where a body is

FORMS = "a bundled pose name, a photo, an OpenPose .json file, or annotations.csv:photo"


@dataclass(frozen=True, eq=False)
class FramedPose:
    """One pose, batch shape (), with the (H, W) of the frame its pixels are counted in; size None: not known.

    file: where it was found, if nobody named it.
    """

    pose: Pose
    size: Size | None = None
    file: Path | None = None


@functools.cache
def bundled_poses() -> dict[str, FramedPose]:
    """Return the poses that come with posegan by name; examples/bundled_poses.py made them from synthetic people."""
    text = (resources.files("posegan") / "assets" / "poses.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    height, width = stored["size"]
    return {
        name: FramedPose(Pose(torch.tensor(joints)[:, :2], torch.tensor(joints)[:, 2] > 0), (height, width))
        for name, joints in stored["poses"].items()
    }


def find_pose(text: str | Path, photo_name: str | None = None, finder: PersonFinder | None = None) -> FramedPose:
    """Return the pose that a user means by `text`, one of FORMS.

    photo_name: the photo the pose belongs to, so that an annotation CSV needs no row name. finder: as `pose_of_photo`.
    Raises UserError if the text is none of them, or the file has no such pose.
    """
    words = str(text)
    if words in bundled_poses():
        return bundled_poses()[words]
    file, row = _csv_row(words)
    if file is not None:
        if not row and photo_name is None:
            raise UserError(f"{file} holds many poses: name one as {file}:PHOTO.")
        pose = _annotated(file, row or photo_name or "")
        return FramedPose(_enough(pose, f"{file}, {row or photo_name}"), _row_size(file, row))
    path = Path(words)
    if path.suffix.lower() == ".json":
        return FramedPose(_openpose(path))
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return pose_of_photo(path, finder)
    if path.suffix or path.exists():
        raise UserError(f"{words} is not a pose: give {FORMS}.")
    raise unknown_name("pose", words, bundled_poses())


def pose_of_photo(path: str | Path, finder: PersonFinder | None = None) -> FramedPose:
    """Return the pose annotated beside a photo, or what the finder finds in it; None: with the built-in detector.

    Raises UserError saying how to give a pose if nobody is found.
    """
    found = pose_beside(path)
    if found is not None:
        return found
    photo = read_photo(path)
    return FramedPose((finder or PersonFinder())(photo, str(path)), (photo.shape[-2], photo.shape[-1]))


def pose_beside(path: str | Path) -> FramedPose | None:
    """Return the pose annotated beside a photo: OpenPose's `<photo>.json` or `<photo>_keypoints.json`, or a CSV row.

    A CSV lies in the photo's folder or in one of the two above it, and names the photo by its path from there, or by
    its file name if no other photo below there has the same. None if there is no pose, or none with a joint.
    Raises UserError if the photo, such a JSON file or its row cannot be read.
    """
    path = Path(path)
    for file in (path.with_suffix(".json"), path.with_name(f"{path.stem}_keypoints.json")):
        if file.is_file() and _of_openpose(file):
            return FramedPose(_openpose(file), photo_size(path), file)
    full = path.resolve()
    for folder in full.parents[:3]:
        for file in sorted(folder.glob("*.csv")):
            for name in dict.fromkeys((full.relative_to(folder).as_posix(), full.name)):
                pose = find_annotation(file, name)
                if pose is not None and pose.visible.any() and _means(folder, name, full):
                    return FramedPose(_enough(pose, f"{file}, {name}"), photo_size(path), file)
    return None


def _means(folder: Path, name: str, photo: Path) -> bool:
    """Whether a name in a CSV of a folder is that of the photo, and of no other in the folder or in two below it."""
    if (folder / name) == photo:
        return True
    return not any(other != photo for depth in ("", "*/", "*/*/") for other in folder.glob(depth + escape(name)))


def _csv_row(words: str) -> tuple[Path | None, str]:
    """Split `file.csv:row`; a colon elsewhere, as in C:\\, is part of the path."""
    head, mark, row = words.partition(".csv:")
    if mark:
        return Path(head + ".csv"), row
    return (Path(words), "") if words.lower().endswith(".csv") else (None, "")


def _annotated(file: Path, name: str) -> Pose:
    poses = load_annotations(file)
    if name not in poses:
        raise UserError(f"{file} has no row for the photo {name!r}: use a name as it stands in that file.")
    return poses[name]


def _of_openpose(file: Path) -> bool:
    """Whether a JSON file is OpenPose's, or damaged, which its reader tells; others are none of our business."""
    try:
        said = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return True
    return isinstance(said, dict) and "people" in said


def _row_size(file: Path, row: str) -> Size | None:
    """Return the size of the photo that a row names, if it lies by the CSV file."""
    return photo_size(file.parent / row) if row and (file.parent / row).is_file() else None


def _openpose(path: Path) -> Pose:
    return _enough(main_person(read_openpose(path), str(path)), str(path))


def _enough(pose: Pose, where: str) -> Pose:
    """Return the pose; raises UserError if too few joints are visible, or all of them are at one place."""
    there = pose.xy[pose.visible]
    if len(there) < LEAST_JOINTS:
        raise UserError(f"{where} shows too few joints ({len(there)}): a pose needs at least {LEAST_JOINTS}.")
    if bool((there == there[0]).all()):
        raise UserError(f"{where} has all its joints at one place: give a file with the joints of a person.")
    return pose


def main_person(people: Sequence[Pose], name: str) -> Pose:
    """Return the person of an OpenPose file called `name` with the most visible joints, the tallest of several.

    Raises UserError if there is none, or if the joints are in no pixels.
    """
    people = [pose for pose in people if pose.visible.any()]
    if not people:
        raise UserError(f"{name} holds no person: give a file in which OpenPose found one.")
    if all(float(pose.xy.abs().max()) <= 1 for pose in people):
        raise UserError(f"{name} holds no pixels but shares of the photo: write it with OpenPose's --keypoint_scale 0.")

    def rank(pose: Pose) -> tuple[int, float]:
        rows = pose.xy[pose.visible][:, 1]
        return int(pose.visible.sum()), float(rows.max() - rows.min())

    return max(people, key=rank)
