"""Step 4: the layers written out are PyTorch's, each regulariser does what the step says, and photos are not shared."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from data import torchvision_set
from PIL import Image
from program import Options
from step4_batchnorm_dropout import (
    BatchNorm,
    Dropout,
    Photos,
    load_photos,
    main,
    synthetic_people,
    train,
)
from torch import nn

from posegan.errors import UserError


@pytest.fixture(scope="module")
def people() -> Photos:
    return synthetic_people(test=15)


def test_batch_norm_is_pytorchs() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(5), nn.BatchNorm2d(5)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.arange(5.0))
            norm.bias.copy_(torch.arange(5.0).flip(0))
    for _ in range(3):
        x = 3 * torch.randn(4, 5, 6, 7) + 1
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        outputs = [norm(x) for norm, x in zip((ours, theirs), inputs, strict=True)]
        torch.testing.assert_close(*outputs)
        for output in outputs:
            output.square().sum().backward()
        assert inputs[0].grad is not None
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.variance, theirs.running_var)
    x = torch.randn(1, 5, 2, 2)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_dropout_keeps_the_mean_in_training_and_everything_in_use() -> None:
    torch.manual_seed(0)
    dropout, x = Dropout(0.25), torch.ones(100_000)
    y = dropout(x)
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert y.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(x), x)


def test_photos_of_training_and_test_differ(people: Photos) -> None:
    assert people.images.shape == (150, 3, 32, 16)
    assert people.test_images.shape == (150, 3, 32, 16)
    every = torch.cat([people.images, people.test_images]).flatten(1)
    assert len(every.unique(dim=0)) == 300
    assert people.labels.bincount().tolist() == [15] * 10


def test_it_learns_and_each_regulariser_shows(people: Photos) -> None:
    plain, dropped, normed = (train(people, *kind, 35, 0) for kind in ((False, False), (False, True), (True, False)))
    _, learned, known, loss = normed[-1]
    assert known > 0.5
    assert loss < 1.5
    assert learned > plain[3][1] + 0.1  # batch norm learns faster: more than plain had learned at step 20
    assert normed[3][1] > plain[3][1] + 0.1
    assert plain[-1][1] > dropped[-1][1]  # dropout remembers less


def test_cifar_is_read_from_torchvisions_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    for name, count in (("data_batch_1", 6), ("test_batch", 4)):
        content = {"data": pixels[:count].reshape(count, -1), "labels": [3, 1, 4, 1, 5, 9][:count]}
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", None]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", None]])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": None})
    photos = load_photos(Options(tmp_path, False, tmp_path / "x.png", 1, 0))
    assert torch.allclose(photos.images, torch.from_numpy(pixels) / 127.5 - 1, atol=1e-6)
    assert photos.test_labels.tolist() == [3, 1, 4, 1]
    with pytest.raises(UserError, match=r"CIFAR10 could not be read from .*: add --download"):
        torchvision_set("CIFAR10", tmp_path / "elsewhere", False, train=True)


def test_the_program_runs(
    people: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("step4_batchnorm_dropout.RUNS", 1)
    monkeypatch.setattr("step4_batchnorm_dropout.synthetic_people", lambda: people)
    out = tmp_path / "step4.png"
    assert main(["--steps", "2", "--out", str(out)]) == 0
    assert "batch norm" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > 1000
