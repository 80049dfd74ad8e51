"""Guesses for joints that a pose lacks: a policy to be asked for, since a guess is not an observation.

Without it missing joints stay missing, as in the published protocols: their heatmaps are empty.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.pose.pose import Pose
from posegan.pose.retarget import FOREARM, SHARE, SHIN, THIGH, TORSO, UPPER_ARM
from posegan.pose.skeleton import COCO18

HIP_WIDTH = 0.6  # of the shoulders': medians of Market-1501's whole people, 0.10 and 0.165 of their height

Rule = tuple[int, dict[int, float]]  # a joint, and the weights of the joints that it is guessed from


def _below(joint: int, length: int) -> dict[int, float]:
    """Return the weights of the point that hangs below a joint in the direction of the torso, neck to hips."""
    reach = SHARE[length] / SHARE[TORSO]
    weights = {1: -reach, 8: reach / 2, 11: reach / 2}
    return weights | {joint: weights.get(joint, 0.0) + 1.0}


def _rules() -> list[Rule]:
    upper, fore = SHARE[UPPER_ARM], SHARE[FOREARM]
    right: list[Rule] = [
        (2, {1: 2.0, 5: -1.0}),  # shoulder: the other one mirrored at the neck
        (8, {11: 1.0, 2: HIP_WIDTH, 5: -HIP_WIDTH}),  # hip: beside the other one, as the shoulders lie
        (3, {2: fore / (upper + fore), 4: upper / (upper + fore)}),  # elbow: on the way to the wrist
        (3, _below(2, UPPER_ARM)),  # or the arm hangs
        (4, {3: 1 + fore / upper, 2: -fore / upper}),  # wrist: the arm is straight
        (9, {8: 1.0, 12: 1.0, 11: -1.0}),  # knee and ankle: as those of the other leg
        (9, _below(8, THIGH)),
        (10, {9: 1.0, 13: 1.0, 12: -1.0}),
        (10, _below(9, SHIN)),
    ]
    left = [(COCO18.flip[joint], {COCO18.flip[j]: w for j, w in weights.items()}) for joint, weights in right]
    return [(1, {2: 0.5, 5: 0.5}), *(rule for pair in zip(right, left, strict=True) for rule in pair)]


RULES = _rules()
"""In order: a guessed joint serves those after it."""


def guess_missing(pose: Pose) -> tuple[Pose, Tensor]:
    """Return poses (...) with missing joints of trunk and limbs guessed, and which ones were: (..., 18) bool.

    A guess may lie outside the photo. Never guessed: the face, which a person seen from behind does not show, and what
    nothing is known of, such as the legs of a pose without hips.
    """
    xy, seen = list(pose.xy.unbind(-2)), list(pose.visible.unbind(-1))
    for joint, weights in RULES:
        possible = torch.stack([seen[other] for other in weights], -1).all(-1) & ~seen[joint]
        place = torch.stack([weight * xy[other] for other, weight in weights.items()]).sum(0)
        xy[joint] = torch.where(possible[..., None], place, xy[joint])
        seen[joint] = seen[joint] | possible
    visible = torch.stack(seen, -1)
    return Pose(torch.stack(xy, -2), visible), visible & ~pose.visible


def joint_names(chosen: Tensor) -> tuple[str, ...]:
    """Return the names of the joints chosen in (..., 18) bool, in any of a batch, in the skeleton's order."""
    some = chosen.reshape(-1, len(COCO18)).any(0).tolist()
    return tuple(name for name, there in zip(COCO18.joints, some, strict=True) if there)
