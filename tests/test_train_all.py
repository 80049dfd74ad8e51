"""recipes/train_all.py: several recipes share the time, go on, fail alone, and are scored at the end."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMALL = """
model: {{name: {name}, size: [64, 64], width: 4, {more}}}
data: {{name: synthetic, identities: 12, poses: 2}}
training: {{out: runs/x/{name}, steps: {steps}, batch_size: 2, sample_every: 0, validate_every: 0, threads: 1}}
"""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "recipes" / "train_all.py"))


def recipe(folder: Path, name: str, more: str = "scales: 1", steps: int = 2) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(SMALL.format(name=name, more=more, steps=steps))
    return path


@pytest.mark.contract
def test_recipes_are_trained_and_scored_and_a_second_call_goes_on(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, "deformable", "features: none, reconstruction: pixels, reconstruction_weight: 1.0")
    call = [str(path), "--minutes", "5", "--out", str(tmp_path / "runs"), "--evaluate", "synthetic", "--limit", "4"]
    assert script["main"](call) == 0
    assert "step 2 of 2" in capsys.readouterr().out
    summary = json.loads((tmp_path / "runs" / "train_all.json").read_text())[str(path)]
    assert summary["step"] == 2 and summary["scores"]["deformable"]["l1"] > 0
    assert script["main"]([*call, "--training.steps", "3"]) == 0
    assert "step 3 of 3" in capsys.readouterr().out


@pytest.mark.contract
def test_a_recipe_that_fails_does_not_stop_the_others(script: dict[str, Any], tmp_path: Path) -> None:
    good = recipe(tmp_path, "sdgan")
    bad = recipe(tmp_path, "deformable", "features: vgg19_distilled, features_path: nowhere.pth")
    assert script["main"]([str(bad), str(good), "--minutes", "5", "--out", str(tmp_path / "runs")]) == 1
    summary = json.loads((tmp_path / "runs" / "train_all.json").read_text())
    assert summary[str(bad)]["failed"] and summary[str(good)]["step"] == 2


@pytest.mark.contract
def test_a_key_that_one_recipe_lacks_fails_that_one(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_features = recipe(tmp_path, "deformable", "reconstruction: pixels, reconstruction_weight: 1.0")
    without = recipe(tmp_path, "pg2", "discriminator_width: 4")
    call = [str(without), str(with_features), "--minutes", "5", "--out", str(tmp_path / "runs")]
    assert script["main"]([*call, "--model.features", "none"]) == 1
    assert f"{without} is passed over: Unknown key" in capsys.readouterr().err
    summary = json.loads((tmp_path / "runs" / "train_all.json").read_text())
    assert "'features'" in summary[str(without)]["failed"] and summary[str(with_features)]["step"] == 2


def test_a_mistake_in_a_recipe_is_told_before_any_training(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, "sdgan", "wdith: 3")
    assert script["main"]([str(path), "--minutes", "1", "--out", str(tmp_path / "runs")]) == 2
    assert "wdith" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_time_is_shared_over_what_is_not_done(script: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []

    class Fake:
        done = False

        def train(self, minutes: float) -> None:
            shares.append(minutes)
            self.done = True

    jobs = [Fake() for _ in range(4)]
    jobs[1].done = True
    script["train_all"](jobs, 9)
    assert shares == pytest.approx([3, 4.5, 9], abs=0.01)
