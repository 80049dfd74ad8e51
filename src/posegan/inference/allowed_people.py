"""Which people of a data set may be multiplied: never test people, validation people only when asked for.

Pictures of test people in a training set would make every score measured with them worthless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from posegan.data import PosePairDataset
from posegan.data.cache import list_photos
from posegan.data.pairs import people_of, validation_identities
from posegan.errors import UserError
from posegan.inference.open_data import kind_of, open_data
from posegan.people import Identity, folder_identity, market_identity
from posegan.pose import Size
from posegan.pose.io import load_annotations

AllowedSplit = Literal["train", "train+validation"]
ALLOWED: tuple[AllowedSplit, ...] = ("train", "train+validation")


@dataclass(frozen=True)
class AllowedPeople:
    """A data set and {person: indices of their photos with a whole torso}, people in alphabetical order.

    kind: "market" or "folder".
    """

    dataset: PosePairDataset
    people: Mapping[str, Sequence[int]]
    kind: str


def allowed_people(
    data: str | Path, size: Size, split: AllowedSplit = "train", wanted: Sequence[str] | None = None
) -> AllowedPeople:
    """Return the people of a Market-1501 folder, or of a folder of people, who may be augmented.

    wanted: only these people. Raises UserError if one of them is a test or validation person or is not there, if a
    test person's photo lies among the training photos, or as `open_data`.
    """
    kind = kind_of(data)
    if kind not in ("market", "folder"):
        raise UserError(
            f"{data} has the layout {kind!r}: augment takes Market-1501's, or a folder with a folder for each person."
        )
    identity = market_identity if kind == "market" else folder_identity
    dataset = open_data(data, size, split="train+validation")
    everybody = people_of(dataset.names, dataset.poses.valid, identity)
    test = _test_people(Path(data), identity) if kind == "market" else frozenset()
    both = sorted(test & everybody.keys())
    if both:
        raise UserError(
            f"{dataset.names[everybody[both[0]][0]]} is a training photo of the test person {both[0]}: move it away."
        )
    held_out: frozenset[str] = frozenset()
    if split == "train":
        held_out = validation_identities(person for person, photos in everybody.items() if len(photos) > 1)
    for person in wanted or ():
        if person in test:
            raise UserError(f"{person} is a test person and is never augmented: leave them out.")
        if person in held_out:
            raise UserError(f"{person} is a validation person: leave them out, or take the split train+validation.")
        if person not in everybody:
            raise UserError(f"{data} has no training photo of a person {person!r} with both shoulders and both hips.")
    people = {person: everybody[person] for person in sorted(everybody) if person not in held_out}
    if len(people) < 2:
        raise UserError(f"{data} has {len(people)} people of the split {split!r}: poses come from others, give two.")
    return AllowedPeople(dataset, people, kind)


def _test_people(root: Path, identity: Identity) -> frozenset[str]:
    """Return everybody in the test photos and their annotations, as far as they are there."""
    names: list[str] = []
    if (root / "market-annotation-test.csv").is_file():
        names += load_annotations(root / "market-annotation-test.csv")
    for folder in ("bounding_box_test", "test", "query"):
        if (root / folder).is_dir():
            names += [name.rpartition("/")[2] for name in list_photos(root / folder)]
    return frozenset(person for name in names if (person := identity(name)) is not None)
