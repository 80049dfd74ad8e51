"""Detectors by name, as the commands choose them."""

from __future__ import annotations

from pathlib import Path

from posegan.detect.base import Detector
from posegan.detect.builtin import Builtin
from posegan.detect.keypointrcnn import KeypointRCNN
from posegan.detect.movenet import MoveNet
from posegan.detect.ultralytics import Ultralytics
from posegan.detect.yolo import Yolo
from posegan.errors import UserError, unknown_name

NAMES = ("builtin", "yolo", "keypointrcnn", "movenet", "ultralytics")
NEEDED = {"yolo": "a YOLO-pose or RTMO .onnx", "ultralytics": "a YOLO-pose .pt", "movenet": "a MoveNet .tflite"}


def open_detector(name: str = "builtin", weights: str | Path | None = None) -> Detector:
    """Return one of the detectors NAMES.

    weights: its file; `builtin` and `keypointrcnn` do without.
    Raises UserError if there is none of that name, if it needs a file, or as the detector.
    """
    if name == "builtin":
        return Builtin(weights)
    if name == "keypointrcnn":
        return KeypointRCNN(weights)
    if name not in NEEDED:
        raise unknown_name("detector", name, NAMES)
    if weights is None:
        raise UserError(f"The detector {name} needs detector weights, {NEEDED[name]} file: see docs/detect.md.")
    if name == "yolo":
        return Yolo(weights)
    return MoveNet(weights) if name == "movenet" else Ultralytics(weights)
