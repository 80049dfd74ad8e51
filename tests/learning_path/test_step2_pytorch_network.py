"""Step 2: the PyTorch network stays equal to the NumPy one, and the comparison would notice if it did not."""

from pathlib import Path

import pytest
import torch
from data import load_digits
from PIL import Image
from step2_pytorch_network import OPTIMISERS, compare, main


@pytest.mark.parametrize("name", OPTIMISERS)
def test_equal_step_by_step(name: str) -> None:
    result = compare(load_digits(), name, torch.float64, 200, seed=3)
    assert len(result.numpy) == len(result.pytorch) == 200
    assert result.numpy == pytest.approx(result.pytorch, abs=1e-11)
    assert max(result.difference) < 1e-11
    assert sum(result.pytorch[-20:]) < 0.5 * sum(result.pytorch[:20])


def test_32_bits_are_close_but_not_equal() -> None:
    difference = compare(load_digits(), "momentum", torch.float32, 100, seed=3).difference
    assert 1e-9 < max(difference) < 1e-4


def test_another_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "step2_pytorch_network.pytorch_optimiser", lambda name, net: torch.optim.SGD(net.parameters(), lr=0.1)
    )
    assert max(compare(load_digits(), "Adam", torch.float64, 5, seed=3).difference) > 1e-3


def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "step2.png"
    assert main(["--steps", "10", "--out", str(out)]) == 0
    assert "Adam        64 bits" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > 1000
