"""Scores of single generated pictures, without a target photo: what a command can hold a threshold against.

OSNet's score is in posegan.evaluation; anything of the form of `PictureScore` will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from posegan.detect import Detector
from posegan.identity import SIZE, IdentityEmbedding
from posegan.inference.framing import fit_photo
from posegan.pose import Pose, torso_scale


@dataclass(frozen=True)
class Pictures:
    """B generated pictures (B, 3, H, W) uint8, the photos they were made of, and the poses (B,) of both.

    poses: those that the pictures should show. names: the source photos' file names.
    """

    images: Tensor
    sources: Tensor
    source_poses: Pose
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

    def __init__(self, detector: Detector) -> None:
        self.name = f"pose_agreement_{detector.name}"
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


class EmbeddingSimilarity:
    """The cosine of posegan's own embeddings of picture and source photo, each cut around its person."""

    name = "identity_embedding"

    def __init__(self, embedding: IdentityEmbedding) -> None:
        self._embedding = embedding

    def __call__(self, pictures: Pictures) -> Tensor:
        """Return the cosines, -1 to 1; NaN for a picture in which no joint of its pose lies."""
        size = (pictures.images.shape[-2], pictures.images.shape[-1])
        there = pictures.poses.inside(size).visible.any(1).nonzero().flatten().tolist()
        cosines = torch.full((len(pictures.images),), torch.nan)
        if there:
            made = [fit_photo(pictures.images[i].cpu(), pictures.poses[i], SIZE)[0] for i in there]
            own = [fit_photo(pictures.sources[i].cpu(), pictures.source_poses[i], SIZE)[0] for i in there]
            cosines[there] = (self._embedding(torch.stack(made)) * self._embedding(torch.stack(own))).sum(1)
        return cosines
