"""Scores of single generated pictures, without a target photo: what a command can hold a threshold against.

Scores that need a network of their own are in posegan.detect (joints) or in posegan.evaluation (identity); anything of
the form of `PictureScore` will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from posegan.detect import Detector
from posegan.pose import Pose, torso_scale


@dataclass(frozen=True)
class Pictures:
    """B generated pictures (B, 3, H, W) uint8, the photos they were made of, and the poses (B,) they should show.

    names: the source photos' file names.
    """

    images: Tensor
    sources: Tensor
    poses: Pose
    names: Sequence[str]


class PictureScore(Protocol):
    """A score: `name` is its column; higher is better."""

    name: str

    def __call__(self, pictures: Pictures) -> Tensor:
        """Return the scores (B,) float on the CPU, NaN for a picture that has none."""
        ...


class PoseAgreement:
    """The share of a picture's target joints that a detector finds within REACH of the torso's length (PCK@0.2)."""

    REACH = 0.2
    name = "pose_agreement"

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, pictures: Pictures) -> Tensor:
        """Return the shares; NaN for a pose without a whole torso."""
        nobody = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))
        people = [self._detector(image) for image in pictures.images.cpu()]
        found = Pose.stack([each.pose[0] if len(each) else nobody for each in people])
        wanted = pictures.poses.to("cpu")
        near = (found.xy - wanted.xy).norm(dim=-1) < self.REACH * torso_scale(wanted).float()[:, None]
        right = (near & found.visible & wanted.visible).sum(1)
        return torch.where(wanted.valid, right / wanted.visible.sum(1).clamp(min=1), torch.nan)
