"""Inception score from class probabilities, streaming: it runs no network. Definition: docs/protocols.md."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SPLITS = 10


@dataclass(frozen=True)
class SplitSums:
    """What the inception score needs of each of S splits, float64 on the CPU; sums of disjoint images add up.

    count: (S,) images. probabilities: (S, C) sums of p. negentropy: (S,) sums of p log p over images and classes.
    """

    count: Tensor
    probabilities: Tensor
    negentropy: Tensor

    @classmethod
    def of(cls, probabilities: Tensor, first: int, total: int, splits: int = SPLITS) -> SplitSums:
        """Return the sums of (B, C) probabilities of the images `first`, `first` + 1, ... of a list of `total`.

        Split s holds the images s * total // splits to (s + 1) * total // splits - 1. Raises ValueError if an image
        lies outside the list.
        """
        if first < 0 or first + len(probabilities) > total:
            raise ValueError(f"images {first} to {first + len(probabilities) - 1} are not in a list of {total}")
        p = probabilities.detach().cpu().double()
        ends = torch.tensor([(s + 1) * total // splits for s in range(splits)])
        split = torch.bucketize(torch.arange(first, first + len(p)), ends, right=True)  # (B,)
        return cls(
            count=torch.zeros(splits, dtype=torch.float64).index_add_(0, split, torch.ones(len(p)).double()),
            probabilities=torch.zeros(splits, p.shape[1], dtype=torch.float64).index_add_(0, split, p),
            negentropy=torch.zeros(splits, dtype=torch.float64).index_add_(0, split, torch.xlogy(p, p).sum(1)),
        )

    def __add__(self, other: SplitSums) -> SplitSums:
        return SplitSums(
            self.count + other.count,
            self.probabilities + other.probabilities,
            self.negentropy + other.negentropy,
        )

    def score(self) -> tuple[float, float]:
        """Return the mean and population deviation over splits of exp(mean KL(p, mean p)); NaN if a split is empty."""
        marginal = self.probabilities / self.count[:, None]  # (S, C)
        divergence = self.negentropy / self.count - torch.xlogy(marginal, marginal).sum(1)  # (S,)
        scores = divergence.exp()
        return float(scores.mean()), float(scores.std(correction=0))


def inception_score(probabilities: Tensor, splits: int = SPLITS) -> tuple[float, float]:
    """Return the inception score and its deviation over contiguous splits of (N, C) probabilities in list order.

    Higher is better; NaN with fewer images than splits. Source: Salimans et al. 2016, released code.
    """
    return SplitSums.of(probabilities, 0, len(probabilities), splits).score()
