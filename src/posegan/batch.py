"""`Batch`: the one value that travels from the data to the models. It knows no file and no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from posegan.people import identity_of, wearer
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

    def strangers(self) -> list[int] | None:
        """Return for each pair the nearest one before it, around the end, that shows another person, by their names.

        None if there is no other. Pairs without names count as of different people.
        """
        names = self.source_names or tuple(map(str, range(len(self))))
        people = [wearer(identity_of(name) or name) for name in names]
        if len(set(people)) < 2:
            return None
        count = len(people)
        order = []
        for place, own in enumerate(people):
            order.append(next((place - step) % count for step in range(1, count) if people[place - step] != own))
        return order

    def self_reconstruction(self, own: Sequence[bool] | None = None) -> Batch:
        """Return the batch in which the source photo of pairs chosen by `own`, of all by default, is its target too."""
        if own is None:
            own = [True] * len(self)
        source, target = self.source_pose, self.target_pose

        def chosen(of_source: Tensor, of_target: Tensor) -> Tensor:
            rows = zip(own, of_source.split(1), of_target.split(1), strict=True)
            return torch.cat([one if is_own else other for is_own, one, other in rows])

        names = zip(own, self.source_names, self.target_names, strict=False)  # there may be none
        return replace(
            self,
            target_image=chosen(self.source_image, self.target_image),
            target_pose=Pose(chosen(source.xy, target.xy), chosen(source.visible, target.visible)),
            target_names=tuple(one if is_own else other for is_own, one, other in names),
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
