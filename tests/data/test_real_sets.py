"""The published counts on the real photos beside the repository; skipped, saying so, where they are absent."""

import time
from pathlib import Path

import pytest
import torch

from posegan.data import DeepFashionPoseDataset, MarketPoseDataset, make_pairs, split_pairs
from posegan.pose.io import load_annotations

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def fashion_root(market_root: Path) -> Path:
    root = market_root.parent / "deepfashion_sample"
    if not root.is_dir():
        pytest.skip(f"the real photos are not here: {root} is missing")
    return root


def people_in(pairs: list[tuple[str, str]]) -> set[str]:
    return {name[:4] for pair in pairs for name in pair}


def test_market_has_the_published_number_of_training_pairs(market_root: Path):
    annotations = load_annotations(market_root / "market-annotation-train.csv")
    start = time.perf_counter()
    pairs = make_pairs(annotations)
    assert time.perf_counter() - start < 2
    assert len(pairs) == 263_632
    train, validation = split_pairs(pairs)
    assert (len(train), len(validation)) == (242_962, 2000)
    assert len(people_in(pairs)) == 741  # 745 have a valid photo, four of them a single one
    assert len(people_in(train)) == 691
    assert len(people_in(validation)) == 47  # three of the 50 have so few pairs that none is among the 2,000


def test_market_splits(market_root: Path):
    both = MarketPoseDataset(market_root, "train+validation")
    train, validation = MarketPoseDataset(market_root), MarketPoseDataset(market_root, "validation")
    pairs = make_pairs(load_annotations(market_root / "market-annotation-train.csv"))
    assert both.pair_names() == pairs
    assert (train.pair_names(), validation.pair_names()) == split_pairs(pairs)
    assert both.report.totals == {"people": 741, "photos": 12_936, "pairs": 263_632}
    assert both.poses.valid.sum() == 12_116
    assert train.batch(torch.arange(64)).source_image.shape == (64, 3, 128, 64)


def test_market_test_pairs(market_root: Path):
    test = MarketPoseDataset(market_root, "test", check=True)
    assert len(test) == 5568 and len(people_in(test.pair_names())) == 331
    assert not test.report.counts


@pytest.mark.parametrize("size", [(256, 256), (256, 176)])
def test_deepfashion_sample(fashion_root: Path, size: tuple[int, int]):
    data = DeepFashionPoseDataset(fashion_root, size, "test", check=True)
    assert len(data) == 96 and len(data.names) == 181
    batch = data.batch(torch.arange(96))
    assert batch.size == size and torch.equal(batch.target_pose.inside(size).visible, batch.target_pose.visible)
