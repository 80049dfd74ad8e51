"""`Accumulator`: means over a data set from batches of per-image scores. It computes no metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass
class _Moments:
    total: float = 0.0
    squares: float = 0.0
    count: int = 0

    def add(self, total: float, squares: float, count: int) -> None:
        self.total += total
        self.squares += squares
        self.count += count

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else math.nan

    @property
    def std(self) -> float:
        if not self.count:
            return math.nan
        return math.sqrt(max(self.squares / self.count - self.mean**2, 0.0)) if math.isfinite(self.mean) else math.nan


class Accumulator:
    """Named sums, sums of squares and counts in float64; adding and merging in any order gives the same figures.

    It is a plain picklable value: processes gather theirs and `merge` them.
    """

    def __init__(self) -> None:
        self._moments: dict[str, _Moments] = {}

    def add(self, scores: Mapping[str, Tensor]) -> None:
        """Add (B,) per-image scores under their names; NaN stays visible in the mean."""
        for name, values in scores.items():
            numbers = values.detach().cpu().double()
            self._add(name, float(numbers.sum()), float(numbers.square().sum()), numbers.numel())

    def add_counts(self, name: str, hits: Tensor, trials: Tensor) -> None:
        """Add (B,) counts of hits among trials, as `pckh` returns them: the mean is sum(hits) / sum(trials)."""
        total = float(hits.sum())
        self._add(name, total, total, int(trials.sum()))  # each trial is a score of 0 or 1, its own square

    def merge(self, other: Accumulator) -> None:
        """Add everything that another accumulator holds."""
        for name, m in other._moments.items():
            self._add(name, m.total, m.squares, m.count)

    def means(self) -> dict[str, float]:
        """Return the mean of each name, NaN where nothing was counted."""
        return {name: m.mean for name, m in self._moments.items()}

    def stds(self) -> dict[str, float]:
        """Return the population standard deviation of each name, NaN where nothing, or infinity, was counted."""
        return {name: m.std for name, m in self._moments.items()}

    def counts(self) -> dict[str, int]:
        """Return how many scores each name holds."""
        return {name: m.count for name, m in self._moments.items()}

    def _add(self, name: str, total: float, squares: float, count: int) -> None:
        self._moments.setdefault(name, _Moments()).add(total, squares, count)
