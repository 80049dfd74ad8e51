"""Do the joints detected on generated photos lie where the target's joints are? PCKh and the distance in pixels.

It detects nothing itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.errors import unknown_name
from posegan.pose import Pose

HEAD = (0, 1, 14, 15, 16, 17)  # nose, neck, eyes, ears: their extent is the head box
RULES = ("paper", "euclidean")


def pckh(predicted: Pose, target: Pose, rule: str = "paper") -> tuple[Tensor, Tensor]:
    """Return two (B,) counts: target joints that were found, target joints that count; PCKh is the ratio of the sums.

    predicted, target: poses of batch shape (B,) in pixels of the same frame. A joint is found if it is visible in both
    and, by rule "paper" (the code of PATN and APS), |dx| < w/2 and |dy| < h/2 with (w, h) the extent of the target's
    visible head joints; by rule "euclidean", if its distance is below half the diagonal of that box. All comparisons
    are strict. A target with fewer than two head joints is left out: both of its counts are 0.
    Raises UserError for an unknown rule, ValueError for poses of different shape.
    """
    if rule not in RULES:
        raise unknown_name("PCKh rule", rule, RULES)
    _require_batches(predicted, target)
    box, measured = _head_box(target)  # (B, 2), (B,)
    gap = (predicted.xy - target.xy).abs()  # (B, J, 2)
    per_axis = (gap < 0.5 * box[:, None]).all(-1)  # (B, J)
    near = per_axis if rule == "paper" else gap.norm(dim=-1) < 0.5 * box.norm(dim=-1)[:, None]
    counted = target.visible & measured[:, None]  # (B, J)
    return (near & predicted.visible & counted).sum(-1), counted.sum(-1)


def keypoint_distance(predicted: Pose, target: Pose) -> tuple[Tensor, Tensor]:
    """Return the (B,) sums of distances in pixels over the joints visible in both poses, and the (B,) joint counts.

    The ratio of the sums is a data set's keypoint distance; lower is better. A joint that the detector does not see
    is not counted, so read it beside PCKh. Raises ValueError for poses of different shape.
    """
    _require_batches(predicted, target)
    both = predicted.visible & target.visible  # (B, J)
    gap = (predicted.xy - target.xy).norm(dim=-1)
    return torch.where(both, gap, 0.0).sum(-1), both.sum(-1)


def _require_batches(predicted: Pose, target: Pose) -> None:
    if predicted.visible.shape != target.visible.shape or len(target.batch_shape) != 1:
        shapes = f"{tuple(predicted.batch_shape)} and {tuple(target.batch_shape)}"
        raise ValueError(f"expected two poses of batch shape (B,), got {shapes}")


def _head_box(pose: Pose) -> tuple[Tensor, Tensor]:
    """(B, 2) width and height of the visible head joints, and (B,) bool: at least two of them are visible."""
    xy, visible = pose.xy[:, HEAD], pose.visible[:, HEAD]
    high = xy.masked_fill(~visible[..., None], float("-inf")).amax(1)
    low = xy.masked_fill(~visible[..., None], float("inf")).amin(1)
    return (high - low).clamp(min=0), visible.sum(-1) >= 2
