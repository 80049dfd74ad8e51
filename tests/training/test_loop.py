"""What a run writes, when it stops, and what it says of mistakes."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from posegan.data import pack_photos
from posegan.errors import UserError
from posegan.images import write_png
from posegan.lock import sole_writer
from posegan.pose import save_annotations
from posegan.training import load_recipe, train
from posegan.training.ema import Ema
from posegan.training.guard import NotFiniteError
from posegan.training.log import RunLog
from posegan.training.loop import Run, step_seed
from posegan.training.settings import DataSettings, open_data
from posegan.training.state import list_states, load_newest_state
from posegan.weights import load_model
from tests.small_world import photo, standing

from .tiny import write_recipe


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_everything_that_is_promised(tiny_market: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, out, steps=4, validate_every=2, sample_every=4)
    text = recipe.read_text().replace("split: train+validation", "split: train")
    recipe.write_text(text)
    assert train(recipe) == out
    entries = metrics(out)
    assert [e["step"] for e in entries if "g_pixel" in e] == [1, 2, 3, 4]
    assert all(e["images_per_second"] > 0 for e in entries if "g_pixel" in e)
    assert all(-1 <= e["validation_ssim"] <= 1 for e in entries if "validation_ssim" in e)
    assert sum("validation_ssim" in e for e in entries) == 2
    assert list(out.glob("events.out.tfevents.*"))
    with Image.open(out / "samples" / "step-00000004.png") as sheet:
        assert sheet.width > 5 * 64
    for name in ("weights.safetensors", "best.safetensors"):
        model, info = load_model(out / name)
        assert (info.model, info.data, info.step > 0) == ("posegan", "market", True)
        assert "research" in info.licence
        assert not model.training
    resolved = load_recipe(out / "config.yaml")  # the resolved config is a recipe itself
    assert resolved == load_recipe(recipe)


def test_weights_of_a_model_without_feature_networks_can_be_loaded(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    model = "model:\n  name: sdgan\n  width: 4\n  scales: 1\n"
    recipe.write_text(model + recipe.read_text()[recipe.read_text().index("data:") :])
    _, info = load_model(train(recipe) / "weights.safetensors")
    assert info.config["scales"] == 1


def test_loss_falls(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=24, batch_size=4, log_every=6, save_every=24
    )
    train(load_recipe(recipe, ["--model.lr", "0.004", "--model.adversarial_weight", "0"]))
    pixel = [e["g_pixel"] for e in metrics(tmp_path / "run")]
    assert pixel[-1] < 0.8 * pixel[0]


def test_a_loss_that_is_not_finite_stops_with_the_step_and_keeps_the_last_good_state(
    tiny_market: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=3)
    train(recipe)
    with pytest.raises(NotFiniteError, match="not finite at step [345]"):
        train(load_recipe(recipe, ["--training.steps", "9", "--model.lr", "1e30", "--training.log_every", "2"]))
    assert [p.name[:13] for p in list_states(tmp_path / "run" / "state")] == ["step-00000003"]
    found = load_newest_state(tmp_path / "run" / "state")
    assert found is not None
    assert all(torch.isfinite(v).all() for v in found[1]["model"].values())


@pytest.mark.parametrize("resume", [True, False])
def test_weights_without_a_state_are_not_written_over(resume: bool, tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=2)
    train(recipe)
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "run" / "state")  # to save space
    with pytest.raises(UserError, match="holds weights.safetensors but no state to go on from"):
        train(load_recipe(recipe, ["--training.steps", "4"]), resume=resume)
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == before


def test_broken_weights_are_not_validated(tiny_market: Path, tmp_path: Path) -> None:
    """Their pictures would be black and have a score, the best so far."""
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=3)
    broken = ["--model.lr", "1e38", "--training.validate_every", "1", "--training.log_every", "50"]
    with pytest.raises(NotFiniteError, match="nothing was saved before"):
        train(load_recipe(recipe, broken))
    assert not list((tmp_path / "run").glob("*.safetensors"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_says_how_to_go_on(
    number: signal.Signals, tiny_market: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=100_000, save_every=100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "posegan", "train", str(recipe)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "run" / "metrics.jsonl"
    while not (log.is_file() and log.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "the same command goes on from there" in said
    step, _ = load_newest_state(tmp_path / "run" / "state") or (0, {})
    assert step == metrics(tmp_path / "run")[-1]["step"]


def test_two_runs_in_one_folder_do_not_mix(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run")
    (tmp_path / "run").mkdir()
    with sole_writer(tmp_path / "run"), pytest.raises(UserError, match="in use .* give another place"):
        train(recipe)
    assert not list_states(tmp_path / "run" / "state")
    train(recipe)
    assert list_states(tmp_path / "run" / "state")


def test_a_run_that_another_took_further_while_it_started_goes_no_further(tiny_market: Path, tmp_path: Path) -> None:
    recipe = load_recipe(write_recipe(tmp_path / "a.yaml", tiny_market, tmp_path / "run"), ["--training.steps", "3"])
    train(recipe)
    late = Run(load_recipe(tmp_path / "a.yaml", ["--training.steps", "8"]), resume=True)
    train(load_recipe(tmp_path / "a.yaml", ["--training.steps", "6"]))
    states = list_states(tmp_path / "run" / "state")
    with pytest.raises(UserError, match="trained further by another run meanwhile: start this one again"):
        late.go()
    assert list_states(tmp_path / "run" / "state") == states


def test_a_time_limit_stops_the_run_saved(tiny_market: Path, tmp_path: Path) -> None:
    train(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=100_000, minutes=0.01))
    step, _ = load_newest_state(tmp_path / "run" / "state") or (0, {})
    assert 0 < step < 100_000


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (("--model.widht", "3"), "did you mean 'width'"),
        (("--model.name", "posgan"), "did you mean 'posegan'"),
        (("--trainig.steps", "3"), "did you mean 'training'"),
        (("--training.steps", "many"), "training.steps"),
        (("--training.steps", "0"), "must be at least 1"),
        (("--training.batch_size", "3", "--training.accumulate", "2"), "does not divide"),
        (("--training.validation_pairs", "0"), "validation_pairs is 0: it must be at least 1"),
        (("--training.validate_every", "-1"), "validate_every is -1: it must be at least 0"),
        (("--training.threads", "-1"), "threads is -1"),
        (("--training.minutes", "-1"), "minutes is -1.0: it must be above 0"),
        (("--data.identities", "0"), "data.identities is 0"),
        (("--data.limit", "0"), "data.limit is 0: it must be at least 1"),
        (("--data.synthetic_share", "1"), r"synthetic_share is 1.0: it must be at least 0 and below 1"),
        (("--data.synthetic_share", ".5", "--data.name", "synthetic"), "leave it out"),
        (("--model.width", "0"), "model.width is 0: it must be at least 2"),
        (("--model.depth", "0"), "model.depth is 0"),
        (("--model.sigma", "0"), "model.sigma is 0.0: it must be above 0"),
        (("--model.lr", "-1"), "model.lr is -1.0"),
        (("--model.nearest_layer", "relu1_3"), "Unknown layer in model.nearest_layer: 'relu1_3'"),
        (("--model.window", "2"), "model.window is 2: it must be odd"),
        (("--model.size", "[0,64]"), r"model.size is \[0, 64\]"),
        (("--model.size", "[64,32]"), "at least 64 pixels each way"),
        (("--data.root", "/nowhere"), "/nowhere"),
        (("--data.name", "markt"), "data.name"),
        (("--model.size", "[256,256]"), "set model.size"),
    ],
)
def test_mistakes_are_named_before_any_work(
    override: tuple[str, ...], message: str, tiny_market: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run")
    with pytest.raises(UserError, match=message):
        train(load_recipe(recipe, override))
    assert not (tmp_path / "run").exists()


def test_accumulated_parts_give_the_gradient_of_the_whole_batch(tiny_market: Path, tmp_path: Path) -> None:
    moments = []
    for parts in (1, 2):
        recipe = write_recipe(tmp_path / f"{parts}.yaml", tiny_market, tmp_path / str(parts), steps=1, batch_size=4)
        train(load_recipe(recipe, ["--training.accumulate", str(parts), "--model.mismatch_weight", "0"]))
        _, state = load_newest_state(tmp_path / str(parts) / "state") or (0, {})
        moments.append(first_moments(state))
    assert_close_moments(*moments)


def first_moments(state: dict) -> dict[str, list[torch.Tensor]]:
    """Adam's first moment after one step: the gradient times (1 - beta1)."""
    return {
        name: [entry["exp_avg"] for entry in optimiser["state"].values()]
        for name, optimiser in state["optimisers"].items()
    }


