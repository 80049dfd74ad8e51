"""Step 6: what is drawn is what was asked for, as the classifier of step 3 reads it."""

from pathlib import Path

import pytest
import step3_cnn
import torch
from data import load_digits
from PIL import Image
from step3_cnn import planes
from step6_conditional_gan import NOISE, beside_image, beside_noise, main, obedience, train


def test_requests_are_laid_beside_noise_and_image() -> None:
    asked = torch.tensor([3, 0])
    noise, images = torch.randn(2, NOISE), torch.randn(2, 1, 8, 8)
    told = beside_noise(noise, asked)
    assert torch.equal(told[:, :NOISE], noise)
    assert told[:, NOISE:].argmax(1).tolist() == [3, 0]
    judged = beside_image(images, asked)
    assert judged.shape == (2, 11, 8, 8)
    assert torch.equal(judged[:, :1], images)
    assert judged[0, 1:].sum((1, 2)).tolist() == [0, 0, 0, 64, 0, 0, 0, 0, 0, 0]


def test_it_draws_what_is_asked_for() -> None:
    digits = load_digits()
    images, labels = planes(digits.images), torch.from_numpy(digits.labels)
    judge, _ = step3_cnn.train(images, labels, 120, seed=0)
    generator, history = train(2 * images - 1, labels, judge, 200, seed=0)
    noise, asked = torch.randn(500, NOISE, generator=torch.Generator().manual_seed(1)), torch.arange(500) % 10
    assert history.obeyed[0][1] < 0.25
    assert obedience(generator, judge, noise, asked) > 0.35  # guessing: 0.1


def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "step6.png"
    assert main(["--steps", "10", "--out", str(out)]) == 0
    assert "are read as the digit that was asked for" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > 1000
