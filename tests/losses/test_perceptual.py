import pytest
import torch

from posegan.losses import perceptual_loss

GENERATED = {"relu1_1": torch.zeros(1, 2, 4, 4), "relu2_1": torch.zeros(1, 4, 2, 2)}
TARGET = {"relu2_1": torch.full((1, 4, 2, 2), 3.0), "relu1_1": torch.ones(1, 2, 4, 4)}


def test_mean_over_taps_of_weighted_l1() -> None:
    assert perceptual_loss(GENERATED, TARGET).item() == pytest.approx(2)
    assert perceptual_loss(GENERATED, TARGET, {"relu1_1": 2, "relu2_1": 0.5}).item() == pytest.approx(1.75)


def test_low_precision_is_summed_in_float32() -> None:
    low = {tap: value.bfloat16() for tap, value in TARGET.items()}
    assert perceptual_loss(GENERATED, low).dtype == torch.float32


def test_taps_must_agree() -> None:
    for wrong in ({}, {"relu1_1": TARGET["relu1_1"]}):
        with pytest.raises(ValueError, match="same taps"):
            perceptual_loss(GENERATED, wrong)
    with pytest.raises(ValueError, match="same taps"):
        perceptual_loss(GENERATED, TARGET, {"relu1_1": 1.0})
