"""The detector `keypointrcnn`: torchvision's Keypoint R-CNN (He et al., ICCV 2017), several people in one photo.

Slow on a CPU. Without a file, torchvision downloads its own weights (226 MB) once; they were trained on COCO.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from posegan.detect.base import People, coco_people
from posegan.errors import UserError

LEAST = 0.7  # of a person
LOGIT = 2.0  # of a joint: the network gives the height of a map's peak, from about -5 to 20
FILE = "keypointrcnn_resnet50_fpn_coco"


class KeypointRCNN:
    """The detector `keypointrcnn`.

    path: a file of torchvision's `keypointrcnn_resnet50_fpn`; None: torchvision's own download.
    least: people of a lower score are left out. logit: joints below it are missing; confidences are sigmoid(logit - 2).
    Raises UserError if the file is no such network or the download fails.
    """

    name = "keypointrcnn"

    def __init__(self, path: str | Path | None = None, least: float = LEAST, logit: float = LOGIT) -> None:
        from torchvision.models.detection import KeypointRCNN_ResNet50_FPN_Weights, keypointrcnn_resnet50_fpn

        self.least, self.logit = least, logit
        try:
            if path is None:
                known = KeypointRCNN_ResNet50_FPN_Weights.COCO_V1
                self._network = keypointrcnn_resnet50_fpn(weights=known, progress=False).eval()
            else:
                self._network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
                self._network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, AttributeError, TypeError, EOFError, pickle.UnpicklingError) as error:
            where = f"{path} is no file of it" if path else "its weights could not be downloaded"
            raise UserError(f"Keypoint R-CNN cannot be had: {where}; give torchvision's {FILE}-*.pth.") from error

    @torch.inference_mode()
    def __call__(self, photo: Tensor) -> People:
        """Return the people of a photo (3, H, W) uint8."""
        found = self._network([photo.float() / 255])[0]
        kept = found["scores"] >= self.least
        points, logits = found["keypoints"][kept], found["keypoints_scores"][kept]
        sure = torch.sigmoid(logits - self.logit).reshape(-1, 17)
        xy = points[..., :2].reshape(-1, 17, 2) - 0.5  # pixel edges to pixel centres
        return coco_people(xy, sure, 0.5, found["scores"][kept], found["boxes"][kept] - 0.5)
