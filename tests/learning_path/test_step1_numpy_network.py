"""Step 1: the gradients are those of finite differences, and every optimiser learns to read."""

from pathlib import Path

import numpy as np
import pytest
from data import load_digits
from PIL import Image
from step1_numpy_network import (
    LEARNING_RATES,
    OPTIMISERS,
    accuracy,
    gradient_error,
    main,
    new_network,
    rows,
    train,
)


def test_gradients_are_those_of_finite_differences() -> None:
    digits = load_digits()
    for sizes in ([64, 10], [64, 6, 10], [64, 6, 5, 10]):
        network = new_network(sizes, np.random.default_rng(1))
        assert gradient_error(network, rows(digits.images[:8]), digits.labels[:8]) < 1e-7


def test_the_check_notices_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load_digits()
    network = new_network([64, 6, 10], np.random.default_rng(1))
    monkeypatch.setattr("step1_numpy_network.loss_and_gradients", lambda p, x, y: (0.0, [0.99 * w for w in p]))
    assert gradient_error(network, rows(digits.images[:8]), digits.labels[:8]) > 0.1


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize(("sizes", "expected"), [([64, 10], 0.85), ([64, 32, 10], 0.88)])
def test_it_learns(name: str, sizes: list[int], expected: float) -> None:
    digits = load_digits()
    network = new_network(sizes, np.random.default_rng(0))
    optimiser = OPTIMISERS[name](LEARNING_RATES[name])
    losses = train(network, rows(digits.images), digits.labels, optimiser, 300, np.random.default_rng(1))
    assert np.mean(losses[-50:]) < 0.5 * losses[0]
    assert accuracy(network, rows(digits.test_images), digits.test_labels) > expected


def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "step1.png"
    assert main(["--steps", "5", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "two layers  Adam" in said
    assert "Read next" in said
    with Image.open(out) as picture:
        assert picture.width > 1000
