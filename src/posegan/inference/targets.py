"""Target poses for the person of one photo: guessed where asked, given that person's limb lengths, kept in the frame.

What a body's limb lengths are is estimated in posegan.pose.retarget. Evaluation and pair lists never come here: there
the target pose is that of the target photo, as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posegan.pose import Pose, Size
from posegan.pose.missing import guess_missing, joint_names
from posegan.pose.retarget import FACE, estimate_build, retarget

ANKLES, HIPS, NECK = (10, 13), (8, 11), (1,)
CROWN = 0.1  # of a body's height (`Build.height`): from the highest joint of the face to the top of the head
SMALLEST = 0.7  # of the height, at most so much smaller is made whose head would leave the photo


def with_guesses(pose: Pose, frame: Size | None) -> tuple[Pose, tuple[str, ...]]:
    """Return poses (...) with missing joints guessed where they lie in their (H, W) frame, and those joints' names."""
    made, guessed = guess_missing(pose)
    if frame is not None:
        guessed = guessed & made.inside(frame).visible
    return Pose(made.xy, pose.visible | guessed), joint_names(guessed)


def fit_body(target: Pose, source: Pose, size: Size) -> Pose:
    """Return the poses (T,) of one person of an (H, W) frame with the limb lengths of the person of `source` ().

    Place and height stay those of the target; where longer limbs would leave the frame all poses move back together,
    as far as they fit. Joints still outside are not visible.
    """
    return _kept_inside(retarget(target, estimate_build(target, together=True), estimate_build(source)), size, (-3, -2))


def fit_bodies(targets: Pose, sources: Pose, size: Size) -> Pose:
    """Return the poses (B,) of B people with the limb lengths of B others, each for itself as in `fit_body`."""
    return _kept_inside(retarget(targets, estimate_build(targets), estimate_build(sources)), size, (-2,))


def _kept_inside(pose: Pose, size: Size, together: tuple[int, ...]) -> Pose:
    """Move poses (..., 18, 2) back into an (H, W) frame where they fit; those along `together` move alike."""
    hidden = ~pose.visible[..., None]
    low = pose.xy.masked_fill(hidden, torch.inf).amin(together, keepdim=True)
    high = pose.xy.masked_fill(hidden, -torch.inf).amax(together, keepdim=True)
    last = pose.xy.new_tensor([size[1] - 1, size[0] - 1])
    move = (-low).clamp(min=0) - (high - last).clamp(min=0)
    fits = (high - low <= last) & high.isfinite()
    return Pose(pose.xy + torch.where(fits, move, 0.0), pose.visible).inside(size)


def place_on(target: Pose, source: Pose, *, limbs: bool = True) -> Pose:
    """Return the poses (T,) of one person where the person of `source` () stands, and as tall, in that photo's pixels.

    The lowest ankle, of several poses the median of theirs, stands at the height of the source's lowest, the hips are
    on the average above the same spot; without ankles or hips in both, what comes next inwards decides. Where the head
    of a person seen from head to foot would leave the photo at its top, all are as much smaller, to SMALLEST at most.
    limbs: change limb lengths to the source's.
    """
    own, wanted = estimate_build(target, together=True), estimate_build(source)
    made = retarget(target, own, wanted) if limbs else target
    known = (own.height > 0) & (wanted.height > 0)
    scale = torch.where(known, wanted.height / own.height, 1.0)
    made = Pose(made.xy * scale, made.visible)
    sources = Pose.stack([source])
    move = torch.stack([_gap(made, sources, (HIPS, NECK), 0), _gap(made, sources, (ANKLES, HIPS, NECK), 1)])
    return _below_the_top(Pose(made.xy + move, made.visible), sources, CROWN * float(wanted.height))


def _below_the_top(poses: Pose, source: Pose, crown: float) -> Pose:
    """Return poses (T,) made smaller above their feet, if their heads rise above a photo that shows the source's (1,).

    crown: how far a head goes on above the highest joint of its face; a photo that cuts the source's off may do so.
    """
    feet = source.xy[:, ANKLES][source.visible[:, ANKLES]]
    own, faces = (p.xy[:, FACE, 1][p.visible[:, FACE]] for p in (source, poses))
    if not (len(feet) and len(own) and len(faces)):
        return poses
    foot, highest = feet[feet[:, 1].argmax()], max(min(float(own.min()), crown), 0.0)
    factor = float(((foot[1] - highest) / (foot[1] - faces.min()).clamp(min=1)).clamp(SMALLEST, 1))
    return Pose(foot + (poses.xy - foot) * factor, poses.visible)


def fit_in_place(target: Pose, source: Pose, size: Size, *, limbs: bool = True) -> Pose:
    """Return the poses (T,) as `place_on`, in the (H, W) frame of the source's photo and moved back into it."""
    return _kept_inside(place_on(target, source, limbs=limbs), size, (-3, -2))


def _gap(moving: Pose, fixed: Pose, anchors: tuple[tuple[int, ...], ...], axis: int) -> Tensor:
    """Return how far to move along an axis for the first anchor that both have to coincide."""
    for joints in (*anchors, tuple(range(18))):
        there = [pose.visible[:, joints] for pose in (fixed, moving)]
        if all(bool(seen.any()) for seen in there):
            if joints == ANKLES:
                goal, start = (_lowest(pose, joints) for pose in (fixed, moving))
            else:
                seen = zip((fixed, moving), there, strict=True)
                goal, start = (pose.xy[:, joints, axis][shown].mean() for pose, shown in seen)
            return goal - start
    return moving.xy.new_zeros(())


def _lowest(poses: Pose, joints: tuple[int, ...]) -> Tensor:
    """Return how low (y) the lowest of some joints is, the median of the poses (T,) that show one."""
    low = poses.xy[:, joints, 1].masked_fill(~poses.visible[:, joints], -torch.inf).amax(1)
    return low[low.isfinite()].median()
