"""Two distances on a network of three megabytes, Caffe's SqueezeNet 1.1, for machines without those of LPIPS and FID.

Pair by pair under LPIPS's heads, which were fitted to torchvision's SqueezeNet: rankings agree with LPIPS, values do
not. And between sets of photos, as FID with another network. Hence their names.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.evaluation.scorers.base import REAL, Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.images import to_bytes
from posegan.layers.state_files import read_state
from posegan.metrics import Moments, frechet_distance, perceptual_distance

TRUNK = ExternalFile(
    "squeezenet1_1_features_caffe.pth",
    "SqueezeNet 1.1's features in torchvision's names, with Caffe's input range",
    "a conversion of https://github.com/forresti/SqueezeNet (SqueezeNet_v1.1)",
    "0ea3d2f76d2519e40042162b723e8e7520eea180df5ee9bd0e3edad049254d66",
)
HEADS = ExternalFile(
    "lpips_heads_v0.1/squeeze.pth",
    "LPIPS's linear heads for SqueezeNet",
    "https://github.com/richzhang/PerceptualSimilarity (lpips/weights/v0.1/squeeze.pth)",
    "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
)
TAPS = (1, 4, 7, 9, 10, 11, 12)  # torchvision's features: the first ReLU, then the fire modules that LPIPS looks at
MEAN_BGR = (104.0, 117.0, 123.0)


class LpipsSqueezeCaffe(Scorer):
    """The LPIPS-like distance `lpips_squeeze_caffe` of pairs, the FID-like `frechet_squeeze_caffe` of sets."""

    name = "squeezenet1.1-caffe"
    metrics = {  # noqa: RUF012
        "lpips_squeeze_caffe": "LPIPS's formula and v0.1 heads on Caffe's SqueezeNet 1.1 (not LPIPS); lower is better",
        "frechet_squeeze_caffe": "FID's formula against the target photos, on the means of the 512 last feature maps "
        "of Caffe's SqueezeNet 1.1 (not FID); lower is better",
    }

    def __init__(self, trunk: Path, heads: Path, device: torch.device) -> None:
        super().__init__(trunk, heads)
        from torchvision.models import squeezenet1_1  # here: it takes seconds

        with torch.device("meta"):  # no weights but the file's
            self._trunk: nn.Module = squeezenet1_1().features.eval().requires_grad_(False)
        state = read_state(heads)
        try:
            self._trunk.load_state_dict(read_state(trunk), assign=True)
            self._heads = [state[f"lin{i}.model.1.weight"].flatten().to(device) for i in range(len(TAPS))]
        except (KeyError, RuntimeError) as error:
            raise UserError(
                f"{trunk} or {heads} is of another network: get {TRUNK.source} and {HEADS.source}."
            ) from error
        self._trunk.to(device)
        self._mean = torch.tensor(MEAN_BGR, device=device).view(3, 1, 1)

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> LpipsSqueezeCaffe:
        """Return the scorer; raises UserError if a file is missing or of another network."""
        return cls(weights.find(TRUNK), weights.find(HEADS), device)

    @torch.no_grad()
    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Return the distance of each photo from its target, and take its features."""
        found, wanted = self._features(images), self._features(to_bytes(batch.target_image))
        self._add(row, vars(Moments.of(found[-1].mean((-2, -1)))))
        return {"lpips_squeeze_caffe": perceptual_distance(found, wanted, self._heads).cpu()}

    def summary(self, row: str) -> dict[str, float]:
        """Return the Frechet distance from the row 'real'; of the other distance the mean over pairs is the score."""
        ours, theirs = self._sums.get(row), self._sums.get(REAL)
        distance = frechet_distance(Moments(**ours), Moments(**theirs)) if ours and theirs else math.nan
        return {"frechet_squeeze_caffe": distance}

    def _features(self, images: Tensor) -> list[Tensor]:
        x = images.to(self._mean.device).flip(1).float() - self._mean  # BGR, 0..255, mean off
        found = []
        for i, layer in enumerate(self._trunk.children()):
            x = layer(x)
            if i in TAPS:
                found.append(x)
        return found
