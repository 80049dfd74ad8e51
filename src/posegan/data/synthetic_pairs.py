"""`SyntheticPoseDataset`: synthetic people as pairs. The pictures are made in data/synthetic/."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from posegan.data.assemble import Split, check_split, choose_pairs, keep_inside
from posegan.data.dataset import PosePairDataset
from posegan.data.photos import MEMORY, DecodedPhotos, PhotoSource, in_memory
from posegan.data.report import DataReport
from posegan.data.synthetic import SyntheticPeople
from posegan.errors import UserError
from posegan.pose import Pose, Size

RENDER_CHUNK = 64  # pictures rendered at a time


class SyntheticPhotos:
    """Synthetic people as a photo source: each read renders."""

    def __init__(self, people: SyntheticPeople) -> None:
        self.people = people
        self.names = people.names
        self.size: Size = people.size

    def read(self, indices: Tensor) -> Tensor:
        """Return the pictures (n,) int as (n, 3, H, W) uint8."""
        return self.people.read(indices.tolist())


class SyntheticPoseDataset(PosePairDataset):
    """Pairs of synthetic people, split by identity: a tenth of the people, at most 50, are for validation.

    people: what to render. memory: if all pictures fit into so many bytes they are rendered now, once; otherwise each
    read renders. split: "train", "validation" or "train+validation"; another seed of the people is a test set.
    maps: whether items carry heatmaps. Raises UserError if there is no pair.
    """

    def __init__(
        self, people: SyntheticPeople | None = None, split: Split = "train", maps: bool = True, memory: int = MEMORY
    ) -> None:
        check_split(split)
        if split == "test":
            raise UserError("Synthetic people have no test split: use people of another seed with 'train+validation'.")
        people, report = people or SyntheticPeople(), DataReport()
        photos, poses = _everybody(people, memory)
        poses = keep_inside(poses, people.names, people.size, report)
        chosen = choose_pairs(people.names, poses, people.identity_of, split, None, report)
        super().__init__(photos, poses, chosen, maps=maps, report=report)


@functools.lru_cache(maxsize=1)  # the training and validation splits of one `people` share their pictures
def _everybody(people: SyntheticPeople, memory: int) -> tuple[PhotoSource, Pose]:
    photos = in_memory(SyntheticPhotos(people), memory)
    return photos, _rendered(people, photos) if isinstance(photos, DecodedPhotos) else _posed(people)


def _posed(people: SyntheticPeople) -> Pose:
    return Pose.stack(list(people.annotations().values()))


def _rendered(people: SyntheticPeople, photos: DecodedPhotos) -> Pose:
    """Render everybody into `photos` and return the poses (N,)."""
    poses = []
    for indices in torch.split(torch.arange(len(people.names)), RENDER_CHUNK):
        sample = people.sample(indices.tolist())
        photos.keep(indices, sample.image)
        poses.append(sample.pose)
    return Pose(torch.cat([p.xy for p in poses]), torch.cat([p.visible for p in poses]))
