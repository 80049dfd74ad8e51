"""A walking stick figure in every form that a sequence comes in, and a detector that knows where it is."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from posegan.detect import People
from posegan.detect.base import joint_boxes
from posegan.images import write_png
from posegan.inference.sequences import bundled_sequences
from posegan.pose import Pose, draw_pose, write_openpose
from posegan.pose.io import format_openpose

FRAME = (160, 240)
COLOUR = 90  # of the background, which no joint of a drawing has


def walk(frames: int = 6) -> Pose:
    """Return poses (T,) of somebody who walks on the spot, 128 px tall, in the middle of FRAME."""
    poses = bundled_sequences()["walk-front"].poses[:frames]
    return poses.crop(-90, -16)


def pictures(poses: Pose) -> list[Tensor]:
    ground = torch.full((3, *FRAME), COLOUR, dtype=torch.uint8)
    return [draw_pose(poses[i], FRAME, ground) for i in range(len(poses))]


def as_photos(folder: Path, poses: Pose, *, annotated: bool = True) -> Path:
    for i, picture in enumerate(pictures(poses)):
        write_png(folder / f"f{i}.png", picture)
        if annotated:
            write_openpose(folder / f"f{i}_keypoints.json", [poses[i]])
    return folder


def as_json(file: Path, poses: Pose) -> Path:
    file.write_text(json.dumps([json.loads(format_openpose([poses[i]])) for i in range(len(poses))]))
    return file


class Looking:
    """A detector that finds the drawn skeleton by what is not background: its box, and a standing pose in it."""

    name = "looking"

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, photo: Tensor) -> People:
        self.seen.append((photo.shape[-2], photo.shape[-1]))
        drawn = ((photo.float() - COLOUR).abs().amax(0) > 60).nonzero().float()
        if len(drawn) < 20:
            nobody = Pose(torch.zeros(0, 18, 2), torch.zeros(0, 18, dtype=torch.bool))
            return People(nobody, torch.zeros(0, 18), torch.zeros(0), torch.zeros(0, 4))
        low, high = drawn.amin(0).flip(0), drawn.amax(0).flip(0)
        standing = walk(1)
        shape = (standing.xy - standing.xy[standing.visible].amin(0)) / (
            standing.xy[standing.visible].amax(0) - standing.xy[standing.visible].amin(0)
        )
        pose = Pose(low + shape * (high - low), standing.visible)
        return People(pose, pose.visible.float(), torch.ones(1), joint_boxes(pose))
