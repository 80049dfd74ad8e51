"""Exact resume: a run that is killed with SIGKILL and started again ends with bit-identical weights."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from posegan.errors import UserError
from posegan.models import create_model
from posegan.training import load_recipe, train
from posegan.training.state import DamagedStateWarning, list_states, load_newest_state, save_state
from posegan.training.step import Stepper
from posegan.weights import read_weights

from .tiny import write_recipe

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def weights_hash(folder: Path) -> str:
    """Hash what the file holds, not its bytes: safetensors writes the metadata's two keys in any order."""
    info, tensors = read_weights(folder / "weights.safetensors")
    digest = hashlib.sha256(repr(info).encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()


def state_of(folder: Path) -> dict:
    found = load_newest_state(folder / "state")
    assert found is not None
    return found[1]


def assert_same(left: object, right: object) -> None:
    if isinstance(left, dict):
        assert isinstance(right, dict) and left.keys() == right.keys()
        for key in left:
            assert_same(left[key], right[key])
    elif isinstance(left, (list, tuple)):
        for a, b in zip(left, right, strict=True):
            assert_same(a, b)
    elif isinstance(left, torch.Tensor):
        assert torch.equal(left, right)
    else:
        assert left == right


@pytest.mark.parametrize("model", ["posegan", "deformable"])
def test_stopping_and_going_on_changes_no_bit(model: str, tiny_market: Path, tmp_path: Path) -> None:
    whole = write_recipe(tmp_path / "whole.yaml", tiny_market, tmp_path / "whole", model=model)
    train(whole)
    parts = write_recipe(tmp_path / "parts.yaml", tiny_market, tmp_path / "parts", model=model)
    for steps in (2, 3, 7, 8):  # on and off the saving steps
        train(load_recipe(parts, ["--training.steps", str(steps)]))
    assert weights_hash(tmp_path / "whole") == weights_hash(tmp_path / "parts")
    assert_same(state_of(tmp_path / "whole"), state_of(tmp_path / "parts"))
    lines = [json.loads(line)["step"] for line in (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines()]
    assert lines == list(range(1, 9))


def run_cli(recipe: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "posegan", "train", str(recipe)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.contract
def test_sigkill_mid_epoch(tiny_market: Path, tmp_path: Path) -> None:
    train(write_recipe(tmp_path / "whole.yaml", tiny_market, tmp_path / "whole", steps=40))
    recipe = write_recipe(tmp_path / "killed.yaml", tiny_market, tmp_path / "killed", steps=40)
    log, killed = tmp_path / "killed" / "metrics.jsonl", 0
    for after in (4, 17, 30):
        process = run_cli(recipe)
        while process.poll() is None:
            if log.is_file() and log.read_text().count("\n") >= after:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        killed += process.wait() == -signal.SIGKILL
    assert killed >= 2  # the last one may have finished before the signal came
    assert run_cli(recipe).wait() == 0
    assert weights_hash(tmp_path / "whole") == weights_hash(tmp_path / "killed")


DIE_WHILE_WRITING = """
import os, signal, sys
from posegan.cli import main

real, seen = os.fsync, 0

def dying(handle):
    global seen
    name = os.readlink(f"/proc/self/fd/{handle}")
    if "/state/" in name:
        seen += 1
        if seen == 2:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)  # half of it reached the disk
            os.kill(os.getpid(), signal.SIGKILL)
    real(handle)

os.fsync = dying
main(["train", sys.argv[1]])
"""


@pytest.mark.contract
@pytest.mark.skipif(sys.platform != "linux", reason="finds the file by /proc")
def test_sigkill_while_a_state_is_written(tiny_market: Path, tmp_path: Path) -> None:
    train(write_recipe(tmp_path / "whole.yaml", tiny_market, tmp_path / "whole"))
    recipe = write_recipe(tmp_path / "killed.yaml", tiny_market, tmp_path / "killed")
    dead = subprocess.run([sys.executable, "-c", DIE_WHILE_WRITING, str(recipe)], env=ENVIRONMENT, capture_output=True)
    assert dead.returncode == -signal.SIGKILL
    state = tmp_path / "killed" / "state"
    assert list(state.glob("*.part")), "it died before it wrote anything"
    assert [path.name[:13] for path in list_states(state)] == ["step-00000003"]
    train(recipe)
    assert weights_hash(tmp_path / "whole") == weights_hash(tmp_path / "killed")


def test_a_damaged_state_is_passed_over_aloud(tmp_path: Path) -> None:
    for step in (1, 2):
        save_state(tmp_path, step, {"value": step}, keep=5)
    newest = list_states(tmp_path)[0]
    newest.write_bytes(newest.read_bytes()[:-7])
    with pytest.warns(DamagedStateWarning, match=newest.name):
        assert load_newest_state(tmp_path) == (1, {"value": 1})


def test_only_damaged_states_stop_with_the_remedy(tmp_path: Path) -> None:
    path = save_state(tmp_path, 1, {"value": 1}, keep=1)
    path.write_bytes(b"x")
    with pytest.warns(DamagedStateWarning), pytest.raises(UserError, match="delete that folder"):
        load_newest_state(tmp_path)


def test_only_the_newest_states_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        save_state(tmp_path, step, {"step": step}, keep=2)
    assert [path.name[:13] for path in list_states(tmp_path)] == ["step-00000004", "step-00000003"]


def test_another_thread_count_warns(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(recipe)
    with pytest.warns(UserWarning, match="threads was 1, is 2"):
        train(load_recipe(recipe, ["--training.steps", "2", "--training.threads", "2"]))
    torch.set_num_threads(1)


def test_never_resuming_refuses_a_folder_with_a_run(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(recipe)
    with pytest.raises(UserError, match="already holds a run"):
        train(recipe, resume=False)


def test_no_good_state_is_deleted_for_a_damaged_one(tmp_path: Path) -> None:
    for step in (1, 9):
        damaged = save_state(tmp_path, step, {"step": step}, keep=2)
    damaged.write_bytes(b"x")
    (tmp_path / ".step-00000009-half.pt.abc.part").write_bytes(b"x")  # of a writer that was killed
    path = save_state(tmp_path, 2, {"step": 2}, keep=1)
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_of_another_model_is_not_gone_on_with(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(recipe)
    with pytest.raises(UserError, match="holds a run of another model"):
        train(load_recipe(recipe, ["--training.steps", "2", "--model.width", "8"]))


def test_a_run_with_other_updates_is_not_gone_on_with(tiny_market: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(load_recipe(recipe, ["--model.adversarial_weight", "0"]))
    with pytest.raises(UserError, match="holds a run of another model"):
        train(load_recipe(recipe, ["--training.steps", "2"]))


def test_another_kind_of_optimiser_does_not_take_over_a_state() -> None:
    small = {"width": 4, "blocks": 3, "crop": 8, "latent": 4, "hidden": 8, "discriminator_width": 2}
    models = [create_model("disentangled", sampler=sampler, **small) for sampler in ("clip", "gp")]
    clipped, penalised = (Stepper(model, model.phases()[-1], Fabric(accelerator="cpu")) for model in models)
    states = {name: optimiser.state_dict() for name, optimiser in clipped.optimisers.items()}
    clipped.load(states)
    with pytest.raises(ValueError, match="another kind of optimiser"):
        penalised.load(states)


def test_a_finished_run_says_so(tiny_market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=1)
    train(recipe)
    assert "steps already" not in capsys.readouterr().err
    train(recipe)
    assert "has its 1 steps already" in capsys.readouterr().err
