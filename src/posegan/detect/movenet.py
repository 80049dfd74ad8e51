"""MoveNet single-pose (Google 2021) from a .tflite file: one person a photo, fast on a CPU.

It finds the joints of exactly one person and no boxes: for photos that were cut around a person. Its 17 COCO joints
become 18 with the neck between the shoulders.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.detect.base import People, coco_people, joint_boxes
from posegan.errors import UserError
from posegan.files import require_readable

THRESHOLD = 0.1  # 300 photos of Market-1501: as many joints right as without any threshold, and fewer beyond .2
INSTALL = "pip install ai-edge-litert, or posegan[detect]"


class MoveNet:
    """The detector `movenet`; not for use by several threads at once.

    path: a single-pose MoveNet (Lightning or Thunder) as .tflite. threshold: joints of lower confidence are missing.
    Raises UserError if the file is no such network or the package ai-edge-litert is missing.
    """

    name = "movenet"

    def __init__(self, path: str | Path, threshold: float = THRESHOLD) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ModuleNotFoundError as error:
            raise UserError(f"MoveNet needs the package ai-edge-litert: {INSTALL}.") from error
        self.threshold = threshold
        try:
            self._network = Interpreter(str(path), num_threads=torch.get_num_threads())
            self._network.allocate_tensors()
            (self._input,), (self._output,) = self._network.get_input_details(), self._network.get_output_details()
        except (ValueError, RuntimeError) as error:
            require_readable(Path(path), "give the .tflite file of MoveNet")
            raise UserError(f"{path} is not a readable MoveNet .tflite file: get it again.") from error
        shapes = [tuple(int(n) for n in end["shape"]) for end in (self._input, self._output)]
        self._side = shapes[0][1] if len(shapes[0]) == 4 else 0
        if shapes != [(1, self._side, self._side, 3), (1, 1, 17, 3)]:
            raise UserError(f"{path} is not a single-pose MoveNet: its input and output have the shapes {shapes}.")

    def __call__(self, photo: Tensor) -> People:
        """Return the one person of a photo (3, H, W) uint8, who may have no visible joint."""
        square, scale, left, top = _centred(photo, self._side)
        self._network.set_tensor(self._input["index"], square.numpy().astype(self._input["dtype"]))
        self._network.invoke()
        found = torch.from_numpy(self._network.get_tensor(self._output["index"]))[0].clone()  # (1, 17, 3): y, x, score
        corner = torch.tensor([left, top])
        xy = (found[..., [1, 0]] * self._side - corner) / scale - 0.5  # pixel edges to pixel centres
        sure = found[..., 2]
        people = coco_people(xy, sure, self.threshold, sure.mean(1), torch.zeros(1, 4))
        return dataclasses.replace(people, score=people.confidence.mean(1), boxes=joint_boxes(people.pose))


def _centred(photo: Tensor, side: int) -> tuple[Tensor, float, int, int]:
    """Return (1, side, side, 3) uint8: the photo resized, on black; the scale, and the photo's left and top edge."""
    height, width = photo.shape[-2:]
    scale = side / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = F.interpolate(photo[None].cpu().float(), size, mode="bilinear", antialias=scale < 1)
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    square = F.pad(small, (left, side - size[1] - left, top, side - size[0] - top))
    return square.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous(), scale, left, top