def assert_close_moments(left: dict[str, list[torch.Tensor]], right: dict[str, list[torch.Tensor]]) -> None:
    for name, ours in left.items():
        scale = max(float(t.abs().max()) for t in ours)
        for a, b in zip(ours, right[name], strict=True):
            assert torch.allclose(a, b, rtol=1e-2, atol=2e-3 * scale)  # L1 slopes jump at 0


@pytest.mark.contract
def test_two_processes_have_the_gradients_of_one(tiny_market: Path, tmp_path: Path) -> None:
    moments = []
    for devices in (1, 2):
        recipe = write_recipe(
            tmp_path / f"{devices}.yaml", tiny_market, tmp_path / str(devices), steps=1, batch_size=4, devices=devices
        )
        command = [sys.executable, "-m", "posegan", "train", str(recipe), "--model.mismatch_weight", "0"]
        subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, timeout=240)
        _, state = load_newest_state(tmp_path / str(devices) / "state") or (0, {})
        moments.append(first_moments(state))
    assert_close_moments(*moments)


@pytest.mark.contract
def test_two_processes_train_and_resume(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", batch_size=4, devices=2)
    command = [sys.executable, "-m", "posegan", "train", str(recipe)]
    for steps in (4, 8):
        subprocess.run(
            [*command, "--training.steps", str(steps)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            check=True,
            timeout=240,
        )
    assert [e["step"] for e in metrics(tmp_path / "run")] == list(range(1, 9))


def test_the_average_starts_at_the_weights_and_follows_them() -> None:
    layer = nn.Linear(1, 1)
    ema = Ema(layer, 0.9)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    before = ema.module.weight.item()
    ema.update(layer, step=0)  # decay (1 + 0) / (10 + 0)
    assert ema.module.weight.item() == pytest.approx(0.1 * before + 0.9)
    ema.update(layer, step=10_000)
    assert ema.module.weight.item() == pytest.approx(0.9 * (0.1 * before + 0.9) + 0.1)
    assert not ema.module.weight.requires_grad


def test_every_step_and_process_has_a_seed_of_its_own() -> None:
    seeds = {step_seed(seed, step, rank) for seed in range(3) for step in range(-1, 20) for rank in range(3)}
    assert len(seeds) == 3 * 21 * 3
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_run_can_start_from_weights(tiny_market: Path, tmp_path: Path) -> None:
    first = train(write_recipe(tmp_path / "first.yaml", tiny_market, tmp_path / "first", steps=3))
    recipe = write_recipe(tmp_path / "tuned.yaml", tiny_market, tmp_path / "tuned", steps=1)
    tuned = train(load_recipe(recipe, ["--training.init", str(first), "--model.lr", "1e-9", "--training.ema", "0"]))
    before, after = (load_model(folder / "weights.safetensors")[0].generator.state_dict() for folder in (first, tuned))
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)
    with pytest.raises(UserError, match="holds a 'posegan', the recipe trains a 'deformable'"):
        other = write_recipe(tmp_path / "other.yaml", tiny_market, tmp_path / "other", model="deformable")
        train(load_recipe(other, ["--training.init", str(first)]))


def test_a_changed_learning_rate_holds_after_a_resume(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=2, ema=0)
    train(recipe)
    before = load_model(tmp_path / "run" / "weights.safetensors")[0].generator.state_dict()
    train(load_recipe(recipe, ["--training.steps", "4", "--model.lr", "1e-12"]))
    after = load_model(tmp_path / "run" / "weights.safetensors")[0].generator.state_dict()
    assert all(torch.allclose(before[name], after[name], atol=1e-8) for name in before)


def test_every_key_is_described(tiny_market: Path, tmp_path: Path) -> None:
    said = load_recipe(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run")).describe()
    for key, meaning in (
        ("--model.deform", "residual flow"),
        ("--training.ema", "averaged weights"),
        ("--data.root", "folder"),
    ):
        assert meaning in " ".join(said.split(key, 1)[1][:300].split())


def test_nobody_who_is_trained_on_is_validated_on(tiny_market: Path, tmp_path: Path) -> None:
    out = train(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1, validate_every=1))
    assert load_recipe(out / "config.yaml").data.split == "train+validation"
    assert not any("validation_ssim" in entry for entry in metrics(out))
    assert not (out / "best.safetensors").exists()


def test_a_few_pairs_are_trained_on_and_watched(tiny_market: Path, tmp_path: Path) -> None:
    changes = ("--data.split", "train", "--data.limit", "2")
    recipe = load_recipe(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", validate_every=1), changes)
    everything = open_data(load_recipe(tmp_path / "r.yaml", ("--data.split", "train")).data, (128, 64))
    chosen = open_data(recipe.data, (128, 64)).pairs
    assert torch.equal(chosen, everything.pairs[[0, -1]])
    assert not any("validation_ssim" in entry for entry in metrics(train(recipe)))


def test_synthetic_people_can_be_among_the_training_pairs_and_are_not_validated_on(tiny_market: Path) -> None:
    alone = DataSettings("market", str(tiny_market), identities=2, poses=2)
    data = dataclasses.replace(alone, synthetic_share=0.25)
    photos, both = open_data(alone, (128, 64)), open_data(data, (128, 64))
    assert len(both) == round(len(photos) / 0.75)
    assert both.names[: len(photos.names)] == photos.names and len(both.names) == len(photos.names) + 4
    assert both.batch(torch.tensor([0, len(both) - 1])).size == (128, 64)
    watched = [open_data(settings, (128, 64), validation=True).pair_names() for settings in (alone, data)]
    assert watched[0] == watched[1]


def test_torchrun_and_recipe_must_agree(tiny_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="2 processes were started, the settings are for 1"):
        train(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run"))


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="has the device")
def test_a_device_that_is_not_there(tiny_market: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.accelerator 'gpu'"):
        train(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", accelerator="gpu"))


def test_a_run_folder_that_is_a_file(tiny_market: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(UserError, match="run is a file"):
        train(write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("--model.features vgg19_distilled --model.features_path gone.pth", "gone.pth is missing"),
        ("--training.init gone.safetensors", "gone.safetensors is missing"),
        ("--training.out r.yaml", "r.yaml is a file"),
    ],
)
def test_wrong_paths_are_told_before_the_data_are_opened(
    wrong: str, sentence: str, tiny_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("posegan.training.loop.open_data")
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run")
    with pytest.raises(UserError, match=sentence):
        train(load_recipe(recipe, wrong.split()))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["model: posegan", "model: [posegan]"])
def test_a_model_that_is_no_section(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(UserError, match="'model' must be a section"):
        load_recipe(tmp_path / "r.yaml")


def test_a_resume_says_which_settings_changed(
    tiny_market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(recipe)
    train(load_recipe(recipe, ["--training.steps", "2", "--model.pixel_weight", "3"]))
    said = " ".join(capsys.readouterr().err.split())
    assert "model.pixel_weight was 20.0, is 3.0" in said
    assert "training.steps was 1, is 2" in said
    assert "training.seed" not in said


def test_a_folder_of_photos_can_be_read_from_a_pack_that_lies_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    pose = {f"{person}/{i}.png": standing() for person in "ab" for i in range(2)}
    for i, name in enumerate(pose):
        write_png(root / name, photo(i, standing()))
    save_annotations(root / "annotations.csv", pose)
    pack_photos(root, tmp_path / "elsewhere.pack")
    plain = open_data(DataSettings("folder", str(root)), (128, 64)).batch(torch.arange(2))
    for name in pose:
        (root / name).unlink()
    found = open_data(DataSettings("folder", str(root), pack=str(tmp_path / "elsewhere.pack")), (128, 64))
    assert torch.equal(found.batch(torch.arange(2)).source_image, plain.source_image)


def test_the_log_goes_on_without_a_gap_or_a_point_twice(tmp_path: Path) -> None:
    for start, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        with RunLog(tmp_path, 4, start, 1, quiet=False) as log:
            for step in steps:
                log.scalars(step, {"loss": 10 * start + step})
    assert metrics(tmp_path) == [{"step": s, "loss": value} for s, value in ((1, 1), (2, 2), (3, 23), (4, 24))]
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [(1, 1), (2, 2), (3, 23), (4, 24)]
