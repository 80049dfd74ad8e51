"""The 18-joint skeleton: names, order, edges, left/right pairs. Coordinates are not known here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """A named set of joints: their order is the channel order of every heatmap and keypoint array."""

    name: str
    joints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]  # pairs of joint indices that drawings connect
    flip: tuple[int, ...]  # flip[j] is the joint that j becomes in a mirrored photo

    def index(self, joint: str) -> int:
        """Return the index of a joint name; raises ValueError if there is none of that name."""
        return self.joints.index(joint)

    @property
    def parents(self) -> tuple[int, ...]:
        """The joint that each joint hangs on, -1 for the neck: edges run outwards, the first to a joint counts."""
        inner = {end: start for start, end in reversed(self.edges)}
        return tuple(inner.get(joint, -1) for joint in range(len(self)))

    def __len__(self) -> int:
        return len(self.joints)


_JOINTS = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip


def _mirrored(name: str) -> str:
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return "right_" + name.removeprefix("left_") if name.startswith("left_") else name


COCO18 = Skeleton(
    name="coco18",
    joints=_JOINTS,
    edges=(
        (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
        (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
    ),
    flip=tuple(_JOINTS.index(_mirrored(name)) for name in _JOINTS),
)  # fmt: skip
"""OpenPose's 18 joints in OpenPose's order: the skeleton of the Market-1501 and DeepFashion annotations."""
