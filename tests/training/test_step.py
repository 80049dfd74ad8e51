"""A step with faster convolutions is the same step, and the loop makes it as its settings say."""

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from posegan.layers import faster_convolutions
from posegan.models import create_model
from posegan.training import load_recipe, train
from posegan.training.speed import _batch
from posegan.training.step import Stepper
from tests.layers.convolutions import count_contexts

from .tiny import write_recipe


def test_wide_convolutions_change_a_step_in_the_fifth_digit_only() -> None:
    batch = _batch((128, 64), 4).to("cpu", channels_last=True)
    found: list[tuple[dict[str, Tensor], dict[str, Tensor]]] = []
    for fast in (False, True):
        torch.manual_seed(0)
        options = {"width": 32, "blocks": 4, "features": "none", "perceptual_weight": 0.0}
        model = create_model("patn", **options).to(memory_format=torch.channels_last).train()
        stepper = Stepper(model, model.phases()[0], Fabric(accelerator="cpu", devices=1), fast=fast)
        assert stepper.fast == fast
        found.append((stepper.step(0, (batch,), 0), model.generator.state_dict()))
    (usual, before), (fewer, after) = found
    torch.testing.assert_close(fewer, usual, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)  # Adam's first step is the sign of the gradient
    assert any(not torch.equal(a, b) for a, b in zip(after.values(), before.values(), strict=True))


@pytest.mark.filterwarnings("ignore:training.precision is bf16-mixed")
@pytest.mark.parametrize(
    ("settings", "entered"),
    [
        ([], 2),
        (["--training.fast_convolutions", "false"], 0),
        (["--training.compile", "true"], 0),
        (["--training.precision", "bf16-mixed"], 0),
    ],
)
def test_settings_decide(
    settings: list[str], entered: int, tiny_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = count_contexts("posegan.training.step", monkeypatch)
    monkeypatch.setattr(faster_convolutions, "WIDE", 1)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: None)
    recipe = write_recipe(tmp_path / "a.yaml", tiny_market, tmp_path / "run")
    train(load_recipe(recipe, ["--training.steps", "2", *settings]))
    assert len(contexts) == entered


def test_narrow_models_stay_out_of_the_context() -> None:
    model = create_model("posegan", features="none", perceptual_weight=0.0, nearest_weight=0.0)
    assert not Stepper(model, model.phases()[0], Fabric(accelerator="cpu", devices=1), fast=True).fast
