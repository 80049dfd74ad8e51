"""What a pose detector is: a photo in, people out. The detectors themselves are in the other files of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from posegan.pose import Pose
from posegan.pose.io import COCO17, from_coco17


@dataclass(frozen=True, eq=False)
class People:
    """The P people found in one photo, the surest first; P may be 0.

    pose: joints in pixels of the photo, batch shape (P,); a joint below the detector's threshold is not visible.
    confidence: (P, 18) of each joint, 0 to 1. score: (P,) of the person, 0 to 1.
    boxes: (P, 4) left, top, right, bottom in pixels.
    """

    pose: Pose
    confidence: Tensor
    score: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.score)


class Detector(Protocol):
    """A pose detector: `name` is what reports call it."""

    name: str

    def __call__(self, photo: Tensor) -> People:
        """Return the people in a photo (3, H, W) uint8, of any size."""
        ...


def nobody() -> People:
    """Return no people."""
    joints = Pose(torch.zeros(0, 18, 2), torch.zeros(0, 18))
    return People(joints, torch.zeros(0, 18), torch.zeros(0), torch.zeros(0, 4))


def joint_boxes(pose: Pose) -> Tensor:
    """Return the (P, 4) extents of the visible joints, for detectors that give no boxes; zeros where there is none."""
    visible = pose.visible[..., None]
    low = pose.xy.masked_fill(~visible, torch.inf).amin(-2)
    high = pose.xy.masked_fill(~visible, -torch.inf).amax(-2)
    return torch.where(visible.any(-2), torch.cat([low, high], -1), 0.0)


def coco_people(xy: Tensor, sure: Tensor, threshold: float, score: Tensor, boxes: Tensor) -> People:
    """Return people (P,) of COCO's 17 keypoints, xy (P, 17, 2) and sure (P, 17), the surest first.

    threshold: joints below it are not visible. The neck is as sure as the less sure shoulder.
    """
    order = score.argsort(descending=True, stable=True)
    xy, sure = xy[order], sure[order]
    confidence = sure[:, list(COCO17)]
    confidence[:, 1] = confidence[:, [2, 5]].amin(1)
    return People(from_coco17(xy, sure, threshold), confidence, score[order], boxes[order])
