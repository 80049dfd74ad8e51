"""The command line of the learning path: mistakes are told in one sentence, and no foreign file is overwritten."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import step1_numpy_network
from data import load_digits
from PIL import Image
from program import Figure, Options, run

from posegan.errors import UserError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "0"], "'0' is not a positive whole number"),
        (["--seed", "-1"], "--seed is -1: give 0 or more"),
        (["--download"], "give --data FOLDER too"),
        (["--out", "picture.jpg"], "give a name that ends in .png"),
        (["--data", "nowhere"], "MNIST could not be read from nowhere"),
        (["--what"], "Unknown option '--what'; did you mean '--data'"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert step1_numpy_network.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("step1_numpy_network: ")
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_only_its_own_picture_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def step(options: Options) -> Figure:
        return Figure(figsize=(options.steps, 1))

    out = tmp_path / "new" / "picture.png"
    for wide in (2, 3):
        assert run(step, wide, "Step 0: a page.", "a book", ["--out", str(out)]) == 0
        with Image.open(out) as picture:
            assert picture.size == (100 * wide, 100)
    Image.new("RGB", (4, 4)).save(out)
    foreign = out.read_bytes()
    capsys.readouterr()
    assert run(step, 2, "Step 0: a page.", "a book", ["--out", str(out)]) == 2
    assert "give another name with --out" in capsys.readouterr().err
    assert out.read_bytes() == foreign


def test_digits_are_split_without_overlap() -> None:
    digits = load_digits()
    assert digits.images.shape == (1297, 8, 8)
    assert digits.test_images.shape == (500, 8, 8)
    assert digits.images.min() == 0
    assert digits.images.max() == 1
    every = np.concatenate([digits.images, digits.test_images]).reshape(1797, -1)
    assert len(np.unique(every, axis=0)) == 1797  # no two digits are equal, so none is in both halves
    assert set(digits.test_labels) == set(range(10))


def test_mnist_is_read_from_torchvisions_folder(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    pixels = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
    for part, count in (("train", 3), ("t10k", 2)):
        images = struct.pack(">iiii", 0x803, count, 28, 28) + pixels[:count].tobytes()
        labels = struct.pack(">ii", 0x801, count) + bytes([7, 0, 9][:count])
        for name, content in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            (raw / name).write_bytes(content)
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
    digits = load_digits(tmp_path)
    assert digits.name == "MNIST"
    assert digits.size == 28
    assert np.array_equal(digits.images, (pixels / 255).astype(np.float32))
    assert digits.labels.tolist() == [7, 0, 9]
    assert digits.test_labels.tolist() == [7, 0]
    with pytest.raises(UserError, match="add --download"):
        load_digits(tmp_path / "elsewhere")
