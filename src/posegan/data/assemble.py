"""The steps that every data set on disk shares: annotations meet photos, joints meet the frame, pairs are chosen.

It knows no data set's file names: market.py, deepfashion.py and folder.py pass them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from posegan.data.cache import PackedPhotos, PackIndex, list_photos, read_index
from posegan.data.dataset import NoPairsError
from posegan.data.pairs import Pair, fixed_pairs, index_pairs, people_of, read_pairs, validation_identities
from posegan.data.photos import EncodedPhotos, Fit, PhotoFiles, photo_size
from posegan.data.report import DataReport
from posegan.data.shards import SUFFIX, ShardedPhotos, ShardIndex, read_shards
from posegan.errors import UserError, unknown_name
from posegan.people import Identity, wearer
from posegan.pose import Pose, Size
from posegan.pose.io import load_annotations

Split = Literal["train", "validation", "train+validation", "test"]
PAIRS_LEFT_OUT = "listed pairs without photo or annotation, left out"  # in a data set's report
SPLITS: tuple[Split, ...] = ("train", "validation", "train+validation", "test")


def check_split(split: str) -> None:
    """Raise UserError if there is no split of that name."""
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)


def first_existing(root: Path, names: Sequence[str], purpose: str, remedy: str) -> Path:
    """Return the first of `root / names` that exists; raises UserError naming all of them and the remedy."""
    for name in names:
        if (root / name).exists():
            return root / name
    wanted = " or ".join(str(root / name) for name in names)
    raise UserError(f"{purpose} not found: {wanted} does not exist; {remedy}")


@dataclass(frozen=True)
class PhotoStore:
    """Where the photos of a split are: a folder, or a pack or shards with their index."""

    folder: Path | None
    pack: Path | None
    index: PackIndex | ShardIndex | None = None

    @classmethod
    def find(cls, root: Path, folders: Sequence[str], pack: str | Path | None, pack_name: str) -> PhotoStore:
        """Return the pack or shards if they are given or lie in `root`, else the first folder that exists.

        pack_name: of a pack in `root`; shards are called the same but for their ending.
        """
        here = [root / pack_name, root / (pack_name.removesuffix(".pack") + SUFFIX)]
        found = Path(pack) if pack is not None else next((path for path in here if path.is_file()), None)
        if found is not None:
            return cls(None, found, read_shards(found) if found.name.endswith(SUFFIX) else read_index(found))
        remedy = f"put the photos there, or a pack of them as {here[0]}."
        return cls(first_existing(root, folders, "Photos", remedy), None)

    def names(self) -> list[str]:
        """Return the names of all photos there, without opening them."""
        if self.index is not None:
            return self.index.names
        assert self.folder is not None
        return list_photos(self.folder)

    def sizes(self, names: Sequence[str], report: DataReport) -> list[Size | None]:
        """Return the (H, W) of the photos, read from their headers; None, and counted, where there is none."""
        if self.index is not None:
            place = {name: (size[0], size[1]) for name, size in zip(self.index.names, self.index.sizes, strict=True)}
            return [place[name] for name in names]
        sizes: list[Size | None] = []
        for name in names:
            try:
                sizes.append(photo_size(f"{self.folder}/{name}"))
            except UserError as error:
                report.add("unreadable photos, left out", [str(error)])
                sizes.append(None)
        return sizes

    def open(self, names: Sequence[str], size: Size, fit: Fit | None = None) -> EncodedPhotos:
        """Return a source of those photos in that order."""
        if self.pack is not None:
            if isinstance(self.index, ShardIndex):
                return ShardedPhotos(self.pack, names, size, fit, self.index)
            return PackedPhotos(self.pack, names, size, fit, self.index)
        assert self.folder is not None
        return PhotoFiles(self.folder, names, size, fit)


def annotated_photos(annotations: Path, store: PhotoStore, report: DataReport) -> tuple[list[str], Pose]:
    """Return the names and poses (N,) of the photos that have a row and exist; counts the rows and photos that do not.

    Raises UserError if nothing is left, or from the annotation file.
    """
    rows = load_annotations(annotations)
    there = set(store.names())
    names = [name for name in rows if name in there]
    report.add("annotated photos missing, left out", [name for name in rows if name not in there])
    report.add("photos without annotation, left out", sorted(there - rows.keys()))
    if not names:
        raise UserError(f"None of the {len(rows)} photos named in {annotations} is in {store.pack or store.folder}.")
    return names, Pose.stack([rows[name] for name in names])


def count_lost_joints(before: Pose, after: Pose, names: Sequence[str], report: DataReport) -> None:
    """Count the joints of poses (N,) that are visible before and not after, once a joint under its photo's name."""
    lost = (before.visible & ~after.visible).sum(1).tolist()
    report.add(
        "joints outside the photo, made not visible",
        [name for name, count in zip(names, lost, strict=True) for _ in range(count)],
    )


def keep_inside(poses: Pose, names: Sequence[str], size: Size, report: DataReport) -> Pose:
    """Return the poses (N,) with every joint outside the frame made not visible, counting those joints."""
    inside = poses.inside(size)
    count_lost_joints(poses, inside, names, report)
    return inside


def choose_pairs(
    names: Sequence[str],
    poses: Pose,
    identity: Identity,
    split: Split,
    csv: str | Path | None,
    report: DataReport,
) -> Tensor:
    """Return the pairs (P, 2) int32 of a split: those of the file if one is given, else by the rule of pairs.py."""
    if csv is not None:
        return _listed_pairs(names, read_pairs(csv), report)
    people = people_of(names, poses.valid, identity)
    usable = sum(map(len, people.values()))
    if usable < len(names):
        paired = {i for group in people.values() for i in group}
        report.add("photos in no pair (a shoulder or hip is not visible, or a distractor)",
                   [name for i, name in enumerate(names) if i not in paired])  # fmt: skip
    report.add("people with a single usable photo, in no pair", [p for p, group in people.items() if len(group) == 1])
    people = {person: group for person, group in people.items() if len(group) > 1}
    if split in ("train", "validation"):
        held_out = validation_identities(people)
        if split == "validation" and not held_out:
            raise NoPairsError(
                f"{_count(people)} people with a pair are too few for a validation split, which takes a tenth: "
                "use the split 'train+validation'."
            )
        people = {p: group for p, group in people.items() if (p in held_out) == (split == "validation")}
    report.totals["people"] = _count(people)
    pairs = index_pairs(people.values())
    return _fixed(names, pairs) if split == "validation" else pairs


def _count(identities: Iterable[str]) -> int:
    """Return how many people there are, however many garments they wear."""
    return len(set(map(wearer, identities)))


def _fixed(names: Sequence[str], pairs: Tensor) -> Tensor:
    place = {name: i for i, name in enumerate(names)}
    chosen = fixed_pairs([(names[a], names[b]) for a, b in pairs.tolist()])
    return torch.tensor([(place[a], place[b]) for a, b in chosen], dtype=torch.int32).view(-1, 2)


def _listed_pairs(names: Sequence[str], pairs: Sequence[Pair], report: DataReport) -> Tensor:
    place = {name: i for i, name in enumerate(names)}
    known = [(place[a], place[b]) for a, b in pairs if a in place and b in place]
    unknown = [",".join(pair) for pair in pairs if pair[0] not in place or pair[1] not in place]
    report.add(PAIRS_LEFT_OUT, unknown)
    return torch.tensor(known, dtype=torch.int32).view(-1, 2)
