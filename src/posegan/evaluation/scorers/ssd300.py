"""Does it look like a person at all? The detection score DS, with torchvision's SSD300, which was trained on COCO.

The published DS column comes from Caffe's SSD300 trained on VOC, whose scores are others: hence the long name.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.evaluation.scorers.base import Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.layers.state_files import read_state

URL = "https://download.pytorch.org/models/ssd300_vgg16_coco-b556d3b4.pth"
WEIGHTS = ExternalFile(
    "ssd300_vgg16_coco-b556d3b4.pth",
    "torchvision's SSD300, the detector of the person score",
    f"{URL} (its sha256 starts with b556d3b4)",
)
PERSON = 1  # COCO's label


class SSD300(Scorer):
    """The person score `person_score_ssd300_coco`."""

    name = "ssd300_vgg16_coco"
    metrics = {  # noqa: RUF012
        "person_score_ssd300_coco": "highest person score of torchvision's COCO SSD300 in each photo (not Caffe's DS)"
    }

    def __init__(self, path: Path, device: torch.device) -> None:
        super().__init__(path)
        from torchvision.models.detection import ssd300_vgg16  # here: it takes seconds

        with torch.random.fork_rng(devices=[]):  # building the layers draws random numbers
            self._network = ssd300_vgg16(weights=None, weights_backbone=None)
        try:
            self._network.load_state_dict(read_state(path))
        except RuntimeError as error:
            raise UserError(f"{path} is not {WEIGHTS.purpose}: get it from {URL}.") from error
        self._device = device
        self._network.to(device).eval().requires_grad_(False)

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> SSD300:
        """Return the scorer; raises UserError if the file is missing or of another network."""
        return cls(weights.find(WEIGHTS, URL), device)

    @torch.no_grad()
    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Return the score of the surest person in each photo, 0 where there is none."""
        found = self._network(list(images.to(self._device).float() / 255))
        scores = [(f["scores"] * (f["labels"] == PERSON)).cpu() for f in found]
        return {"person_score_ssd300_coco": torch.stack([torch.cat([s, torch.zeros(1)]).max() for s in scores])}

    def summary(self, row: str) -> dict[str, float]:
        """Return nothing: the mean over pairs is the score."""
        return {}
