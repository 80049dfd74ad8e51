"""Pose sequences: those that come with posegan, and how a sequence meets a model's frame. It renders nothing."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources

import torch

from posegan.data.folder import PersonCrop, person_boxes
from posegan.inference.framing import enclosing_box
from posegan.pose import Pose, Size


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """The poses (T,) of one person over time; the last leads back to the first.

    size: (H, W) of the frame that their pixels are counted in. seconds: of one round.
    """

    poses: Pose
    size: Size
    seconds: float


@functools.cache
def bundled_sequences() -> dict[str, PoseSequence]:
    """Return the sequences that come with posegan by name; examples/bundled_sequences.py made them."""
    text = (resources.files("posegan") / "assets" / "sequences.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    height, width = stored["size"]
    return {name: _sequence(kept, (height, width)) for name, kept in stored["sequences"].items()}


def _sequence(kept: dict[str, list[float]], size: Size) -> PoseSequence:
    joints = torch.tensor(kept["frames"])  # (T, 18, 3)
    return PoseSequence(Pose(joints[..., :2], joints[..., 2] > 0), size, float(kept["seconds"]))  # type: ignore[arg-type]


def fit_sequence(sequence: PoseSequence, size: Size) -> Pose:
    """Return the poses (T,) in an (H, W) frame, all by one cut that holds every one of them, so that nothing jumps."""
    if sequence.size == size:
        return sequence.poses
    frame = torch.tensor([sequence.size[::-1]]).expand(len(sequence.poses), 2)
    box = enclosing_box(person_boxes(sequence.poses, frame, size), size)
    cut = PersonCrop(box.expand(len(sequence.poses), 4), size)
    return cut.poses(sequence.poses).inside(size)
