"""One person through the frames of a video or a row of photos, by a pose detector that may find only one person."""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.detect import Detector
from posegan.pose import Pose

MARGIN = 0.4  # of the person's larger extent, on each side, when the detector looks closer
LEAST = 6  # joints of a person


def find_person(detector: Detector, photo: Tensor, before: Pose | None = None) -> Pose | None:
    """Return the joints () of the person of a photo (3, h, w) uint8, None if nobody is found.

    before: where the person was in the frame before; there the detector looks first. Where it finds somebody in the
    whole photo it looks again more closely, since detectors shrink what they are shown.
    """
    if before is not None:
        found = _look(detector, photo, before)
        if found is not None:
            return found
    rough = _best(detector, photo)
    if rough is None:
        return None
    close = _look(detector, photo, rough)
    return rough if close is None else close


def _look(detector: Detector, photo: Tensor, around: Pose) -> Pose | None:
    """Return whom the detector finds in the part of the photo around a pose."""
    places = around.xy[around.visible]
    low, high = places.amin(0), places.amax(0)
    margin = MARGIN * (high - low).max() + 1
    left, top = (low - margin).floor().clamp(min=0).long().tolist()
    right, bottom = (high + margin).ceil().long().tolist()
    part = photo[:, top : bottom + 1, left : right + 1]
    if min(part.shape[-2:]) < 2:
        return None
    found = _best(detector, part)
    return None if found is None else found.crop(-left, -top)


def _best(detector: Detector, photo: Tensor) -> Pose | None:
    people = detector(photo)
    if not len(people):
        return None
    best = people.pose[int(torch.argmax(people.score))].inside((photo.shape[-2], photo.shape[-1]))
    return best if int(best.visible.sum()) >= LEAST else None
