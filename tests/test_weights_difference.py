"""Weights as a difference: near enough to what was stored, an eighth of the size, and tied to the weights beside it."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan import weights
from posegan.errors import UserError
from posegan.models import create_model
from posegan.weights import (
    WeightsInfo,
    find_weights,
    load_model,
    read_info,
    read_weights,
    root_of,
    save_difference,
    save_share,
    save_weights,
)
from posegan.weights_difference import STEPS, between, pack, unpack

CONFIG = {"size": [64, 32], "width": 2, "warp": "full"}
INFO = WeightsInfo("deformable", CONFIG, data="synthetic", step=7, licence="MIT")


def random_weights(seed: int) -> dict[str, Tensor]:
    """Return tensors of odd and even counts, of one dimension and none."""
    gen = torch.Generator().manual_seed(seed)
    shapes = {"conv.weight": (5, 3, 3, 3), "conv.bias": (5,), "even": (4, 2), "count": ()}
    return {name: torch.randn(shape, generator=gen) for name, shape in shapes.items()}


def test_no_number_is_off_by_more_than_half_a_step_of_its_channel():
    base, moved = random_weights(0), random_weights(1)
    back = unpack(pack(moved, base), base)
    assert back.keys() == moved.keys()
    for name in ("conv.bias", "count"):
        assert torch.equal(back[name], moved[name])
    for name in ("conv.weight", "even"):
        largest = (moved[name] - base[name]).flatten(1).abs().amax(1)
        off = (back[name] - moved[name]).flatten(1).abs().amax(1)
        assert (off <= largest / STEPS / 2 + 1e-6).all()
        assert (off > 0).any()


def test_two_numbers_share_a_byte():
    base, moved = random_weights(0), random_weights(1)
    packed = pack(moved, base)
    for name in ("conv.weight", "even"):
        assert packed[name].dtype == torch.uint8
        assert len(packed[name]) == math.ceil(base[name].numel() / 2)


def test_what_does_not_differ_comes_back_exactly():
    base = random_weights(0)
    back = unpack(pack(base, base), base)
    assert all(torch.equal(back[name], value) for name, value in base.items())


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base that counts as bundled, in a folder for others."""
    torch.manual_seed(0)
    state = create_model("deformable", size=(64, 32), width=2, warp="full").generator.state_dict()
    path = tmp_path / "first.safetensors"
    save_weights(path, state, INFO)
    monkeypatch.setattr(weights, "_bundled", lambda: {file.stem: file for file in tmp_path.glob("*.safetensors")})
    return path


def moved_from(path: Path) -> dict[str, Tensor]:
    state = read_weights(path)[1]
    return {name: value + 0.01 * torch.randn_like(value) for name, value in state.items()}


def test_a_file_of_a_difference_is_small_and_loads_like_any_other(bundle: Path, tmp_path: Path):
    moved = moved_from(bundle)
    save_difference(tmp_path / "second.safetensors", moved, INFO, "first")
    model, info = load_model(find_weights("second"))
    assert (info.base, info.model, info.step) == ("first", "deformable", 7)
    loaded = model.generator.state_dict()
    for name, value in moved.items():
        assert torch.allclose(loaded[name], value, atol=0.04 / STEPS / 2)
    numbers = sum(value.numel() for value in moved.values())
    assert (tmp_path / "second.safetensors").stat().st_size < numbers + 40_000  # with its header; float32: 4 bytes each


def test_a_difference_to_other_weights_is_refused(bundle: Path, tmp_path: Path):
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    save_weights(bundle, moved_from(bundle), INFO)
    with pytest.raises(UserError, match=r"second.* is a difference to another 'first' than this version has"):
        read_weights(tmp_path / "second.safetensors")


def test_a_difference_without_its_base_is_refused(bundle: Path, tmp_path: Path):
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    bundle.unlink()
    with pytest.raises(UserError, match="Unknown weights 'first'"):
        read_weights(tmp_path / "second.safetensors")


def test_a_difference_describes_itself_without_its_base(bundle: Path, tmp_path: Path):
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    bundle.unlink()
    assert read_info(tmp_path / "second.safetensors").base == "first"


@pytest.mark.parametrize("change", ["missing", "short"])
def test_a_difference_of_another_architecture_is_refused(bundle: Path, tmp_path: Path, change: str):
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    info, _ = read_weights(tmp_path / "second.safetensors")
    packed = pack(moved_from(bundle), read_weights(bundle)[1])
    name = next(name for name, value in packed.items() if value.dtype == torch.uint8)
    packed[name] = packed[name][:1]
    if change == "missing":
        del packed[name]
    save_weights(tmp_path / "second.safetensors", packed, replace(info))
    with pytest.raises(UserError, match="second.* does not fit 'first'"):
        read_weights(tmp_path / "second.safetensors")


def test_weights_in_between_lie_on_the_line_and_count_as_the_end_does():
    start, end = ({**random_weights(seed), "count": torch.tensor(seed)} for seed in (3, 8))
    middle = between(start, end, 0.25)
    assert middle.keys() == end.keys()
    assert torch.allclose(middle["even"], 0.75 * start["even"] + 0.25 * end["even"])
    assert middle["count"] == 8
    for share, same in ((0, start), (1, end)):
        assert torch.equal(between(start, end, share)["even"], same["even"])


@pytest.mark.parametrize("change", ["more", "fewer", "shape"])
def test_there_is_nothing_between_two_architectures(change: str):
    start, end = random_weights(3), random_weights(8)
    if change == "shape":
        end["even"] = end["even"].T
    else:
        del (start if change == "more" else end)["even"]
    with pytest.raises(ValueError, match="even"):
        between(start, end, 0.5)


@pytest.fixture
def chain(bundle: Path, tmp_path: Path) -> Path:
    """Weights that take a quarter of the difference `second` to `first`."""
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    save_share(tmp_path / "third.safetensors", "second", 0.25)
    return tmp_path / "third.safetensors"


def test_a_share_of_a_difference_takes_no_space_and_loads_like_any_other(bundle: Path, chain: Path):
    assert chain.stat().st_size < 2_000
    loaded = load_model(find_weights("third"))[0].generator.state_dict()
    start, end = (read_weights(find_weights(name))[1] for name in ("first", "second"))
    assert all(torch.allclose(value, start[name].lerp(end[name], 0.25)) for name, value in loaded.items())
    assert [root_of(find_weights(name)) for name in ("first", "second", "third")] == [bundle] * 3


def test_a_share_of_a_difference_to_other_weights_is_refused(bundle: Path, chain: Path):
    save_weights(bundle, moved_from(bundle), INFO)
    with pytest.raises(UserError, match=r"second.* is a difference to another 'first' than this version has"):
        read_weights(chain)


def test_a_share_of_another_difference_is_refused(bundle: Path, chain: Path, tmp_path: Path):
    save_difference(tmp_path / "second.safetensors", moved_from(bundle), INFO, "first")
    with pytest.raises(UserError, match=r"third.* is a difference to another 'second' than this version has"):
        read_weights(chain)
