"""Where a pose sequence comes from: a bundled walk, a folder of photos or of OpenPose files, one JSON file, a video.

How detectors look at photos is in inference/detected.py, how videos are decoded in inference/video.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from posegan.detect import Detector
from posegan.errors import UserError, unknown_name
from posegan.files import read_text
from posegan.images import PHOTO_SUFFIXES, UNREAD_SUFFIXES, read_photo, tell_unread
from posegan.inference.detected import find_person
from posegan.inference.finder import builtin
from posegan.inference.framing import fit_pose
from posegan.inference.poses import FramedPose, main_person, pose_beside
from posegan.inference.sequences import PoseSequence, bundled_sequences
from posegan.inference.video import VIDEO_SUFFIXES, open_video
from posegan.pose import Pose, Size
from posegan.pose.io import parse_openpose

RATE = 12.0  # frames a second of what does not say
GAP = 0.5  # seconds without anybody up to which poses between are put in
COMMON: Size = (512, 256)  # the frame in which photos of several sizes meet
FILMS = {".gif"}  # in a folder of frames a GIF is none of them: `posegan animate` may have made it of these
FORMS = (
    "a bundled sequence, a folder of photos or of OpenPose .json files, a .json file with a list of them, or a video"
)
SIDEWAYS = 0.5  # a person whose shoulders are narrower, in torso lengths, is seen from the side


@dataclass(frozen=True, eq=False)
class FoundSequence:
    """A sequence, and in how many frames of its source nobody was found.

    bridged: of these, how many got a pose between those before and after; left_out: how many are not in the sequence.
    unreadable: a sentence for each file of a folder that is left out because it cannot be read.
    """

    sequence: PoseSequence
    bundled: bool
    bridged: int = 0
    left_out: int = 0
    unreadable: tuple[str, ...] = ()


def find_sequence(
    text: str | Path, source: Pose, rate: float | None = None, detector: Detector | None = None
) -> FoundSequence:
    """Return the sequence that a user means by `text`, one of FORMS.

    "walk" is the bundled walk in the direction that the person of the pose `source` () faces. rate: frames a second;
    None: the video's own, the bundled sequence's own, else RATE. detector: for videos, and photos without a pose; None:
    the built-in one.
    Raises UserError if the text is none of the forms, if a file or all of a folder cannot be read, or if fewer than
    two poses are found.
    """
    words = str(text)
    name = walk_for(source) if words == "walk" else words
    if name in bundled_sequences():
        kept = bundled_sequences()[name]
        seconds = len(kept.poses) / rate if rate else kept.seconds
        return FoundSequence(PoseSequence(kept.poses, kept.size, seconds), bundled=True)
    path = Path(words)
    if path.is_dir():
        unreadable: list[str] = []
        return _joined(_folder(path, detector, unreadable), rate or RATE, words, unreadable)
    if path.suffix.lower() == ".json":
        return _joined(_json(path), rate or RATE, words)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        own_rate, frames = open_video(path)
        return _joined(_detected(frames, detector or builtin()), rate or own_rate, words)
    if path.suffix or path.exists():
        raise UserError(f"{words} is no pose sequence: give {FORMS}.")
    raise unknown_name("sequence", words, ["walk", *bundled_sequences()])


def walk_for(source: Pose) -> str:
    """Return the name of the bundled walk in the direction that a person () faces, the front if that is not seen."""
    xy, seen = source.xy, source.visible
    if not bool(seen[[2, 5]].all()):
        return "walk-front"
    torso = float((xy[1] - xy[[8, 11]].mean(0)).norm()) if bool(seen[[1, 8, 11]].all()) else 0.0
    width = float(xy[5, 0] - xy[2, 0])  # positive: the left shoulder is on the right, as from the front
    if abs(width) < SIDEWAYS * torso and bool(seen[[0, 1]].all()):
        return "walk-left" if xy[0, 0] < xy[1, 0] else "walk-right"
    return "walk-front" if width > 0 else "walk-away"


def _joined(
    found: Iterable[FramedPose | None], rate: float, name: str, unreadable: Sequence[str] = ()
) -> FoundSequence:
    """Return the poses of all frames as one sequence in one frame; None is a frame with nobody.

    unreadable: what `_folder` told while its frames were taken.
    """
    given = list(found)
    frames = _bridged(given, int(GAP * rate))
    people = [pose for pose in frames if pose is not None]
    if len(people) < 2:
        but = f" ({len(unreadable)} files left out, the first: {unreadable[0].rstrip('.')})" if unreadable else ""
        raise UserError(
            f"{name} gives {len(people)} poses{but}, an animation needs two: for one pose use `posegan generate`."
        )
    sizes = {pose.size for pose in people}
    size = sizes.pop()
    if sizes:  # photos of several sizes: each is cut by itself
        poses, size = Pose.stack([fit_pose(person.pose, person.size, COMMON) for person in people]), COMMON
    else:
        poses = Pose.stack([person.pose for person in people])
    if size is None:
        poses, size = _without_edges(poses)
    sequence = PoseSequence(poses, size, len(people) / rate)
    nobody = sum(pose is None for pose in given)
    left_out = len(frames) - len(people)
    return FoundSequence(sequence, False, nobody - left_out, left_out, tuple(unreadable))


def _bridged(frames: Sequence[FramedPose | None], most: int) -> list[FramedPose | None]:
    """Return the frames, at most so many in a row without anybody filled between those before and after.

    A joint goes straight from one to the other if both show it. Between pictures of different sizes nothing is filled.
    """
    whole, there = list(frames), [place for place, pose in enumerate(frames) if pose is not None]
    for first, last in pairwise(there):
        before, after = frames[first], frames[last]
        assert before is not None and after is not None
        if 1 < last - first <= most + 1 and before.size == after.size:
            visible = before.pose.visible & after.pose.visible
            for place in range(first + 1, last):
                xy = torch.lerp(before.pose.xy, after.pose.xy, (place - first) / (last - first))
                whole[place] = FramedPose(Pose(xy, visible), before.size)
    return whole


def _without_edges(poses: Pose) -> tuple[Pose, Size]:
    """Return poses of an unknown frame in one that ends nowhere near the person."""
    reach = int(poses.xy.abs().max()) + 2
    return poses.crop(-9 * reach, -9 * reach), (20 * reach, 20 * reach)


def _folder(folder: Path, detector: Detector | None, unreadable: list[str]) -> Iterator[FramedPose | None]:
    """Yield what the files of a folder give in their order; those that cannot be read are told in `unreadable`."""
    files = sorted((file for file in folder.iterdir() if not file.name.startswith(".")), key=_natural)
    photos = [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES - FILMS]
    unread = [file.name for file in files if file.suffix.lower() in UNREAD_SUFFIXES | FILMS]
    keypoints = [file for file in files if file.suffix.lower() == ".json"]
    if photos:
        before: Pose | None = None
        for photo in photos:
            try:
                framed = _pose_of(photo, detector, before)
            except UserError as error:
                unreadable.append(str(error))
                continue
            before = framed.pose if framed else before
            yield framed
    elif keypoints:
        yield from _people(_parsed(keypoints, unreadable))
    else:
        but = f" but {tell_unread(unread)}" if unread else f": give {FORMS}"
        raise UserError(f"{folder} holds no photos and no OpenPose .json files{but}.")
    if len(unreadable) == len(photos or keypoints):
        raise UserError(f"None of the {len(unreadable)} files in {folder} can be used, the first: {unreadable[0]}")
    if photos and unread:
        unreadable.append(tell_unread(unread))


def _parsed(files: Sequence[Path], unreadable: list[str]) -> Iterator[tuple[list[Pose], str]]:
    for file in files:
        try:
            people = parse_openpose(read_text(file), str(file))
        except UserError as error:
            unreadable.append(str(error))
            continue
        yield people, str(file)


def _natural(file: Path) -> list[tuple[int, str]]:
    """Return a sorting key by which frame10 comes after frame9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", file.name) if part]


