"""Step 5: drawings come closer to real digits, and the losses are those of the equations."""

import math
from pathlib import Path

import pytest
import torch
from data import load_digits
from PIL import Image
from step3_cnn import planes
from step5_gan import (
    NOISE,
    Discriminator,
    Generator,
    discriminator_loss,
    distance,
    draw_from,
    generator_loss,
    main,
    train,
)


def test_losses_are_those_of_the_equations() -> None:
    real, drawn = torch.tensor([0.3, -2.0, 1.0]), torch.tensor([0.7, -1.0, 2.5])
    s_real, s_drawn = real.sigmoid(), drawn.sigmoid()
    assert discriminator_loss(real, drawn).item() == pytest.approx((-s_real.log() - (1 - s_drawn).log()).mean().item())
    assert generator_loss(drawn).item() == pytest.approx(-s_drawn.log().mean().item())
    even = torch.zeros(4)
    assert discriminator_loss(even, even).item() == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize("size", [8, 28])
def test_networks_fit_both_sizes(size: int) -> None:
    drawn = Generator(size)(torch.randn(2, NOISE))
    assert drawn.shape == (2, 1, size, size)
    assert Discriminator(size)(drawn).shape == (2, 1)


def test_drawings_come_closer_to_real_digits() -> None:
    digits = load_digits()
    images, test = 2 * planes(digits.images) - 1, 2 * planes(digits.test_images) - 1
    generator, history = train(images, 120, seed=0)
    noise = torch.randn(500, NOISE, generator=torch.Generator().manual_seed(1))
    before, after = distance(draw_from(Generator(8), noise), test), distance(draw_from(generator, noise), test)
    assert after < 0.6 * before
    assert len(history.generator) == len(history.discriminator) == 120
    assert set(history.snapshots) >= {0, 120}
    assert distance(images, test) < after  # the measure prefers real digits to drawn ones


def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "step5.png"
    assert main(["--steps", "20", "--out", str(out)]) == 0
    assert "drawings after it" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > 1000
