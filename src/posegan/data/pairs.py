"""Which photo becomes which: ordered pairs, pair files and the train/validation split. It opens no photo.

A pair is (source name, target name). Every rule here is a function of the names alone, so that a split is the same on
every machine and whatever the order of the files.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, permutations
from pathlib import Path

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.files import PAIRS_REMEDY, read_text, write_text
from posegan.people import Identity, identity_of, wearer
from posegan.pose import Pose

Pair = tuple[str, str]

VALIDATION_PEOPLE = 50
VALIDATION_PAIRS = 2000


def people_of(names: Sequence[str], valid: Tensor, identity: Identity = identity_of) -> dict[str, list[int]]:
    """Return {person: indices of the photos that may be in a pair}, both in the order of `names`; valid: (N,) bool."""
    people: dict[str, list[int]] = {}
    for index, (name, usable) in enumerate(zip(names, valid.tolist(), strict=True)):
        person = identity(name) if usable else None
        if person is not None:
            people.setdefault(person, []).append(index)
    return people


def index_pairs(groups: Iterable[Sequence[int]]) -> Tensor:
    """Return all ordered pairs within each group as (P, 2) int32."""
    flat = chain.from_iterable(chain.from_iterable(permutations(group, 2)) for group in groups)
    return torch.tensor(list(flat), dtype=torch.int32).view(-1, 2)


def make_pairs(annotations: Mapping[str, Pose], identity: Identity = identity_of) -> list[Pair]:
    """Return all ordered pairs of photos of one person in annotation order, as in the released Deformable GAN code.

    Only people with both shoulders and both hips visible (`Pose.valid`) are paired, and no distractors.
    """
    if not annotations:
        return []
    names = list(annotations)
    people = people_of(names, Pose.stack(list(annotations.values())).valid, identity)
    return [(names[a], names[b]) for group in people.values() for a, b in permutations(group, 2)]


def read_pairs(path: str | Path) -> list[Pair]:
    """Return the pairs of a CSV with the header `from,to`; raises UserError with file and line on anything else."""
    path = Path(path)
    rows = csv.reader(io.StringIO(read_text(path, PAIRS_REMEDY), newline=""))
    pairs = []
    try:
        if [field.strip() for field in next(rows, [])] != ["from", "to"]:
            raise UserError(f"{path}, line 1: a pairs CSV starts with the header 'from,to': add it.")
        for row in rows:
            fields = [field.strip() for field in row]
            if len(fields) == 2 and all(fields):
                pairs.append((fields[0], fields[1]))
            elif any(fields):
                raise UserError(
                    f"{path}, line {rows.line_num}: expected two photo names, got {row}: mend or delete the line."
                )
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: {error}; mend or delete the line.") from error
    return pairs


def write_pairs(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Write a pairs CSV with the header `from,to`, whole or not at all."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(chain([("from", "to")], pairs))
    write_text(Path(path), out.getvalue())


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def validation_identities(identities: Iterable[str], count: int | None = None) -> frozenset[str]:
    """Return the identities held out for validation: those of the people whose names have the smallest sha256.

    identities: those with at least one pair. count: of how many people; by default a tenth, at most 50, so that the 741
    of Market-1501 give 50 and fewer than ten people give none. All garments of a person go with them.
    """
    identities = set(identities)
    ranked = sorted({wearer(identity) for identity in identities}, key=_rank)
    people = set(ranked[: min(VALIDATION_PEOPLE, len(ranked) // 10) if count is None else count])
    return frozenset(identity for identity in identities if wearer(identity) in people)


def fixed_pairs(pairs: Sequence[Pair], count: int = VALIDATION_PAIRS) -> list[Pair]:
    """Return the `count` pairs with the smallest sha256 of "from,to", smallest first: any first k are a fair sample."""
    return sorted(pairs, key=lambda pair: _rank(",".join(pair)))[:count]


def split_pairs(pairs: Sequence[Pair], identity: Identity = identity_of) -> tuple[list[Pair], list[Pair]]:
    """Return (training pairs, fixed validation pairs) with no person in both; see `validation_identities`."""
    person = {name: identity(name) or "" for name in {source for source, _ in pairs}}
    held_out = validation_identities(person.values())
    train = [pair for pair in pairs if person[pair[0]] not in held_out]
    return train, fixed_pairs([pair for pair in pairs if person[pair[0]] in held_out])
