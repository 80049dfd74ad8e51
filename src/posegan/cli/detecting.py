"""The options by which commands say how people are found in photos that have no keypoints."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from posegan.cli.parser import Parser, positive
from posegan.errors import UserError

if TYPE_CHECKING:
    from posegan.detect import Detector
    from posegan.inference.finder import PersonFinder

REMEDY = (
    "cut the person out with --box LEFT,TOP,RIGHT,BOTTOM, use another --detector (docs/detect.md), or give the joints: "
    "--source-pose with an OpenPose .json or an annotations .csv, or such a file beside the photo"
)
NAMES = ("builtin", "yolo", "keypointrcnn", "movenet", "ultralytics")


def add_detector_options(parser: Parser) -> None:
    """Add the options that choose a detector: --detector, --detector-weights and --movenet."""
    parser.add_argument(
        "--detector",
        choices=NAMES,
        help="what finds the joints of the people in photos (default: builtin; yolo and keypointrcnn find several "
        "people)",
    )
    parser.add_argument(
        "--detector-weights", metavar="FILE", help="its network: YOLO-pose or RTMO (.onnx), MoveNet (.tflite), ..."
    )
    parser.add_argument("--movenet", metavar="FILE", help="short for --detector movenet --detector-weights FILE")


def add_person_options(parser: Parser) -> None:
    """Add the options that say whom of a photo is meant: --box and --person."""
    parser.add_argument(
        "--box", type=_box, metavar="L,T,R,B", help="part of the photo to find the person in: its edges in pixels"
    )
    parser.add_argument(
        "--person", type=positive, metavar="N", help="which of several people, counted from the largest (default: 1)"
    )


def detector_choice(chosen: argparse.Namespace) -> tuple[str, str | None]:
    """Return the name of the detector that was asked for and the file of its network."""
    if chosen.movenet:
        if chosen.detector not in (None, "movenet") or chosen.detector_weights:
            raise UserError("--movenet FILE chooses a detector: leave --detector and --detector-weights out.")
        return "movenet", chosen.movenet
    return chosen.detector or "builtin", chosen.detector_weights


def chosen_detector(chosen: argparse.Namespace) -> Detector | None:
    """Return the detector that was asked for, None for the built-in one, which is loaded only when it is needed."""
    name, weights = detector_choice(chosen)
    if name == "builtin" and not weights:
        return None
    from posegan.detect import open_detector

    return open_detector(name, weights)


def chosen_finder(chosen: argparse.Namespace) -> PersonFinder:
    """Return who finds the person that was asked for."""
    from posegan.inference.finder import PersonFinder

    return PersonFinder(chosen_detector(chosen), chosen.box, chosen.person, REMEDY)


def _box(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no box left,top,right,bottom in pixels")
    left, top, right, bottom = map(int, parts)
    return left, top, right, bottom
