"""Pose sequences: those that come with posegan, and how a sequence meets a model's frame. It renders nothing."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources

import torch
from torch import Tensor
from torch.nn import functional

from posegan.data.folder import PersonCrop, person_boxes
from posegan.inference.framing import enclosing_box
from posegan.pose import Pose, Size
from posegan.pose.retarget import estimate_build

FAR = 0.5  # of the person's height (torso and one leg): a walk on the spot sways less


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


def follow(sequence: PoseSequence) -> PoseSequence:
    """Return a sequence as a camera sees it that goes sideways with the person; up and down it stands still.

    Only where the person goes farther than half their height: the hips' path, averaged over about a second, is taken
    away. The frame then ends nowhere near the person.
    """
    poses = sequence.poses
    path = _middle(poses)  # (T,)
    height = float(estimate_build(poses, together=True).height)
    if not height or float(path.max() - path.min()) < FAR * height:
        return sequence
    reach = min(max(1, round(len(path) / sequence.seconds / 2)), len(path) - 1)
    # Beyond its ends the path goes on as it came, turned round at the end: a straight path stays straight.
    start, end = 2 * path[0] - path[1 : reach + 1].flip(0), 2 * path[-1] - path[-1 - reach : -1].flip(0)
    slow = functional.avg_pool1d(torch.cat([start, path, end])[None, None], 2 * reach + 1, stride=1)[0, 0]
    moved = Pose(poses.xy - torch.stack([slow, torch.zeros_like(slow)], -1)[:, None], poses.visible)
    room = max(sequence.size)
    return PoseSequence(moved.crop(-room, -room), (4 * room, 4 * room), sequence.seconds)


def _middle(poses: Pose) -> Tensor:
    """Return the horizontal place (T,) of the hips, or of all joints where no hip is seen."""
    hips = torch.zeros_like(poses.visible)
    hips[:, [8, 11]] = True
    chosen = poses.visible & hips
    chosen = torch.where(chosen.any(1, keepdim=True), chosen, poses.visible)
    return (poses.xy[..., 0] * chosen).sum(1) / chosen.sum(1).clamp(min=1)
