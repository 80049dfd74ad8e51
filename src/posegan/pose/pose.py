"""`Pose`: joint coordinates with visibility, any batch shape, and the changes of frame that a photo undergoes.

It does not read files (pose/io.py) and makes no heatmaps (pose/heatmap.py). There is no sentinel coordinate here: a
joint that is not visible has coordinates 0 and must be told apart by `visible`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.pose.skeleton import COCO18

Size = tuple[int, int]  # (H, W) in pixels

TORSO = (8, 11, 5, 2)  # right hip, left hip, left shoulder, right shoulder


@dataclass(frozen=True, eq=False)
class Pose:
    """Joints of one person or of a batch of people, in pixels of one frame; the first pixel's centre is (0, 0).

    xy: (..., 18, 2) float32, (x, y); exactly 0 where the joint is not visible (the constructor sees to it).
    visible: (..., 18) bool.
    Raises ValueError if the two shapes do not belong together.
    """

    xy: Tensor
    visible: Tensor

    def __post_init__(self) -> None:
        if self.xy.shape != (*self.visible.shape, 2) or self.visible.shape[-1:] != (len(COCO18),):
            raise ValueError(
                f"a pose needs xy (..., {len(COCO18)}, 2) and visible (..., {len(COCO18)}), "
                f"got {tuple(self.xy.shape)} and {tuple(self.visible.shape)}"
            )
        visible = self.visible.bool()
        object.__setattr__(self, "visible", visible)
        object.__setattr__(self, "xy", torch.where(visible[..., None], self.xy.float(), 0.0))

    @property
    def batch_shape(self) -> torch.Size:
        """The shape in front of the joints: () for one person, (B,) for a batch."""
        return self.visible.shape[:-1]

    @property
    def valid(self) -> Tensor:
        """(...,) bool: both shoulders and both hips are visible, which every pair of the published protocols needs."""
        return self.visible[..., list(TORSO)].all(-1)

    def __len__(self) -> int:
        return len(self.visible)

    def __getitem__(self, index: int | slice | Tensor) -> Pose:
        return Pose(self.xy[index], self.visible[index])

    @classmethod
    def stack(cls, poses: Sequence[Pose]) -> Pose:
        """Join poses of equal batch shape along a new first dimension."""
        return cls(torch.stack([p.xy for p in poses]), torch.stack([p.visible for p in poses]))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Pose:
        """Return the pose on another device."""
        return Pose(self.xy.to(device, non_blocking=non_blocking), self.visible.to(device, non_blocking=non_blocking))

    def resize(self, old: Size, new: Size) -> Pose:
        """Return the pose in the frame resized from `old` to `new`, both (H, W): pixel areas scale, not centres."""
        scale = self.xy.new_tensor([new[1] / old[1], new[0] / old[0]])
        return Pose((self.xy + 0.5) * scale - 0.5, self.visible)

    def crop(self, left: float, top: float) -> Pose:
        """Return the pose in the frame whose first pixel is the old frame's (left, top); no joint is dropped."""
        return Pose(self.xy - self.xy.new_tensor([left, top]), self.visible)

    def inside(self, size: Size) -> Pose:
        """Return the pose with every joint outside the (H, W) frame made not visible."""
        x, y = self.xy.unbind(-1)
        within = (x > -0.5) & (x < size[1] - 0.5) & (y > -0.5) & (y < size[0] - 0.5)
        return Pose(self.xy, self.visible & within)

    def outside(self, size: Size) -> Tensor:
        """Return which joints (..., 18) are visible outside the (H, W) frame."""
        return self.visible & ~self.inside(size).visible

    def flip(self, width: int) -> Pose:
        """Return the pose of the mirrored photo of that width: x turns round and left and right joints swap."""
        order = list(COCO18.flip)
        x, y = self.xy[..., order, :].unbind(-1)
        return Pose(torch.stack([width - 1 - x, y], -1), self.visible[..., order])
