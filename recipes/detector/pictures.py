"""Where the detector's training examples come from: Market-1501's annotated photos, and synthetic people with room
around them, rendered once and kept in a file. Augmentation is in augment.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegan.data import MarketPoseDataset
from posegan.data.pairs import validation_identities
from posegan.data.synthetic import SyntheticPeople
from posegan.data.synthetic.scene import render_background
from posegan.files import atomic_writer
from posegan.images import to_bytes
from posegan.people import market_identity
from posegan.pose import Pose, Size

ROOMY: Size = (160, 112)  # of the synthetic pictures: crops of other places and sizes can be cut from them
POSES = 4  # pictures of each synthetic person
VALIDATION_SEED = 10_001  # synthetic people that no training sees
CHUNK = 32


@dataclass(frozen=True)
class Examples:
    """N pictures of one size, each with one person. photos: (N, 3, H, W) uint8. pose: batch shape (N,), in pixels."""

    photos: Tensor
    pose: Pose

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def size(self) -> Size:
        """(H, W) of the pictures."""
        return self.photos.shape[-2], self.photos.shape[-1]


def market_examples(root: Path) -> tuple[Examples, Examples]:
    """Return the annotated training photos of Market-1501: those of the training people, those of the validation's.

    Photos in which the annotator found nobody are in neither, nor are distractors.
    """
    data = MarketPoseDataset(root, "train+validation", maps=False)
    held_out = validation_identities(str(market_identity(data.names[i])) for i in data.pairs[:, 0].unique().tolist())
    people = [market_identity(name) for name in data.names]
    found = data.poses.visible.any(1).tolist()
    parts = []
    for validation in (False, True):
        rows = [i for i, person in enumerate(people) if person and found[i] and (person in held_out) == validation]
        index = torch.tensor(rows)
        parts.append(Examples(data.photos.read(index), data.poses[index]))
    return parts[0], parts[1]


def synthetic_examples(file: Path, count: int, seed: int) -> Examples:
    """Return `count` synthetic pictures of ROOMY size, from the file if it is there, else rendered and kept in it."""
    if not file.is_file():
        people = SyntheticPeople(-(-count // POSES), ROOMY, POSES, seed)
        samples = [people.sample(rows.tolist()) for rows in torch.arange(count).split(CHUNK)]
        kept = {
            "photos": torch.cat([sample.image for sample in samples]),
            "xy": torch.cat([sample.pose.xy for sample in samples]),
            "visible": torch.cat([sample.pose.visible for sample in samples]),
        }
        with atomic_writer(file) as out:
            torch.save(kept, out)
    kept = torch.load(file, weights_only=True)
    return Examples(kept["photos"], Pose(kept["xy"], kept["visible"]))


def places(seed: int, count: int) -> Tensor:
    """Return (count, 3, H, W) uint8 of ROOMY size: the surroundings of synthetic people, without them."""
    seeds = torch.arange(count) + 1_000_003 * (seed + 1)
    return torch.cat([to_bytes(render_background(part, ROOMY) * 2 - 1) for part in seeds.split(CHUNK)])
