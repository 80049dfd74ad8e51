import math
import pickle

import pytest
import torch

from posegan.metrics import Accumulator


def test_means_stds_and_counts_over_batches() -> None:
    values = torch.rand(103, generator=torch.Generator().manual_seed(0))
    scores = Accumulator()
    for part in values.split(10):
        scores.add({"ssim": part, "double": 2 * part})
    assert scores.counts() == {"ssim": 103, "double": 103}
    assert scores.means()["ssim"] == pytest.approx(float(values.double().mean()))
    assert scores.stds()["double"] == pytest.approx(2 * float(values.double().std(correction=0)))


def test_merging_processes_equals_one_process() -> None:
    values = torch.rand(20)
    whole, left, right = Accumulator(), Accumulator(), Accumulator()
    whole.add({"l1": values})
    left.add({"l1": values[:7]})
    right.add({"l1": values[7:]})
    left.merge(pickle.loads(pickle.dumps(right)))
    assert left.means() == pytest.approx(whole.means())
    assert left.counts() == whole.counts()


def test_counts_are_pooled_not_averaged_per_image() -> None:
    scores = Accumulator()
    scores.add_counts("pckh", torch.tensor([1, 0]), torch.tensor([2, 0]))
    scores.add_counts("pckh", torch.tensor([8]), torch.tensor([10]))
    assert scores.means() == {"pckh": 0.75}
    assert scores.counts() == {"pckh": 12}
    assert scores.stds()["pckh"] == pytest.approx(math.sqrt(0.75 * 0.25))


def test_nothing_counted_is_nan_and_bad_values_stay_visible() -> None:
    scores = Accumulator()
    scores.add_counts("pckh", torch.tensor([0]), torch.tensor([0]))
    scores.add({"psnr": torch.tensor([1.0, math.inf]), "ssim": torch.tensor([math.nan, 1.0])})
    means = scores.means()
    assert math.isnan(means["pckh"])
    assert math.isnan(means["ssim"])
    assert means["psnr"] == math.inf
    assert all(math.isnan(std) for std in scores.stds().values())
