"""Poses in files and foreign arrays: the field's annotation CSV, OpenPose JSON and COCO-17 keypoints.

This is the only place that knows -1 as "missing", (y, x) order and confidences; everywhere else there is `Pose`.
Pictures of poses are made in pose/draw.py; detectors are not called here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from posegan.errors import UserError
from posegan.files import read_text, write_text
from posegan.pose.pose import Pose
from posegan.pose.skeleton import COCO18

HEADER = "name:keypoints_y:keypoints_x"
MISSING = -1
LARGEST = 1e6  # no photo has joints whose pixel numbers sum up to that
JOINTS = len(COCO18)

BODY25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)  # 8, the mid-hip, and the feet are dropped
COCO17 = (0, 0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)  # entry 1, the neck, is overwritten


def load_annotations(path: str | Path, skipped: list[str] | None = None) -> dict[str, Pose]:
    """Return the poses of an annotation CSV by image name, in file order.

    The file has the header `name:keypoints_y:keypoints_x` and rows `name: [18 y]: [18 x]` in pixels; a joint is
    missing where either number is -1. Other negative numbers are joints outside the photo.
    skipped: a list that takes one sentence for each bad row; without it the first bad row is an error.
    Raises UserError naming file and line if a row is malformed or a name comes twice, or if the file is unreadable.
    """
    path = Path(path)
    lines = read_text(path).splitlines()
    if not lines or lines[0].strip().replace(" ", "") != HEADER:
        raise UserError(f"{path}, line 1: the header should be {HEADER!r}: this is no annotation CSV.")
    names: dict[str, int] = {}  # name -> line
    rows: list[list[list[float]]] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        try:
            name, row = _parse_row(line)
            if name in names:
                raise ValueError(f"{name!r} comes twice, first in line {names[name]}")
        except ValueError as error:
            sentence = _bad_row(path, number, error)
            if skipped is None:
                raise UserError(sentence) from error
            skipped.append(sentence)
            continue
        names[name] = number
        rows.append(row)
    poses = _poses_of(rows)
    return {name: poses[i] for i, name in enumerate(names)}


def find_annotation(path: str | Path, name: str) -> Pose | None:
    """Return the pose of one image from an annotation CSV, whose other rows are not read.

    None if there is no such row, and for files of other kinds, of which only the first line is read.
    Raises UserError naming file and line if the row is malformed.
    """
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            if file.readline(4 * len(HEADER)).strip().replace(" ", "") != HEADER:
                return None
            rows = ((number, line) for number, line in enumerate(file, 2) if name in line)
            number, line = next((row for row in rows if row[1].rsplit(":", 2)[0].strip() == name), (0, ""))
    except (OSError, UnicodeDecodeError):
        return None
    if not line:
        return None
    try:
        return _poses_of([_parse_row(line)[1]])[0]
    except ValueError as error:
        raise UserError(_bad_row(path, number, error)) from error


def _bad_row(path: str | Path, number: int, error: ValueError) -> str:
    return f"{path}, line {number}: {error}; mend or delete the row."


def _poses_of(rows: list[list[list[float]]]) -> Pose:
    """Return the coordinate lists of rows, y first, as poses (N,)."""
    yx = torch.tensor(rows, dtype=torch.float32).reshape(-1, 2, JOINTS)
    xy = yx.flip(1).transpose(1, 2)  # (N, J, 2)
    return Pose(xy, (xy != MISSING).all(-1))


def _parse_row(line: str) -> tuple[str, list[list[float]]]:
    """Return the name and the two coordinate lists, y first; raises ValueError with half a sentence."""
    fields = line.rsplit(":", 2)
    if len(fields) != 3 or not fields[0].strip():
        raise ValueError("a row should be 'name: [18 y]: [18 x]'")
    lists = []
    for axis, field in zip("yx", fields[1:], strict=True):
        try:
            values = json.loads(field)
        except ValueError:
            raise ValueError(f"the {axis} list is not a list of numbers") from None
        if not _is_numbers(values):
            raise ValueError(f"the {axis} list is not a list of numbers")
        if len(values) != JOINTS:
            raise ValueError(f"the {axis} list has {len(values)} numbers instead of {JOINTS}")
        lists.append(values)
    return fields[0].strip(), lists


def _is_numbers(value: object) -> TypeGuard[list[float]]:
    """Return whether it is a list of plain numbers (no bool, NaN or inf) of sensible size."""
    return isinstance(value, list) and {int, float} >= set(map(type, value)) and sum(map(abs, value)) < LARGEST


def unfit_name(name: str) -> str:
    """Return why an image name cannot stand in an annotation CSV, as half a sentence; empty if it can."""
    if not name.strip():
        return "is empty"
    if name != name.strip():
        return "has spaces around it"
    if len(name.splitlines()) > 1:
        return "has a line break in it"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    return ""


def save_annotations(path: str | Path, annotations: Mapping[str, Pose]) -> None:
    """Write single poses by image name as an annotation CSV of whole pixels, whole or not at all.

    A visible joint that would be rounded to -1, the mark of a missing one, is written as -2: both are outside the
    photo. Raises UserError if a name cannot stand in a CSV row, ValueError if a pose is a batch.
    """
    lines = [HEADER]
    for name, pose in annotations.items():
        if pose.batch_shape:
            raise ValueError(f"annotations are single poses, {name!r} has batch shape {tuple(pose.batch_shape)}")
        if why := unfit_name(name):
            raise UserError(f"The image name {name!r} cannot stand in {path}, it {why}: rename it.")
        pixels = pose.xy.cpu().round().to(torch.int64)
        pixels = torch.where(pixels == MISSING, MISSING - 1, pixels)
        x, y = torch.where(pose.visible.cpu()[:, None], pixels, MISSING).unbind(-1)
        lines.append(f"{name}: {y.tolist()}: {x.tolist()}")
    write_text(Path(path), "\n".join(lines) + "\n")


def read_openpose(path: str | Path, threshold: float = 0.05) -> list[Pose]:
    """Return everybody in an OpenPose JSON file (BODY_25 or COCO-18), in file order; may be empty.

    threshold: joints with a lower confidence are missing. Raises UserError naming the file and the person if it is
    not such a file.
    """
    return parse_openpose(read_text(Path(path)), str(path), threshold)


def parse_openpose(text: str, name: str, threshold: float = 0.05) -> list[Pose]:
    """Return everybody in the text of an OpenPose JSON file called `name`, as `read_openpose`."""
    try:
        people = json.loads(text)["people"]
    except (ValueError, KeyError, TypeError, RecursionError):
        people = None
    if not isinstance(people, list):
        raise UserError(f"{name} is no OpenPose JSON file: it should hold an object with a list 'people'.")
    return [_openpose_person(person, threshold, f"{name}, person {i}") for i, person in enumerate(people, 1)]


def _openpose_person(person: Any, threshold: float, where: str) -> Pose:
    values = None
    if isinstance(person, dict):
        values = person.get("pose_keypoints_2d", person.get("pose_keypoints"))  # the second name is OpenPose 1.0's
    if not _is_numbers(values) or len(values) not in (3 * 25, 3 * 18):
        raise UserError(
            f"{where}: 'pose_keypoints_2d' should be 75 (BODY_25) or 54 (COCO) numbers in pixels of a photo, "
            f"together less than {LARGEST:,.0f}: write the file with OpenPose's --write_json."
        )
    joints = torch.tensor(values, dtype=torch.float32).reshape(-1, 3)
    if len(joints) == 25:
        joints = joints[list(BODY25)]
    return Pose(joints[:, :2], joints[:, 2] >= threshold)


def write_openpose(path: str | Path, poses: Sequence[Pose]) -> None:
    """Write single poses as an OpenPose JSON file, see `format_openpose`."""
    write_text(Path(path), format_openpose(poses))


def format_openpose(poses: Sequence[Pose]) -> str:
    """Return single poses as OpenPose JSON of COCO-18 people, confidence 1 for visible joints and 0 for others.

    Raises ValueError if a pose is a batch.
    """
    people = []
    for pose in poses:
        if pose.batch_shape:
            raise ValueError(f"OpenPose people are single poses, got batch shape {tuple(pose.batch_shape)}")
        joints = torch.cat([pose.xy, pose.visible[:, None].float()], -1)
        people.append({"pose_keypoints_2d": joints.flatten().tolist()})
    return json.dumps({"version": 1.1, "people": people}) + "\n"


def from_coco17(xy: ArrayLike | Tensor, confidence: ArrayLike | Tensor, threshold: float = 0.3) -> Pose:
    """Return the pose of COCO's 17 keypoints, as most detectors give them; the neck is put between the shoulders.

    xy: (..., 17, 2) pixels. confidence: (..., 17); joints below `threshold` are missing, the neck if a shoulder is.
    Raises ValueError if the shapes do not belong together.
    """
    points, scores = _to_tensor(xy), _to_tensor(confidence)
    if points.shape != (*scores.shape, 2) or scores.shape[-1:] != (17,):
        shapes = f"{tuple(points.shape)} and {tuple(scores.shape)}"
        raise ValueError(f"COCO keypoints need xy (..., 17, 2) and confidence (..., 17), got {shapes}")
    visible = (scores >= threshold)[..., list(COCO17)]
    points = points[..., list(COCO17), :].clone()
    points[..., 1, :] = (points[..., 2, :] + points[..., 5, :]) / 2
    visible[..., 1] = visible[..., 2] & visible[..., 5]
    return Pose(points, visible & points.isfinite().all(-1))


def _to_tensor(values: ArrayLike | Tensor) -> Tensor:
    return values.float() if isinstance(values, Tensor) else torch.from_numpy(np.array(values, dtype=np.float32))
