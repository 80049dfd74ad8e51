"""Frechet distance between two sets of features, from moments that add up: it runs no network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of outer products of feature vectors, float64 on the CPU; disjoint sets add up in any order.

    count: (). total: (D,). outer: (D, D).
    """

    count: Tensor
    total: Tensor
    outer: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """Return the moments of (N, D) features."""
        x = features.detach().cpu().double()
        return cls(torch.tensor(float(len(x)), dtype=torch.float64), x.sum(0), x.T @ x)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.outer + other.outer)

    @property
    def mean(self) -> Tensor:
        """(D,) mean."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """(D, D) sample covariance (divided by count - 1)."""
        return (self.outer - self.count * torch.outer(self.mean, self.mean)) / (self.count - 1)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)) of two sets with covariances A and B; lower is better.

    NaN with fewer than two vectors in a set. Source: Heusel et al. 2017 (FID, with Inception features).
    """
    if min(a.count, b.count) < 2:
        return math.nan
    first, second = a.covariance, b.covariance
    # A B has the eigenvalues of the symmetric R B R with R = A^(1/2), and those are real and not negative.
    values, vectors = torch.linalg.eigh(first)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    crossed = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    distance = (a.mean - b.mean).square().sum() + first.trace() + second.trace() - 2 * crossed
    return float(distance.clamp(min=0))  # of equal sets of few vectors it is rounding, of either sign
