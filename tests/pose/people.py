"""Random people for the tests of this folder: anything goes, as long as it is a `Pose`."""

import torch
from hypothesis import strategies as st

from posegan.pose import Pose, Size
from posegan.pose.pose import TORSO

FRAME = (128, 64)


def random_people(count: int, seed: int, frame: Size = FRAME, seen: float = 0.8, whole: bool = False) -> Pose:
    """Return `count` people with joints anywhere in the frame, `seen` of them visible; whole: on whole pixels.

    The four torso joints are always visible.
    """
    generator = torch.Generator().manual_seed(seed)
    xy = torch.rand(count, 18, 2, generator=generator) * torch.tensor([frame[1] - 1.0, frame[0] - 1.0])
    visible = torch.rand(count, 18, generator=generator) < seen
    visible[:, list(TORSO)] = True
    return Pose(xy.round() if whole else xy, visible)


def without(pose: Pose, *joints: int) -> Pose:
    """Return the pose with some joints made not visible."""
    visible = pose.visible.clone()
    visible[..., list(joints)] = False
    return Pose(pose.xy, visible)


@st.composite
def poses(draw: st.DrawFn, largest: int = 127) -> Pose:
    """Draw one person on whole pixels: few distinct values, so coincident and collinear joints are common."""
    numbers = st.integers(min(-8, -largest // 8), largest)
    xy = draw(st.lists(st.tuples(numbers, numbers), min_size=18, max_size=18))
    visible = draw(st.lists(st.booleans(), min_size=18, max_size=18))
    return Pose(torch.tensor(xy, dtype=torch.float32), torch.tensor(visible))
