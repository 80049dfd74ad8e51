"""Step 3: the convolutional network learns to read with every optimiser, at a good rate."""

from pathlib import Path

import pytest
import torch
from data import load_digits
from PIL import Image
from step3_cnn import accuracy, main, planes, train


@pytest.mark.parametrize(
    ("optimiser", "rate", "expected"), [("SGD", 0.3, 0.7), ("momentum", 0.03, 0.7), ("Adam", 3e-3, 0.9)]
)
def test_it_learns(optimiser: str, rate: float, expected: float) -> None:
    digits = load_digits()
    network, losses = train(planes(digits.images), torch.from_numpy(digits.labels), 150, 0, optimiser, rate)
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])
    assert accuracy(network, planes(digits.test_images), torch.from_numpy(digits.test_labels)) > expected


def test_same_seed_same_network() -> None:
    digits = load_digits()
    images, labels = planes(digits.images), torch.from_numpy(digits.labels)
    assert train(images, labels, 3, 5)[1] == train(images, labels, 3, 5)[1] != train(images, labels, 3, 6)[1]


def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "step3.png"
    assert main(["--steps", "4", "--out", str(out)]) == 0
    assert "test images are read right" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > 1000
