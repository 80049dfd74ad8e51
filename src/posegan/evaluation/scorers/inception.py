"""Inception of 2015-12-05: IS, mask-IS, and FID against the target photos and against the training photos.

The graph and its resize are torch-fidelity's, bit-compatible with the original's; the formulas are posegan's own.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.evaluation.scorers.base import REAL, Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.layers.state_files import read_state
from posegan.metrics import Moments, SplitSums, frechet_distance
from posegan.metrics.inception_score import SPLITS
from posegan.metrics.pixels import blacken

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
WEIGHTS = ExternalFile(
    "weights-inception-2015-12-05-6726825d.pth",
    "the Inception network of IS and FID",
    URL,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
TRAINING = "training photos"  # the row of `add_training`


class Inception(Scorer):
    """IS and FID; `total` is the number of pairs of the whole list, which the splits of IS depend on."""

    name = "inception-2015-12-05"
    metrics = {  # noqa: RUF012
        "is": f"inception score, 2015 graph, softmax without the bias, {SPLITS} splits in the order of the pairs",
        "is_std": "its deviation over splits",
        "mask_is": "inception score of photos blackened outside the target's body mask",
        "mask_is_std": "its deviation over splits",
        "fid_targets": "FID against the target photos of the same pairs; lower is better",
        "fid_training": "FID against the training photos; lower is better",
    }
    wants_training = True

    def __init__(self, path: Path, total: int, device: torch.device) -> None:
        super().__init__(path)
        self._total, self._device, self._network = total, device, _load(path).to(device)

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> Inception:
        """Return the scorer; raises UserError if a file, ImportError if torch-fidelity is missing."""
        return cls(weights.find(WEIGHTS, URL), total, device)

    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Take the features and probabilities of the photos, and the probabilities of the masked ones."""
        features, probabilities = self._look(images)
        _, masked = self._look(blacken(images, mask))
        self._add(row, {f"fid.{name}": value for name, value in vars(Moments.of(features)).items()})
        for name, p in (("is", probabilities), ("mask_is", masked)):
            sums = SplitSums.of(p, first, self._total)
            self._add(row, {f"{name}.{part}": value for part, value in vars(sums).items()})
        return {}

    def add_training(self, images: Tensor) -> None:
        """Take the features of training photos."""
        moments = Moments.of(self._look(images)[0])
        self._add(TRAINING, {f"fid.{name}": value for name, value in vars(moments).items()})

    def summary(self, row: str) -> dict[str, float]:
        """Return both inception scores with their deviations, and both FIDs."""
        found = {}
        for name in ("is", "mask_is"):
            sums = self._part(row, name)
            found[name], found[f"{name}_std"] = SplitSums(**sums).score() if sums else (math.nan, math.nan)
        for name, other in (("fid_targets", REAL), ("fid_training", TRAINING)):
            ours, theirs = self._part(row, "fid"), self._part(other, "fid")
            found[name] = frechet_distance(Moments(**ours), Moments(**theirs)) if ours and theirs else math.nan
        return found

    @torch.no_grad()
    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2048) features and (B, 1008) float64 class probabilities, without the bias of the last layer."""
        features, logits = self._network(images.to(self._device))
        return features, logits.cpu().double().softmax(1)

    def _part(self, row: str, prefix: str) -> dict[str, Tensor]:
        sums = self._sums.get(row, {})
        return {name.removeprefix(f"{prefix}."): v for name, v in sums.items() if name.startswith(f"{prefix}.")}


def _load(path: Path) -> torch.nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity unpickles whatever file it is given; it gets one that was written here from checked tensors
    safe = io.BytesIO()
    torch.save(dict(read_state(path)), safe)
    safe.seek(0)
    with torch.random.fork_rng(devices=[]):  # building the layers draws random numbers
        network: torch.nn.Module = FeatureExtractorInceptionV3(
            "inception", ["2048", "logits_unbiased"], feature_extractor_weights_path=safe
        )
    return network
