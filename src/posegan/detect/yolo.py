"""The detector `yolo`: people by a one-stage pose network in an ONNX file, several in one photo.

It takes three kinds of files, which it tells apart by their outputs: YOLO-pose as Ultralytics exports v8 and v11,
(1, 56, N), whose boxes still overlap; end-to-end exports, (1, N, 57); and RTMO as MMPose exports it, boxes (1, N, 5)
with keypoints (1, N, 17, 3). It ships no network: docs/detect.md says where to get one, and under which licence.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.detect.base import People, coco_people
from posegan.errors import UserError
from posegan.pose import Size

THRESHOLD = 0.5  # of a joint
LEAST = 0.25  # of a person
OVERLAP = 0.7  # intersection over union above which two boxes are one person
SIDE = 640  # of the input of networks that take any size
GREY = 114  # around the photo, as in the training of these networks
INSTALL = "pip install onnxruntime, or posegan[detect]"


class Yolo:
    """The detector `yolo`.

    path: the ONNX file. threshold: joints of lower confidence are missing. least: people of a lower score are left out.
    Raises UserError if the file is no such network or the package onnxruntime is missing.
    """

    name = "yolo"

    def __init__(self, path: str | Path, threshold: float = THRESHOLD, least: float = LEAST) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise UserError(f"The detector yolo needs the package onnxruntime: {INSTALL}.") from error
        if not Path(path).is_file():
            raise UserError(f"{path} is missing: give a YOLO-pose or RTMO network as an .onnx file.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes have no common base
            raise UserError(f"{path} is not a readable ONNX network: export it again.") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3:
            raise UserError(f"{path} takes no pictures (1, 3, H, W): give a YOLO-pose or RTMO network.")
        self._input, self._half = inputs[0].name, inputs[0].type == "tensor(float16)"
        height, width = (side if isinstance(side, int) else SIDE for side in shape[2:])
        self._size: Size = (height, width)
        self._rtmo = len(self._session.get_outputs()) == 2
        self.path, self.threshold, self.least = path, threshold, least

    def __call__(self, photo: Tensor) -> People:
        """Return the people of a photo (3, H, W) uint8."""
        from torchvision.ops import nms  # here: it takes seconds

        framed, scale, left, top = letterbox(photo, self._size, centred=not self._rtmo)
        # RTMO was trained on blue, green, red from 0 to 255, the others on red, green, blue from 0 to 1.
        framed = framed.flip(0) if self._rtmo else framed / 255
        framed = framed.half() if self._half else framed
        found = [
            torch.from_numpy(part).float() for part in self._session.run(None, {self._input: framed[None].numpy()})
        ]
        score, boxes, points = self._decode(found)
        likely = score >= self.least
        score, boxes, points = score[likely], boxes[likely], points[likely]
        apart = nms(boxes, score, OVERLAP)
        score, boxes, points = score[apart], boxes[apart], points[apart]
        corner = torch.tensor([left, top])
        xy = (points[..., :2] - corner) / scale - 0.5  # pixel edges to pixel centres
        boxes = (boxes - torch.cat([corner, corner])) / scale - 0.5
        return coco_people(xy, points[..., 2], self.threshold, score, boxes)

    def _decode(self, found: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores (N,), boxes (N, 4) and keypoints (N, 17, 3), in pixels of the network's input."""
        shapes = [tuple(part.shape) for part in found]
        match shapes:
            case [(1, 56, _)]:
                rows = found[0][0].T
                middle, extent = rows[:, :2], rows[:, 2:4]
                boxes = torch.cat([middle - extent / 2, middle + extent / 2], 1)
                return rows[:, 4], boxes, rows[:, 5:].reshape(-1, 17, 3)
            case [(1, _, 57)]:  # left, top, right, bottom, score, class
                rows = found[0][0]
                return rows[:, 4], rows[:, :4], rows[:, 6:].reshape(-1, 17, 3)
            case [(1, count, 5), (1, same, 17, 3)] if count == same:
                return found[0][0, :, 4], found[0][0, :, :4], found[1][0]
        raise UserError(
            f"{self.path} is no network for one class with 17 keypoints: its outputs have the shapes {shapes} instead "
            "of (1, 56, N), (1, N, 57), or RTMO's (1, N, 5) and (1, N, 17, 3)."
        )


def letterbox(photo: Tensor, size: Size, *, centred: bool) -> tuple[Tensor, float, int, int]:
    """Return (3, H, W) float 0 to 255: the photo (3, h, w) uint8 resized, on grey; the scale, its left and top edge."""
    height, width = photo.shape[-2:]
    scale = min(size[0] / height, size[1] / width)
    small = max(1, round(height * scale)), max(1, round(width * scale))
    resized = F.interpolate(photo[None].cpu().float(), small, mode="bilinear", antialias=scale < 1)[0]
    free = size[0] - small[0], size[1] - small[1]
    top, left = (free[0] // 2, free[1] // 2) if centred else (0, 0)
    framed = F.pad(resized, (left, free[1] - left, top, free[0] - top), value=GREY)
    return framed, scale, left, top
