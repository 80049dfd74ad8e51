"""Which person of a photo is meant, where nothing says where their joints are: a detector looks.

Where keypoints are looked for first is in inference/poses.py; videos and rows of photos are in inference/detected.py.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegan.detect import Builtin, Detector, People
from posegan.detect.builtin import WIDEST
from posegan.errors import UserError
from posegan.pose import Pose

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
SMALLEST = (16, 8)  # (h, w) of a photo that may show a person

REMEDY = (
    "give the box that they are in, another detector (docs/detect.md), or the joints as source pose: an OpenPose .json "
    "or an annotations .csv, or such a file beside the photo"
)
JOINTS_REMEDY = (
    "cut the person out of the photo first, or give the joints as {pose}: an OpenPose .json or an annotations "
    ".csv, or such a file beside the photo"
)  # for commands that take no box and no detector
POSE_REMEDY = (
    "cut the person out of it first, use another detector (docs/detect.md), or give an OpenPose .json or "
    "annotations.csv:PHOTO as the pose"
)


@dataclass(frozen=True)
class PersonFinder:
    """Finds the person of a photo.

    detector: None is the built-in one. box: part of the photo to look in. person: which of several, counted from the
    largest, 1; None takes the largest and says so. remedy: what a message tells to do when nobody is found.
    """

    detector: Detector | None = None
    box: Box | None = None
    person: int | None = None
    remedy: str = REMEDY

    @property
    def network(self) -> Detector:
        """The detector; the built-in one is loaded when it is first needed."""
        return self.detector if self.detector is not None else builtin()

    def anybody(self) -> PersonFinder:
        """Return the finder for a photo that gives the pose, in which neither box nor number mean anything."""
        return dataclasses.replace(self, box=None, person=None, remedy=POSE_REMEDY)

    def people(self, photo: Tensor, name: str) -> People:
        """Return the people in a photo (3, h, w) uint8 called `name`, the largest first, in its pixels; may be empty.

        Raises UserError if the box does not lie in the photo, or if it or the photo is too small for a person.
        """
        height, width = photo.shape[-2:]
        left, top, right, bottom = self.box or (0, 0, width, height)
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise UserError(
                f"The box {left},{top},{right},{bottom} does not lie in {name}, which is {width}x{height}: give its "
                "left, top, right and bottom edge in pixels of the photo."
            )
        if right - left < SMALLEST[1] or bottom - top < SMALLEST[0]:
            what = f"The box {left},{top},{right},{bottom} of {name}" if self.box else name
            raise UserError(
                f"{what} is {right - left}x{bottom - top} pixels, too small to show a person: give at least "
                f"{SMALLEST[1]}x{SMALLEST[0]}."
            )
        found = self.network(photo[:, top:bottom, left:right])
        pose = found.pose.inside((bottom - top, right - left))
        x, y = (found.boxes[:, 2:] - found.boxes[:, :2]).unbind(1)
        order = (x * y).argsort(descending=True, stable=True)
        order = order[pose.visible[order].any(1)]
        corner = torch.tensor([left, top, left, top])
        return People(
            pose[order].crop(-left, -top), found.confidence[order], found.score[order], found.boxes[order] + corner
        )

    def __call__(self, photo: Tensor, name: str) -> Pose:
        """Return the pose () of the person meant, in the photo's pixels.

        Raises UserError if nobody is found, or not as many people as `person` says.
        """
        people = self.people(photo, name)
        where = f"in the box of {name}" if self.box else f"in {name}"
        if not len(people):
            limits = ""
            if self.network.name == "builtin":
                limits = f" (it finds one person, who fills half the height or more, in photos up to {WIDEST}:1)"
            raise UserError(f"The detector {self.network.name}{limits} finds nobody {where}: {self.remedy}.")
        if self.person is None and len(people) > 1:
            sys.stderr.write(
                f"{len(people)} people {where}, the largest is taken: give the number of another person, which "
                f"`posegan detect --images {name} --pictures DIR --out CSV` shows.\n"
            )
        number = self.person or 1
        if number > len(people):
            found = f"the detector {self.network.name} found {len(people)}"
            raise UserError(f"There is no person {number} {where}, {found}: {self.remedy}.")
        return people.pose[number - 1]


@functools.cache
def builtin() -> Detector:
    """Return the built-in detector, loaded once; raises UserError if this copy of posegan has no weights of it."""
    return Builtin()


def photo_name(photo: object) -> str:
    """Return what messages call a photo."""
    return str(photo) if isinstance(photo, str | Path) else "the photo"
