"""Which data set a folder is, by what it holds: one argument on the command line stands for all of them.

The data sets themselves are in posegan.data.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import torch

from posegan.data import (
    DeepFashionPoseDataset,
    MarketPoseDataset,
    NoPairsError,
    PhotoFolderDataset,
    PosePairDataset,
    SyntheticPeople,
    SyntheticPoseDataset,
)
from posegan.data.assemble import Split
from posegan.data.pairs import fixed_pairs
from posegan.errors import UserError
from posegan.files import DATA_REMEDY, PAIRS_REMEDY, require_folder, require_readable
from posegan.pose import Size

TEST_PEOPLE, TEST_SEED = 32, 1_000_003  # synthetic people to measure with; training uses small seeds

Kind = Literal["synthetic", "market", "deepfashion", "folder"]


def kind_of(where: str | Path) -> Kind:
    """Return the kind of data set; raises UserError if there is no such folder."""
    if str(where) == "synthetic":
        return "synthetic"
    root = Path(where)
    require_folder(root, DATA_REMEDY)
    if any(root.glob("market-annotation-*.csv")):
        return "market"
    if any(root.glob("fashion-*annotation-*.csv")) or any(root.glob("fasion-*annotation-*.csv")):
        return "deepfashion"
    return "folder"


def open_data(
    where: str | Path, size: Size, pairs: str | Path | None = None, split: Split | None = None
) -> PosePairDataset:
    """Return the pairs of a data set: a folder in the layout of Market-1501, DeepFashion or one folder a person.

    where: the folder, or "synthetic". size: (H, W) of the photos, where the data set leaves a choice.
    pairs: a CSV of pairs to use instead of the split's own. split: by default "test" if the data set has one, else
    "validation"; a photo folder with too few people for a split gives all of them, synthetic people have none.
    Raises UserError if files are missing or malformed.
    """
    kind = kind_of(where)
    if kind == "synthetic":
        if pairs is not None:
            raise UserError("Synthetic people have no photos that a pairs file could name: leave the pairs out.")
        if split is not None:
            raise UserError("Synthetic people are measured on a fixed crowd of their own: leave the split out.")
        return _synthetic(size)
    if pairs is not None:
        require_readable(Path(pairs), PAIRS_REMEDY)
    try:
        return _from_folder(kind, Path(where), size, pairs, split)
    except NoPairsError as error:
        if pairs is None:
            raise
        raise UserError(f"{pairs} names no two photos that {where} holds with keypoints: give another list.") from error


def require_size(data: PosePairDataset, size: Size) -> None:
    """Raise UserError if the photos of a data set are not as large, (H, W), as those that weights are for."""
    if data.size != size:
        made, found = (f"{height}x{width}" for height, width in (size, data.size))
        raise UserError(f"The weights are for photos of {made} (height x width), the data has {found}: choose others.")


def named_pairs(pairs: str | Path | None, split: Split | None) -> str:
    """Return in words which list of pairs `open_data` gives."""
    own = "the data set's own" + (f" for {split}" if split else "")
    return str(pairs) if pairs else own


def _from_folder(kind: Kind, root: Path, size: Size, pairs: str | Path | None, split: Split | None) -> PosePairDataset:
    if kind == "market":
        return MarketPoseDataset(root, split or "test", pairs=pairs, maps=False)
    if kind == "deepfashion":
        return DeepFashionPoseDataset(root, size=size, split=split or "test", pairs=pairs, maps=False)
    try:
        return PhotoFolderDataset(root, size=size, split=split or "validation", pairs=pairs, maps=False)
    except NoPairsError:
        if split is not None or pairs is not None:
            raise
        everybody = PhotoFolderDataset(root, size=size, split="train+validation", maps=False)
        sys.stderr.write(f"{root} has too few people to hold some out: these are all its pairs, also for training.\n")
        return everybody


def _synthetic(size: Size) -> PosePairDataset:
    """Return pairs of people that no training has seen, in an order whose first k are a fair sample."""
    people = SyntheticPoseDataset(SyntheticPeople(TEST_PEOPLE, size, seed=TEST_SEED), "train+validation", maps=False)
    place = {name: i for i, name in enumerate(people.names)}
    chosen = [(place[a], place[b]) for a, b in fixed_pairs(people.pair_names(), len(people))]
    return PosePairDataset(people.photos, people.poses, torch.tensor(chosen), maps=False, report=people.report)
