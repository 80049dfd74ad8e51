"""`posegan sample` from the outside: its sheet, and one sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from posegan.cli import main
from posegan.config import to_tree
from posegan.images import read_photo, write_png
from posegan.models import create_model
from posegan.pose import write_openpose
from posegan.weights import WeightsInfo, save_weights
from tests.small_world import photo, standing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of small models that sample: one with samplers, one without, one without a background, and VUNet."""
    folder = tmp_path_factory.mktemp("samplers")
    tiny = {"width": 4, "blocks": 3, "crop": 8, "latent": 4, "hidden": 8}
    for file, name, config, trained in (
        ("drawing", "disentangled", tiny, True),
        ("untrained", "disentangled", tiny, False),
        ("whole", "disentangled", tiny | {"background": False}, True),
        ("vunet", "vunet", {"width": 2, "features": "none"}, True),
    ):
        torch.manual_seed(0)
        model = create_model(name, **config)
        for key, flag in model.generator.named_buffers():
            if key.endswith("trained"):
                flag.fill_(float(trained))
        info = WeightsInfo(name, to_tree(model.config))
        save_weights(folder / f"{file}.safetensors", model.generator.state_dict(), info)
    return folder


def source(market: Path, person: int = 11) -> str:
    return str(market / "bounding_box_test" / f"{person:04d}_c1s1_000000_00.png")


def test_people_are_drawn(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["sample", "--weights", str(folder / "drawing.safetensors"), "--device", "cpu", "--count", "3"]
    out = [tmp_path / "new" / f"{i}.png" for i in range(4)]
    for path, more in zip(out, ([], [], ["--seed", "1"], ["--pose", "back"]), strict=True):
        assert main([*common, "--out", str(path), *more]) == 0
        assert f"wrote {path}" in capsys.readouterr().out
        assert read_photo(path).shape == (3, 2 * 130 + 2, 3 * 66 + 2)
    sheets = [path.read_bytes() for path in out]
    assert sheets[0] == sheets[1]
    assert len(set(sheets)) == 3


def test_factors_are_taken_from_photos(folder: Path, market: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "me.png", photo(1, standing()))
    write_openpose(tmp_path / "pose.json", [standing()])
    argv = ["sample", "--weights", folder / "drawing.safetensors", "--count", 2, "--foreground", source(market)]
    argv += ["--background", tmp_path / "me.png", "--background-pose", tmp_path / "pose.json", "--no-metadata"]
    assert main([str(a) for a in [*argv, "--out", tmp_path / "out.png"]]) == 0
    sheet = read_photo(tmp_path / "out.png")
    assert sheet.shape == (3, 3 * 130 + 2, 2 * 66 + 2)
    assert torch.equal(sheet[:, 2:130, 2:66], read_photo(source(market)))
    assert torch.equal(sheet[:, 2:130, 68:132], read_photo(tmp_path / "me.png"))


MISTAKES = {
    "no weights": ("--out O.png", "the following arguments are required: --weights"),
    "no number": ("--weights W --out O.png --count 0", "'0' is not a positive whole number"),
    "no sampler": ("--weights {weights} --out O.png", "The model 'posegan' draws no people of its own"),
    "untrained": ("--weights {folder}/untrained.safetensors --out O.png", "no trained sampler of the pose"),
    "untrained appearance": (
        "--weights {folder}/untrained.safetensors --pose back --foreground {photo} --out O.png",
        "no trained sampler of the background",
    ),
    "vunet without a pose": ("--weights {folder}/vunet.safetensors --out O.png", "give a pose"),
    "vunet has no foreground": (
        "--weights {folder}/vunet.safetensors --pose back --foreground {photo} --out O.png",
        "leave the foreground out",
    ),
    "no background apart": (
        "--weights {folder}/whole.safetensors --background {photo} --out O.png",
        "leave the background out",
    ),
    "joints of no photo": (
        "--weights {folder}/drawing.safetensors --foreground-pose back --out O.png",
        "--foreground-pose belongs to a photo",
    ),
    "photo without joints": (
        "--weights {folder}/drawing.safetensors --foreground {plain} --out O.png",
        "foreground pose",
    ),
    "missing photo": (
        "--weights {folder}/drawing.safetensors --background gone.png --out O.png",
        "gone.png cannot be opened",
    ),
    "unknown pose": (
        "--weights {folder}/drawing.safetensors --pose walkin --out O.png",
        "did you mean 'walking'",
    ),
    "out is no png": ("--weights {folder}/drawing.safetensors --out O.jpg", "ends in .png"),
    "out is a folder": ("--weights {folder}/drawing.safetensors --out {tmp}", "is a folder: give a file name"),
    "out is an input": (
        "--weights {folder}/drawing.safetensors --foreground {photo} --out {photo}",
        "would be lost",
    ),
}


@pytest.mark.parametrize(("line", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(
    line: str,
    sentence: str,
    folder: Path,
    weights: Path,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "plain.png", photo(1, standing()))
    places = {"folder": folder, "weights": weights, "photo": source(market), "plain": tmp_path / "plain.png"}
    assert main(["sample", *(word.format(**places, tmp=tmp_path) for word in line.split())]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    complaint = printed.err.strip().splitlines()[-1]
    assert complaint.startswith("posegan: ")
    assert sentence in complaint
    assert complaint.endswith((".", "?"))
    assert "Traceback" not in printed.err
    assert not list(tmp_path.glob("O.*"))
