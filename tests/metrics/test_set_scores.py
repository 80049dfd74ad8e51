"""Inception score and Frechet distance: streaming and merging give what the whole list gives."""

import math

import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from posegan.metrics import Moments, SplitSums, frechet_distance, inception_score


def distributions(count: int) -> Tensor:
    return (2 * torch.randn(count, 6, generator=torch.Generator().manual_seed(0)).double()).softmax(1)


@pytest.mark.parametrize("sizes", [[13, 1, 29], [43], [1] * 43])
def test_inception_score_streams_in_any_order(sizes: list[int]) -> None:
    p = distributions(43)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    parts = [SplitSums.of(p[i : i + n], i, 43, splits=4) for i, n in zip(starts, sizes, strict=True)]
    total = parts[-1]
    for part in reversed(parts[:-1]):
        total = total + part
    assert total.count.tolist() == [10, 11, 11, 11]
    assert total.score() == pytest.approx(inception_score(p, splits=4), rel=1e-12)


def test_inception_score_of_known_cases() -> None:
    assert inception_score(torch.eye(5), splits=1) == pytest.approx((5.0, 0.0))  # sure of itself and varied
    assert inception_score(torch.full((20, 5), 0.2)) == pytest.approx((1.0, 0.0))
    ordered = torch.eye(5).repeat_interleave(4, dim=0)
    assert inception_score(ordered, splits=5)[0] == pytest.approx(1.0)  # the order of the list matters
    assert math.isnan(inception_score(torch.eye(5))[0])  # ten splits of five images
    with pytest.raises(ValueError, match="not in a list of 9"):
        SplitSums.of(torch.eye(5), 5, 9)


def features(count: int, shift: float, seed: int) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return (shift + torch.randn(count, 12, generator=g)) @ torch.randn(12, 12, generator=g)


def test_frechet_distance_equals_scipy_and_streams() -> None:
    a, b = features(300, 0.0, 1), features(200, 0.2, 2)
    ca, cb = torch.cov(a.double().T), torch.cov(b.double().T)
    root = torch.from_numpy(sqrtm((ca @ cb).numpy()).real)
    expected = float((a.double().mean(0) - b.double().mean(0)).square().sum() + (ca + cb - 2 * root).trace())
    parts = [Moments.of(part) for part in b.split(37)]
    whole, merged = Moments.of(b), parts[3]
    for i in (5, 0, 4, 2, 1):
        merged = merged + parts[i]
    assert frechet_distance(Moments.of(a), whole) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(Moments.of(a), merged) == pytest.approx(expected, rel=1e-9)
    assert torch.allclose(merged.covariance, cb, rtol=1e-10)


def test_frechet_distance_of_known_cases() -> None:
    a = features(50, 0.0, 3)
    assert frechet_distance(Moments.of(a), Moments.of(a)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(Moments.of(a), Moments.of(a + 2)) == pytest.approx(12 * 4, rel=1e-5)
    few = features(5, 0.0, 4)  # fewer vectors than dimensions: a singular covariance
    assert frechet_distance(Moments.of(few), Moments.of(3 * few)) == pytest.approx(
        float(4 * few.double().mean(0).square().sum() + 4 * torch.cov(few.double().T).trace()), rel=1e-5
    )
    assert frechet_distance(Moments.of(few), Moments.of(few)) >= 0  # rounding alone made it negative
    assert math.isnan(frechet_distance(Moments.of(a), Moments.of(a[:1])))
