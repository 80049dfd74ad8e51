"""People to try the page with: synthetic ones, drawn when they are first asked for. No photo of anybody."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

import torch

from posegan.app.photos import Photo, Source
from posegan.app.refusal import RefusedError
from posegan.data import SyntheticPeople
from posegan.inference.demo import IDENTITIES, SOURCES
from posegan.pose import Size


class Examples:
    """Synthetic people of one size (H, W), the same ones as in the demo; safe for several threads."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._drawn: list[Photo] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(IDENTITIES)

    def get(self, number: int) -> Photo:
        """Return a photo of person `number` with its joints, one that nobody else holds; raises RefusedError beyond."""
        if not 0 <= number < len(self):
            raise RefusedError(f"There are {len(self)} examples, numbered from 0.", 404)
        with self._lock:
            if not self._drawn:
                self._drawn = _draw(self._size)
        return replace(self._drawn[number])


def _draw(size: Size) -> list[Photo]:
    identity = torch.tensor(IDENTITIES)
    seeds = torch.tensor([SOURCES[i % len(SOURCES)] for i in range(len(IDENTITIES))])
    people = SyntheticPeople(1, size).render(identity, seeds[:, 0], seeds[:, 1], identity)
    poses = people.pose.inside(size)
    return [
        Photo(image, size, f"synthetic person {number}, no photo", Source(poses[i]), drawn=True)
        for i, (image, number) in enumerate(zip(people.image, IDENTITIES, strict=True))
    ]
