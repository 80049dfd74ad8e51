"""The detector `ultralytics`: people by the package of that name with a .pt file of YOLO-pose.

Opt-in: posegan neither installs nor imports the package otherwise, since it and its weights are under the AGPL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from posegan.detect.base import People, coco_people
from posegan.errors import UserError

THRESHOLD = 0.5  # of a joint


class Ultralytics:
    """The detector `ultralytics`.

    path: a YOLO-pose .pt file. threshold: joints of lower confidence are missing.
    Raises UserError if the package is missing or the file is no such network.
    """

    name = "ultralytics"

    def __init__(self, path: str | Path, threshold: float = THRESHOLD) -> None:
        try:
            from ultralytics import YOLO
        except ModuleNotFoundError as error:
            raise UserError(
                "The detector ultralytics needs the package of that name: pip install ultralytics (it is under the "
                "AGPL), or use the detector yolo with an .onnx file."
            ) from error
        if not Path(path).is_file():  # else the package would download a file of that name
            raise UserError(f"{path} is missing: give a YOLO-pose .pt file.")
        try:
            self._network: Any = YOLO(str(path), task="pose")
        except Exception as error:  # whatever a damaged pickle raises
            raise UserError(f"{path} is not a readable YOLO-pose file: get it again.") from error
        self.path, self.threshold = path, threshold

    def __call__(self, photo: Tensor) -> People:
        """Return the people of a photo (3, H, W) uint8."""
        pixels = photo.permute(1, 2, 0).flip(-1).contiguous().numpy()  # blue, green, red
        found = self._network.predict(pixels, verbose=False)[0]
        points = None if found.keypoints is None else found.keypoints.data.cpu().float()
        if points is None or points.shape[1:] != (17, 3):
            raise UserError(f"{self.path} finds no 17 keypoints with confidences: give a YOLO-pose .pt file.")
        xy = points[..., :2] - 0.5  # pixel edges to pixel centres
        score, boxes = found.boxes.conf.cpu().float(), found.boxes.xyxy.cpu().float() - 0.5
        return coco_people(xy, points[..., 2], self.threshold, score, boxes)
