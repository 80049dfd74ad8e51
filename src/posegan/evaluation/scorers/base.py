"""`Scorer`: a network that scores generated photos, behind one small interface that every measurement of sets fits in.

The metrics themselves are pure functions in posegan.metrics; which files exist is found out in available.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from posegan.batch import Batch
from posegan.files import sha256_of

REAL = "real"  # the row of the target photos themselves: set scores are compared with it

State = dict[str, dict[str, Tensor]]
"""{row: {name: sum}}: what a scorer has seen. Sums of disjoint photos add up, and torch.save keeps them."""


class Scorer(ABC):
    """One network and the metrics that come from it.

    name: of the network. metrics: {metric: its definition in one line}. files: {file name: sha256} of the weights.
    wants_training: whether `add_training` has a use, so that the training photos have to be shown to it.
    """

    name: str
    metrics: Mapping[str, str]
    wants_training = False

    def __init__(self, *paths: Path) -> None:
        self.files = {path.name: sha256_of(path) for path in paths}
        self._sums: State = {}

    @abstractmethod
    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Look at one batch of a row; return the per-pair scores {metric: (B,) float32 on the CPU}, if it has any.

        images: (B, 3, H, W) uint8, in the order of the batch. batch: the pairs. mask: (B, H, W) bool, the target's
        body. first: the place of the first pair in the list of all pairs. A pair that has no score gets NaN.
        """

    @abstractmethod
    def summary(self, row: str) -> dict[str, float]:
        """Return the scores {metric: value} of all photos of a row together; NaN where there are too few.

        They replace the mean over pairs where `add` returns the metric too.
        """

    def add_training(self, images: Tensor) -> None:  # noqa: B027 (most scorers have no use for it)
        """Look at (B, 3, H, W) uint8 photos of the training set, each of which should be shown once."""

    def state(self) -> State:
        """Return everything that later calls of `summary` depend on."""
        return self._sums

    def merge(self, state: State) -> None:
        """Add what another process, or an earlier run, has seen: no photo of it may be shown to this scorer again."""
        for row, sums in state.items():
            self._add(row, sums)

    def _add(self, row: str, sums: Mapping[str, Tensor]) -> None:
        held = self._sums.setdefault(row, {})
        for name, value in sums.items():
            held[name] = held[name] + value if name in held else value.clone()
