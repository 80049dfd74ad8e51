"""Which data set a folder is, by what it holds: one argument on the command line stands for all of them.

The data sets themselves are in posegan.data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from posegan.data import DeepFashionPoseDataset, MarketPoseDataset, PhotoFolderDataset, PosePairDataset, SyntheticPairDataset
from posegan.data.assemble import Split
from posegan.errors import UserError
from posegan.pose import Size

Kind = Literal["synthetic", "market", "deepfashion", "folder"]


def kind_of(where: str | Path) -> Kind:
    """Return the kind of data set; raises UserError if there is no such folder."""
    if str(where) == "synthetic":
        return "synthetic"
    root = Path(where)
    if not root.is_dir():
        raise UserError(f"There is no folder {root}: give the folder of a data set, or 'synthetic'.")
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
    "validation". Raises UserError if files are missing or malformed.
    """
    kind = kind_of(where)
    if kind == "synthetic":
        if pairs is not None:
            raise UserError("Synthetic people have no photos that a pairs file could name: leave --pairs out.")
        return SyntheticPairDataset(size, split or "validation", maps=False)
    if kind == "market":
        return MarketPoseDataset(where, split or "test", pairs=pairs, maps=False)
    if kind == "deepfashion":
        return DeepFashionPoseDataset(where, size=size, split=split or "test", pairs=pairs, maps=False)
    return PhotoFolderDataset(where, size=size, split=split or "validation", pairs=pairs, maps=False)
