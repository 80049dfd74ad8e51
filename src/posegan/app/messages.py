"""From what a browser sends to values, and poses back to JSON. Whatever is not as agreed is refused in a sentence.

A pose travels as 18 triples [x, y, visible] in pixels of the photo, in the skeleton's order. Nothing here knows HTTP.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import torch

from posegan.app.refusal import RefusedError
from posegan.inference.finder import Box
from posegan.pose import COCO18, Pose, Size

LARGEST = 1e5  # pixels; no joint of a photo that the server takes is farther out
MODELS = 8  # at most so many pictures of one pose
OTHERS = 7  # at most so many photos of a person besides the first
FRAMES = 96  # at most so many pictures of one motion
SHORTEST = 0.02  # seconds of a frame: browsers show shorter ones slowly
LONGEST = 60  # seconds of one round


@dataclass(frozen=True)
class Wish:
    """A pose that somebody wants to see: in which photo, by which models; number: the browser's own count.

    others: more photos of the person.
    """

    number: int
    photo: str
    models: tuple[str, ...]
    pose: Pose
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Motion:
    """A sequence of poses (T,) that somebody wants as a file, by one model; seconds: of one round.

    others: more photos of the person.
    """

    photo: str
    model: str
    poses: Pose
    seconds: float
    others: tuple[str, ...] = ()


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Return a JSON object; raises RefusedError for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # bad UTF-8 is a ValueError too
        value = None
    if not isinstance(value, dict):
        raise RefusedError("The message is no JSON object: send one as the page does.")
    return value


def parse_wish(text: str | bytes) -> Wish:
    """Return the wish that a message holds; raises RefusedError naming what is wrong with it."""
    message = parse_object(text)
    number, models = message.get("number"), message.get("models")
    if type(number) is not int or not 0 <= number < 2**53:
        raise RefusedError("'number' is to be a whole number that counts the messages.")
    if not isinstance(models, list) or not 1 <= len(models) <= MODELS or not all(isinstance(m, str) for m in models):
        raise RefusedError(f"'models' is to be a list of 1 to {MODELS} names of models.")
    photo, pose = text_field(message, "photo"), parse_pose(message.get("pose"))
    return Wish(number, photo, tuple(dict.fromkeys(models)), pose, parse_others(message))


def parse_motion(text: str | bytes) -> Motion:
    """Return the motion that a message asks for; raises RefusedError naming what is wrong with it."""
    message = parse_object(text)
    frames, seconds = message.get("frames"), message.get("seconds")
    if not isinstance(frames, list) or not frames:
        raise RefusedError("'frames' is to be a list of poses.")
    if len(frames) > FRAMES:
        raise RefusedError(f"'frames' holds {len(frames)} poses; at most {FRAMES} are taken: leave some out.")
    shortest = SHORTEST * len(frames)
    if not isinstance(seconds, int | float) or seconds is True or not shortest <= seconds <= LONGEST:
        raise RefusedError(f"'seconds' is to be a number from {shortest:g} to {LONGEST}, {SHORTEST:g} or more a frame.")
    poses = Pose.stack([parse_pose(frame) for frame in frames])
    photo, model = text_field(message, "photo"), text_field(message, "model")
    return Motion(photo, model, poses, float(seconds), parse_others(message))


def parse_others(message: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of more photos of the person, none without a list 'others'; raises RefusedError if it is odd."""
    others = message.get("others", [])
    if not isinstance(others, list) or len(others) > OTHERS or not all(isinstance(name, str) for name in others):
        raise RefusedError(f"'others' is to be a list of at most {OTHERS} names of more photos of the person.")
    return tuple(dict.fromkeys(others))


def text_field(message: dict[str, Any], name: str) -> str:
    """Return a text of a message; raises RefusedError if there is none of that name."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) > 200:
        raise RefusedError(f"{name!r} is to be a text.")
    return value


def parse_pose(value: object) -> Pose:
    """Return one pose from its triples; raises RefusedError if they are not 18 times [x, y, visible]."""
    refusal = RefusedError(f"'pose' is to be {len(COCO18)} joints [x, y, visible], in pixels of the photo.")
    if not isinstance(value, list) or len(value) != len(COCO18):
        raise refusal
    for joint in value:
        if not isinstance(joint, list) or len(joint) != 3 or not all(type(n) in (int, float, bool) for n in joint):
            raise refusal
        if not all(-LARGEST <= n <= LARGEST for n in joint):  # no number that is not finite is
            raise refusal
    joints = torch.tensor(value, dtype=torch.float32)
    return Pose(joints[:, :2], joints[:, 2] > 0)


def parse_box(value: object, size: Size) -> Box:
    """Return the pixels of a photo of that size that a box [left, top, width, height] touches.

    Raises RefusedError if it is something else, or lies outside.
    """
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or not all(type(n) in (int, float) and -LARGEST <= n <= LARGEST for n in numbers):
        raise RefusedError("'box' is to be [left, top, width, height], in pixels of the photo.")
    left, top, width, height = numbers
    box = (
        max(math.floor(left), 0),
        max(math.floor(top), 0),
        min(math.ceil(left + width), size[1]),
        min(math.ceil(top + height), size[0]),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RefusedError("That box does not lie in the photo: draw it around a person.")
    return box


def pose_to_json(pose: Pose) -> list[list[float]]:
    """Return one pose as triples [x, y, visible], to a hundredth of a pixel."""
    rows = zip(pose.xy.tolist(), pose.visible.tolist(), strict=True)
    return [[round(x, 2), round(y, 2), int(seen)] for (x, y), seen in rows]
