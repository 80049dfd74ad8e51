"""Weights between two others: on the line, self-describing, and only where there is a line."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from posegan.cli import main
from posegan.errors import UserError
from posegan.inference.blend import blend
from posegan.inference.open_data import open_data
from posegan.models import create_model
from posegan.models.batch_norm import PAIRS
from posegan.spread import evenly_spread
from posegan.weights import WeightsInfo, find_weights, load_model, read_info, read_weights, save_weights

SMALL = {"size": [64, 32], "width": 2, "warp": "full"}
INFO = WeightsInfo("deformable", SMALL, data="market", step=7, licence="For research only.")


def random_model(path: Path, seed: int, info: WeightsInfo = INFO) -> Path:
    torch.manual_seed(seed)
    save_weights(path, create_model(info.model, **info.config).generator.state_dict(), info)
    return path


@pytest.fixture
def ends(tmp_path: Path) -> tuple[Path, Path]:
    later = replace(INFO, data="synthetic", step=9, licence="MIT")
    return random_model(tmp_path / "start.safetensors", 0), random_model(tmp_path / "end.safetensors", 1, later)


def test_the_file_lies_between_and_says_what_both_were_trained_on(ends: tuple[Path, Path], tmp_path: Path):
    made = blend(*ends, 0.75, tmp_path / "out" / "between.safetensors")
    assert not made.unmeasured
    info, tensors = read_weights(made.path)
    (_, start), (_, end) = map(read_weights, ends)
    assert all(torch.allclose(tensors[name], start[name].lerp(end[name], 0.75)) for name in end)
    assert any(not torch.equal(start[name], end[name]) for name in end)
    assert (info.data, info.licence, info.step) == ("market synthetic", "For research only. MIT", 9)
    assert not info.synthetic


def test_one_licence_is_said_once_and_a_difference_becomes_whole(tmp_path: Path):
    made = blend("posegan-market-research", "posegan-market-research-balanced", 0.5, tmp_path / "w.safetensors")
    info = read_weights(made.path)[0]
    assert info.licence == read_info(find_weights("posegan-market-research")).licence
    assert (info.base, info.base_sha256, info.share, info.data) == ("", "", None, "market")


@pytest.fixture
def normed(tmp_path: Path) -> list[Path]:
    info = replace(INFO, model="patn", config={"size": [64, 32], "width": 2, "blocks": 1})
    return [random_model(tmp_path / f"{seed}.safetensors", seed, info) for seed in (0, 1)]


def test_blended_statistics_of_batch_norm_are_told_and_measured_where_there_are_data(
    normed: list[Path], market: Path, tmp_path: Path
):
    """The first layer sees the photos alone, whose mean is known without the network."""
    blended = blend(*normed, 0.5, tmp_path / "blended.safetensors")
    measured = blend(*normed, 0.5, tmp_path / "measured.safetensors", "synthetic")
    assert (blended.unmeasured, measured.unmeasured) == (True, False)
    tensors = [read_weights(made.path)[1] for made in (blended, measured)]
    mean = "encoder.photo.1.running_mean"
    assert not tensors[0][mean].any()  # as in both ends
    conv = load_model(measured.path)[0].generator.get_submodule("encoder.photo.0")
    data = open_data("synthetic", (64, 32))
    with torch.no_grad():
        means = [
            conv(data.batch(part).source_image).mean((0, 2, 3)) for part in evenly_spread(len(data), PAIRS).split(32)
        ]
    torch.testing.assert_close(tensors[1][mean], torch.stack(means).mean(0), rtol=0, atol=1e-3)
    assert all(
        torch.equal(tensors[0][name], tensors[1][name])
        for name in tensors[0]
        if "running" not in name and "num_b" not in name
    )


def test_data_that_are_not_needed_or_do_not_fit_are_refused(
    ends: tuple[Path, Path], normed: list[Path], market: Path, tmp_path: Path
):
    with pytest.raises(UserError, match="holds no batch norm that would have to be measured on synthetic"):
        blend(*ends, 0.5, tmp_path / "w.safetensors", "synthetic")
    with pytest.raises(UserError, match="for photos of 64x32 .*, the data has 128x64"):
        blend(*normed, 0.5, tmp_path / "w.safetensors", market)
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"config": SMALL | {"width": 4}}, "two architectures"),
        ({"model": "vunet", "config": {"size": [64, 32], "width": 2}}, "'deformable'.*'vunet': give two of one model"),
    ],
)
def test_there_is_nothing_between_two_architectures(
    ends: tuple[Path, Path], tmp_path: Path, changed: dict[str, object], sentence: str
):
    other = random_model(tmp_path / "other.safetensors", 2, replace(INFO, **changed))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=sentence):
        blend(ends[0], other, 0.5, tmp_path / "new" / "w.safetensors")
    assert not (tmp_path / "new").exists()


def test_there_is_nothing_beyond_the_ends(ends: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(UserError, match="share -0.1 is not between 0 and 1"):
        blend(*ends, -0.1, tmp_path / "w.safetensors")


MISTAKES = {
    "share": ("{start} {end} --share 1.5 --out w.safetensors", "is not a number from 0 to 1"),
    "no share": ("{start} {end} --out w.safetensors", "--share"),
    "ending": ("{start} {end} --share 0.5 --out w.bin", "that ends in .safetensors"),
    "there": ("{start} {end} --share 0.5 --out {end}", "is there already and would be lost"),
    "export": ("{start} gone.onnx --share 0.5 --out w.safetensors", "gone.onnx is an export"),
    "data": ("{start} {end} --share 0.5 --out w.safetensors --data gone", "gone"),
    "missing": ("{start} gone.safetensors --share 0.5 --out w.safetensors", "gone.safetensors is missing"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, ends: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    words, sentence = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert main(["blend", *words.format(start=ends[0], end=ends[1]).split()]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_command_says_what_it_wrote(ends: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "w.safetensors"
    assert main(["blend", *map(str, ends), "--share", "0.5", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert out.is_file()
