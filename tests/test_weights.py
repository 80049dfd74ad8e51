"""Weight files: exact there and back, self-describing, and every wrong file is one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from posegan.errors import UserError
from posegan.models import ReposeModel, create_model
from posegan.weights import WeightsInfo, bundled_names, fill, find_weights, load_model, read_weights, save_weights

from .pose.people import random_people

CONFIG = {"size": [64, 32], "width": 2, "warp": "full"}
INFO = WeightsInfo("deformable", CONFIG, data="synthetic", step=7, licence="MIT: für alle")


@pytest.fixture(scope="module")
def model() -> ReposeModel:
    torch.manual_seed(0)
    return create_model("deformable", size=(64, 32), width=2, warp="full").eval()


@pytest.fixture
def file(tmp_path: Path, model: ReposeModel) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(path, model.generator.state_dict(), INFO)
    return path


@pytest.fixture
def damaged(file: Path) -> Callable[[bytes, bytes], Path]:
    def change(old: bytes, new: bytes) -> Path:
        """Replace bytes of the header by as many others."""
        data = file.read_bytes()
        assert old in data
        assert len(old) == len(new)
        file.write_bytes(data.replace(old, new))
        return file

    return change


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_float32_weights_come_back_exactly(file: Path, model: ReposeModel):
    info, tensors = read_weights(file)
    expected = model.generator.state_dict()
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], value) for name, value in expected.items())
    assert info == replace(INFO, version=metadata.version("posegan"))


def test_a_loaded_model_draws_the_same_pictures_and_is_ready_to_use(file: Path, model: ReposeModel):
    loaded, info = load_model(file)
    assert info.step == 7
    assert not any(module.training for module in loaded.modules())
    assert loaded.config == model.config  # type: ignore[attr-defined]
    photo, source, target = torch.rand(2, 3, 64, 32) * 2 - 1, random_people(2, 0), random_people(2, 1)
    with torch.no_grad():
        assert torch.equal(loaded.generator(photo, source, target).image, model.generator(photo, source, target).image)


def test_half_weights_take_half_the_space_and_come_back_as_float32(tmp_path: Path):
    state = {"a": torch.randn(100, 100), "count": torch.tensor(3)}
    for half in (False, True):
        save_weights(tmp_path / f"{half}.safetensors", state, INFO, half=half)
    whole, halved = ((tmp_path / f"{half}.safetensors").stat().st_size for half in (False, True))
    assert whole - halved == 2 * 100 * 100
    tensors = read_weights(tmp_path / "True.safetensors")[1]
    assert torch.equal(tensors["a"], state["a"].half().float())
    assert (tensors["count"], tensors["count"].dtype) == (3, torch.int64)


def test_any_memory_order_and_graph_is_saved(tmp_path: Path):
    weight = torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last).requires_grad_()
    save_weights(tmp_path / "w.safetensors", {"w": weight}, INFO)
    assert torch.equal(read_weights(tmp_path / "w.safetensors")[1]["w"], weight.detach())


def test_the_description_is_readable_by_other_tools(file: Path):
    with safe_open(file, framework="pt") as opened:
        described = json.loads(opened.metadata()["info"])
    assert (described["model"], described["skeleton"], described["config"]) == ("deformable", "coco18", CONFIG)


def test_fields_of_later_versions_are_ignored(file: Path):
    with safe_open(file, framework="pt") as opened:
        described = opened.metadata()
    described["info"] = json.dumps(json.loads(described["info"]) | {"mood": "good"})
    save_file(read_weights(file)[1], file, described)
    assert read_weights(file)[0].step == 7


@pytest.mark.parametrize("kept", [0, 5, 100, -1000])
def test_a_file_that_is_cut_off_is_refused(file: Path, kept: int):
    file.write_bytes(file.read_bytes()[:kept])
    assert "is no readable safetensors file" in refusal(file)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path, model: ReposeModel):
    """Their pictures would be plain black."""
    tensors = {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}
    last = next(reversed(tensors))
    tensors[last].view(-1)[-1] = value
    save_weights(tmp_path / "w.safetensors", tensors, INFO)
    assert repr(last) in refusal(tmp_path / "w.safetensors")


def test_something_else_is_refused(tmp_path: Path):
    (tmp_path / "x.safetensors").write_bytes(b"no weights at all" * 100)
    assert "is no readable safetensors file" in refusal(tmp_path / "x.safetensors")


@pytest.mark.parametrize("described", [None, {"format": "pt"}])
def test_a_foreign_safetensors_file_is_refused(tmp_path: Path, described: dict[str, str] | None):
    save_file({"weight": torch.zeros(1)}, tmp_path / "x.safetensors", described)
    assert "was not written by posegan" in refusal(tmp_path / "x.safetensors")


@pytest.mark.parametrize("info", [None, "no json", "[]", "{}"])
def test_a_file_without_description_is_refused(tmp_path: Path, info: str | None):
    described = {"format": "posegan-weights-1"} | ({} if info is None else {"info": info})
    save_file({"weight": torch.zeros(1)}, tmp_path / "x.safetensors", described)
    assert "does not say which model it holds" in refusal(tmp_path / "x.safetensors")


def test_another_skeleton_is_refused(damaged):
    assert "expects the skeleton 'coco17'; this version knows 'coco18' only" in refusal(damaged(b"coco18", b"coco17"))


def test_another_shape_is_refused_naming_the_weight(damaged):
    message = refusal(damaged(b'\\"width\\": 2', b'\\"width\\": 3'))
    assert "does not fit the model: size mismatch for appearance.first.weight" in message


def test_another_weight_name_is_refused_naming_the_weight(damaged):
    assert '"decoder.last.bias"' in refusal(damaged(b'"decoder.last.bias"', b'"decoder.lost.bias"'))


def test_an_unknown_option_or_model_is_refused_with_the_nearest(damaged):
    message = refusal(damaged(b'\\"width\\": 2', b'\\"widht\\": 2'))
    assert f"posegan {metadata.version('posegan')} and does not fit this version" in message
    assert "did you mean 'width'" in message


def test_an_unknown_model_is_refused(damaged):
    assert "did you mean 'deformable'" in refusal(damaged(b'\\"deformable\\"', b'\\"deformabel\\"'))


def test_weights_are_found_by_file_and_by_run_folder(file: Path):
    assert find_weights(str(file)) == file
    assert find_weights(file.parent) == file


def test_a_missing_file_is_a_sentence(tmp_path: Path):
    path = tmp_path / "no.safetensors"
    assert find_weights(path) == path
    assert "is missing: give a .safetensors file that posegan wrote" in refusal(path)


def test_a_run_folder_before_its_first_save_is_a_sentence(tmp_path: Path):
    (tmp_path / "config.yaml").touch()
    with pytest.raises(UserError, match="holds no weights yet"):
        find_weights(tmp_path)


def test_a_name_that_is_nothing_is_answered_with_what_can_be_given():
    with pytest.raises(
        UserError, match=r"Unknown weights 'xyzzy'; choose one of: .*a \.safetensors file, a run folder"
    ):
        find_weights("xyzzy")


@pytest.mark.parametrize("name", bundled_names())
def test_shipped_weights_are_found_by_name_and_load(name: str):
    model, info = load_model(find_weights(name))
    assert info.licence
    assert info.model
    assert all(p.isfinite().all() for p in model.generator.parameters())


def test_missing_weights_are_told_by_the_first(model: ReposeModel):
    with pytest.raises(UserError, match=r'Missing key\(s\) in state_dict: "[\w.]+"\. Use the config'):
        fill(model, {}, Path("x.safetensors"))
