"""`Batch`: the one value that travels from the data to the models. It knows no file and no model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.pose import Pose, Size


@dataclass(frozen=True, eq=False)
class Batch:
    """B pairs of photos of the same person with their poses.

    source_image, target_image: (B, 3, H, W) float in [-1, 1].
    source_pose, target_pose: poses of batch shape (B,), in pixels of the (H, W) frame.
    source_names, target_names: B file names each, for reports.
    """

    source_image: Tensor
    target_image: Tensor
    source_pose: Pose
    target_pose: Pose
    source_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.source_image)

    @property
    def size(self) -> Size:
        """(H, W) of both photos."""
        height, width = self.source_image.shape[-2:]
        return height, width

    def __getitem__(self, part: slice) -> Batch:
        return Batch(
            self.source_image[part],
            self.target_image[part],
            self.source_pose[part],
            self.target_pose[part],
            self.source_names[part],
            self.target_names[part],
        )

    def self_reconstruction(self, share: float = 1.0) -> Batch:
        """Return the batch in which the source photo of the first pairs, a share of all, is its own target."""
        own = round(share * len(self))
        source, target = self.source_pose, self.target_pose
        return Batch(
            self.source_image,
            torch.cat([self.source_image[:own], self.target_image[own:]]),
            source,
            Pose(
                torch.cat([source.xy[:own], target.xy[own:]]), torch.cat([source.visible[:own], target.visible[own:]])
            ),
            self.source_names,
            self.source_names[:own] + self.target_names[own:],
        )

    def to(self, device: torch.device | str, *, channels_last: bool = False) -> Batch:
        """Return the batch on another device, its images in channels-last memory order if asked."""
        order = torch.channels_last if channels_last else torch.contiguous_format

        def move(image: Tensor) -> Tensor:
            return image.to(device, non_blocking=True, memory_format=order)

        return Batch(
            move(self.source_image),
            move(self.target_image),
            self.source_pose.to(device, non_blocking=True),
            self.target_pose.to(device, non_blocking=True),
            self.source_names,
            self.target_names,
        )
