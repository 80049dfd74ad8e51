"""`PosePairDataset`: photos, poses and pairs behind one machine that makes batches. It knows no folder layout.

The data sets (market.py, deepfashion.py, folder.py, people.py) only find the pieces and hand them to this class.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

from posegan.batch import Batch
from posegan.data.photos import PhotoSource, SizeMismatchError
from posegan.data.report import DataReport
from posegan.errors import UserError
from posegan.images import to_signed
from posegan.pose import Pose, Size
from posegan.pose.heatmap import render_heatmap

VERIFY_CHUNK = 256  # photos decoded at a time by `verify`

# torch's DataLoader then batches the items of a data set as they are
default_collate_fn_map[Pose] = lambda batch, *, collate_fn_map=None: Pose.stack(batch)


class NoPairsError(UserError):
    """A data set without a single pair of usable photos of one person."""


class PosePairDataset(Dataset[dict[str, Any]]):
    """Pairs of photos of one person with their poses: single items for the curious, whole batches for training.

    photos: a source of N photos of one size (H, W).
    poses: batch shape (N,), pixels of that frame.
    pairs: (P, 2) integers, rows (source photo, target photo).
    maps: whether items carry heatmaps; batches never do, they are made on the device.
    Raises UserError if there is no pair, ValueError if the pieces do not belong together.
    """

    def __init__(
        self, photos: PhotoSource, poses: Pose, pairs: Tensor, *, maps: bool = True, report: DataReport | None = None
    ) -> None:
        if poses.batch_shape != (len(photos.names),) or pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ValueError(f"{len(photos.names)} photos, poses {poses.batch_shape}, pairs {tuple(pairs.shape)}")
        self.photos = photos
        self.poses = poses
        self.pairs = pairs.to(torch.int32)
        self.maps = maps
        self.report = report or DataReport()
        self._require_pairs()

    def _require_pairs(self) -> None:
        self.report.totals |= {"photos": len(self.photos.names), "pairs": len(self.pairs)}
        if not len(self.pairs):
            raise NoPairsError(
                "There is no pair of photos: two photos of one person with both shoulders and both hips visible are "
                f"needed. {self.report.text()}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the N photos that `pairs` indexes."""
        return self.photos.names

    @property
    def size(self) -> Size:
        """(H, W) of every photo."""
        return self.photos.size

    def pair_names(self) -> list[tuple[str, str]]:
        """Return (source name, target name) of every pair."""
        return [(self.names[a], self.names[b]) for a, b in self.pairs.tolist()]

    def batch(self, pair_indices: Tensor, flip: Tensor | None = None) -> Batch:
        """Return the pairs (B,) int as a batch; flip: (B,) bool, pairs whose both photos are mirrored with their poses.

        Raises UserError naming a photo that cannot be read or has another size.
        """
        photo = self.pairs[pair_indices.long()].T.reshape(-1).long()  # (2B,): sources, then targets
        images, poses = self.photos.read(photo), self.poses[photo]
        if flip is not None:
            images, poses = _mirrored(images, poses, flip.repeat(2))
        signed, count = to_signed(images), len(pair_indices)
        names = [self.names[i] for i in photo.tolist()]
        return Batch(
            signed[:count],
            signed[count:],
            poses[:count],
            poses[count:],
            tuple(names[:count]),
            tuple(names[count:]),
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one pair: images (3, H, W) in [-1, 1], `Pose`s, names and, with `maps`, heatmaps (18, H, W)."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"pair {index} of {len(self)}")
        pair = self.batch(torch.tensor([index]))
        item: dict[str, Any] = {
            "source_image": pair.source_image[0],
            "target_image": pair.target_image[0],
            "source_pose": pair.source_pose[0],
            "target_pose": pair.target_pose[0],
            "source_name": pair.source_names[0],
            "target_name": pair.target_names[0],
        }
        if self.maps:
            item["source_pose_map"] = render_heatmap(item["source_pose"], self.size)
            item["target_pose_map"] = render_heatmap(item["target_pose"], self.size)
        return item

    def verify(self) -> DataReport:
        """Decode every photo once, drop the pairs of those that cannot be used, and return the report with counts.

        Raises UserError if no pair is left.
        """
        usable = torch.ones(len(self.names), dtype=torch.bool)
        for chunk in torch.split(torch.arange(len(self.names)), VERIFY_CHUNK):
            for index in self._unusable(chunk):
                usable[index] = False
        self.pairs = self.pairs[usable[self.pairs.long()].all(1)]
        self._require_pairs()
        return self.report

    def _unusable(self, chunk: Tensor) -> list[int]:
        try:
            self.photos.read(chunk)
            return []
        except UserError:
            pass  # one at least: find out which
        found = []
        for index in chunk.tolist():
            try:
                self.photos.read(torch.tensor([index]))
            except UserError as error:
                kind = "photos of another size" if isinstance(error, SizeMismatchError) else "unreadable photos"
                self.report.add(f"{kind}, left out", [str(error)])
                found.append(index)
        return found


def _mirrored(images: Tensor, poses: Pose, flip: Tensor) -> tuple[Tensor, Pose]:
    """Mirror those images (N, 3, H, W) and poses (N,) whose `flip` (N,) is True."""
    images = torch.where(flip[:, None, None, None], images.flip(-1), images)
    turned = poses.flip(images.shape[-1])
    visible = torch.where(flip[:, None], turned.visible, poses.visible)
    return images, Pose(torch.where(flip[:, None, None], turned.xy, poses.xy), visible)