def _pose_of(photo: Path, detector: Detector | None, before: Pose | None) -> FramedPose | None:
    """Return the pose beside a photo, or else the detector's, None if it finds nobody."""
    found = pose_beside(photo)
    if found is not None:
        return found
    image = read_photo(photo)
    pose = find_person(detector or builtin(), image, before)
    return FramedPose(pose, (image.shape[-2], image.shape[-1])) if pose is not None else None


def _detected(frames: Iterable[torch.Tensor], detector: Detector) -> Iterator[FramedPose | None]:
    before: Pose | None = None
    for image in frames:
        pose = find_person(detector, image, before)
        before = pose if pose is not None else before
        yield FramedPose(pose, (image.shape[-2], image.shape[-1])) if pose is not None else None


def _json(path: Path) -> Iterator[FramedPose | None]:
    """Read a list of OpenPose objects, alone or under "frames"; a single object is a sequence of one."""
    text = read_text(path)
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON file ({error}): give {FORMS}.") from error
    frames = stored.get("frames", [stored]) if isinstance(stored, dict) else stored
    if not isinstance(frames, list):
        raise UserError(f"{path} holds no list of OpenPose frames: give {FORMS}.")
    names = [f"{path}, frame {i}" for i in range(1, 1 + len(frames))]
    return _people((parse_openpose(json.dumps(frame), name), name) for frame, name in zip(frames, names, strict=True))


def _people(frames: Iterable[tuple[list[Pose], str]]) -> Iterator[FramedPose | None]:
    """Yield one person of the people in each frame: at first the main one, then who is nearest to the frame before."""
    before: Pose | None = None
    for everybody, name in frames:
        people = [pose for pose in everybody if pose.visible.any()]
        if not people:
            yield None
            continue
        person = nearest(people, before) if before is not None else main_person(people, name)
        before = person
        yield FramedPose(person)


def nearest(people: Sequence[Pose], before: Pose) -> Pose:
    """Return the person () whose joints are on the average nearest to those of the frame before."""

    def distance(pose: Pose) -> float:
        both = pose.visible & before.visible
        return float((pose.xy - before.xy)[both].norm(dim=-1).mean()) if both.any() else float("inf")

    return min(people, key=distance)
