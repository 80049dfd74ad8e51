"""Is the pose right? PCKh and keypoint distance with MoveNet looking at the generated photos.

Read every figure beside the row 'real', the target photos under the same detector, and as a share of it.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.detect import Detector, MoveNet
from posegan.evaluation.scorers.base import REAL, Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.metrics import keypoint_distance, pckh
from posegan.pose import Pose

WEIGHTS = ExternalFile(
    "movenet_singlepose_lightning_int8_4.tflite",
    "MoveNet Lightning int8, the keypoint detector of PCKh",
    "https://tfhub.dev/google/lite-model/movenet/singlepose/lightning/tflite/int8/4?lite-format=tflite",
    "cd7cc22fa946e5d146a7b98d496853e1923e22828d3972d579973f27f91bb105",
)
COUNTS = ("pckh_paper_movenet", "pckh_euclidean_movenet", "keypoint_distance_movenet")


class MoveNetPose(Scorer):
    """PCKh by both rules, and keypoint distance, of a detector that finds one person."""

    name = "movenet-lightning-int8"
    metrics = {  # noqa: RUF012
        "pckh_paper_movenet": "share of the target's joints found within half the head box on each axis, by MoveNet",
        "pckh_euclidean_movenet": "share found within half the diagonal of the head box, by MoveNet",
        "pckh_paper_movenet_share": "pckh_paper_movenet divided by that of the row 'real'",
        "pckh_euclidean_movenet_share": "pckh_euclidean_movenet divided by that of the row 'real'",
        "keypoint_distance_movenet": "mean distance in pixels of annotated joints that MoveNet sees; lower is better",
    }

    def __init__(self, detector: Detector, *paths: Path) -> None:
        super().__init__(*paths)
        self._detector = detector

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> MoveNetPose:
        """Return the scorer; raises UserError if the file or the package ai-edge-litert is missing."""
        path = weights.find(WEIGHTS)
        return cls(MoveNet(path), path)

    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Detect the joints of each photo and return its own figures, NaN where a target has no head or no joint."""
        target = batch.target_pose.to("cpu")
        found = self._detect(images)
        figures = (pckh(found, target, "paper"), pckh(found, target, "euclidean"), keypoint_distance(found, target))
        scores = {}
        for name, (total, count) in zip(COUNTS, figures, strict=True):
            self._add(row, {f"{name}.total": total.double().sum(), f"{name}.count": count.double().sum()})
            scores[name] = total.float() / count  # 0 / 0 is NaN
        return scores

    def summary(self, row: str) -> dict[str, float]:
        """Return the figures over all joints of all photos, and PCKh as a share of the row 'real'."""
        found = {name: self._ratio(row, name) for name in COUNTS}
        for name in COUNTS[:2]:
            real = self._ratio(REAL, name)
            found[f"{name}_share"] = found[name] / real if real else math.nan
        return found

    def _ratio(self, row: str, name: str) -> float:
        sums = self._sums.get(row, {})
        count = float(sums.get(f"{name}.count", torch.tensor(0.0)))
        return float(sums[f"{name}.total"]) / count if count else math.nan

    def _detect(self, images: Tensor) -> Pose:
        """The surest person of each photo, without joints where there is nobody; batch shape (B,)."""
        people = [self._detector(image) for image in images]
        nobody = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))
        return Pose.stack([found.pose[0] if len(found) else nobody for found in people])
