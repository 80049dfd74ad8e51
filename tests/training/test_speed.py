"""posegan speed: operations are counted exactly, every phase is timed, and mistakes are sentences."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from posegan.cli import main
from posegan.training import speed
from posegan.training.machine import convolution_rate
from posegan.training.speed import OperationCounter, _settings, measure, model_on

SMALL = {"width": 4, "features": "none", "reconstruction": "pixels", "reconstruction_weight": 1.0}


def test_operations_of_a_convolution_are_counted_forward_and_backward() -> None:
    conv, x = nn.Conv2d(3, 4, 3, padding=1), torch.randn(2, 3, 8, 8, requires_grad=True)
    once = 2 * 9 * 3 * 4 * 2 * 8 * 8
    with OperationCounter() as counter:
        torch.autograd.grad(conv(x).sum(), conv.weight)
    assert counter.operations == 2 * once
    with OperationCounter() as counter:
        torch.autograd.grad(conv(x).sum(), [x, conv.weight])
    assert counter.operations == 3 * once
    with torch.inference_mode(), OperationCounter() as counter:
        conv(x)
    assert counter.operations == once


def test_every_phase_and_generation_are_timed() -> None:
    taken = list(measure(["pg2", "deformable"], batches=(1,), options=SMALL, accelerator="cpu", runs=1))
    result, step = taken[-1][1], "step of phase"
    assert [timing.what for timing, _ in taken] == [
        f"{step} 'coarse'",
        f"{step} 'refine'",
        "generation",
        f"{step} 'adversarial'",
        "generation",
    ]
    for timing in result["timings"]:
        assert timing["gflop"] > 0
        assert timing["floor_seconds"] == pytest.approx(timing["gflop"] / result["convolution_gflops"])
        assert timing["images_per_second"] == pytest.approx(timing["batch"] / timing["seconds"])
    last, generation = result["timings"][3:]
    assert last["gflop"] > 3 * generation["gflop"]  # forward, backward, and the discriminator


@pytest.mark.parametrize("name", ["posegan", "deformable", "patn", "vunet"])
def test_the_feature_network_is_where_the_model_is(name: str, tmp_path: Path) -> None:
    settings = _settings(name, (128, 64), tmp_path, {"width": 4, "features": "vgg19_distilled"})
    model = model_on(torch.device("meta"), name, settings)
    assert len(list(model.buffers())) > 20
    assert all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def test_a_device_has_a_rate() -> None:
    assert convolution_rate(torch.device("cpu")) > 0.1


def test_the_command_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "speed.json"
    call = ["speed", "--models", "sdgan", "--batches", "1", "--width", "4", "--runs", "1", "--out", str(out)]
    assert main([*call, "--accelerator", "cpu"]) == 0
    written = json.loads(out.read_text())
    assert [t["what"] for t in written["timings"]] == ["step of phase 'adversarial'", "generation"]
    assert written["command"].startswith("posegan speed --models sdgan")
    assert "images/s" in capsys.readouterr().out


def test_what_was_measured_before_an_interruption_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, timed = tmp_path / "speed.json", speed._time

    def interrupted(model: str, what: str, *rest: Any) -> speed.Timing:
        if what == "generation":
            raise KeyboardInterrupt
        return timed(model, what, *rest)

    monkeypatch.setattr(speed, "_time", interrupted)
    call = ["speed", "--models", "sdgan", "--batches", "1", "--width", "4", "--runs", "1", "--out", str(out)]
    assert main([*call, "--accelerator", "cpu"]) == 130
    assert [t["what"] for t in json.loads(out.read_text())["timings"]] == ["step of phase 'adversarial'"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--models", "sdgam"], "sdgan"),
        (["--sizes", "128"], "'128' is not HEIGHTxWIDTH"),
        (["--sizes", "32x32"], "at least 64 pixels"),
        (["--batches", "0"], "not a positive whole number"),
        (["--models", "posegan", "--features", "vgg"], "features"),
    ],
)
def test_mistakes_are_sentences(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed", *arguments, "--runs", "1"]) == 2
    assert sentence in capsys.readouterr().err
