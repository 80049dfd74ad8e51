"""Feature networks from small random files of the right shape; the real distilled file where ../shared is present."""

import urllib.error
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers
from torchvision.transforms.functional import gaussian_blur, normalize

from posegan.errors import UserError
from posegan.images import read_photo, to_signed
from posegan.layers.features import KINDS, TAPS, FeatureNetwork, load_features

FIVE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def empty_weights(kind: str) -> dict[str, Tensor]:
    """Tensors of the right shapes that share one number, so that a file of them is tiny."""
    one = torch.full((1,), 0.01)
    layers = KINDS[kind].layers().values()
    return {f"{key}.weight": one.expand(shape) for key, shape in layers} | {
        f"{key}.bias": one.expand(shape[0]) for key, shape in layers
    }


def random_distilled() -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(0)
    return {key: 0.1 * torch.randn(value.shape, generator=g) for key, value in empty_weights("vgg19_distilled").items()}


@pytest.fixture(scope="module")
def torchvision_features() -> nn.Sequential:
    torch.manual_seed(0)
    return make_layers(cfgs["E"], batch_norm=False).eval()


@pytest.fixture(scope="module")
def vgg19(torchvision_features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{key}": value for key, value in torchvision_features.state_dict().items()}


@pytest.fixture
def distilled(tmp_path: Path) -> FeatureNetwork:
    torch.save({"epoch": 20, "model": random_distilled()}, tmp_path / "distilled.pth")
    return load_features("vgg19_distilled", tmp_path / "distilled.pth")


def test_vgg19_equals_torchvision_at_every_tap(torchvision_features: nn.Sequential, vgg19: dict[str, Tensor]) -> None:
    image = torch.rand(2, 3, 32, 48) * 2 - 1
    x, expected = normalize((image + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), []
    with torch.no_grad():
        for layer in torchvision_features:
            x = layer(x.clone())
            if isinstance(layer, nn.ReLU):
                expected.append(x)
        found = FeatureNetwork(KINDS["vgg19"], vgg19)(image, TAPS)
    assert list(found) == list(TAPS)
    for ours, theirs in zip(found.values(), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_caffe_range_is_bgr_less_the_mean(vgg19: dict[str, Tensor]) -> None:
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    bgr = (image.flip(1) + 1) * 127.5 - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    expected = nn.functional.conv2d(bgr, vgg19["features.0.weight"], vgg19["features.0.bias"], padding=1).relu()
    found = FeatureNetwork(KINDS["vgg19_caffe"], vgg19)(image, ["relu1_1"])["relu1_1"]
    assert torch.allclose(found, expected, atol=1e-3)


def test_distilled_widths_and_the_mapping_of_taps(distilled: FeatureNetwork) -> None:
    found = distilled(torch.rand(2, 3, 64, 32), (*FIVE, "relu3_4"))
    assert [tuple(found[tap].shape[1:]) for tap in FIVE] == [
        (64, 64, 32), (128, 32, 16), (256, 16, 8), (512, 8, 4), (512, 4, 2)
    ]  # fmt: skip
    assert torch.equal(found["relu3_4"], found["relu3_1"])


def test_weights_are_frozen_unregistered_and_unseen_by_the_holder(distilled: FeatureNetwork) -> None:
    holder = nn.Module()
    holder.features = distilled
    assert holder.state_dict() == {}
    assert list(holder.parameters()) == []
    holder.load_state_dict({}, strict=True)
    before = distilled(torch.ones(1, 3, 32, 32), ["relu5_1"])["relu5_1"]
    holder.train()
    image = torch.ones(1, 3, 32, 32, requires_grad=True)
    after = distilled(image, ["relu5_1"])["relu5_1"]
    assert torch.equal(before, after)
    after.sum().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert not any(buffer.requires_grad for buffer in distilled.buffers())


def test_conversions_move_the_weights(distilled: FeatureNetwork) -> None:
    found = distilled.to(torch.float64)(torch.rand(1, 3, 32, 32, dtype=torch.float64), ["relu2_1"])
    assert found["relu2_1"].dtype == torch.float64


def test_computes_no_deeper_than_asked(distilled: FeatureNetwork) -> None:
    shallow = distilled(torch.rand(1, 3, 4, 4), ["relu1_2"])  # reflection at the third block would fail on 1x1
    assert list(shallow) == ["relu1_2"]
    with pytest.raises(RuntimeError):
        distilled(torch.rand(1, 3, 4, 4), ["relu3_1"])


def test_safetensors_and_pth_agree(tmp_path: Path, distilled: FeatureNetwork) -> None:
    save_file(random_distilled(), tmp_path / "d.safetensors")
    image = torch.rand(1, 3, 16, 16)
    again = load_features("vgg19_distilled", str(tmp_path / "d.safetensors"))
    assert torch.equal(again(image, ["relu2_1"])["relu2_1"], distilled(image, ["relu2_1"])["relu2_1"])


def test_files_of_another_architecture_name_the_first_wrong_key(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    weights = empty_weights("vgg19")
    del weights["features.28.bias"]
    torch.save(weights, path)
    with pytest.raises(UserError, match=r"vgg\.pth is not .* no key 'features\.28\.bias'"):
        load_features("vgg19", path)
    torch.save(empty_weights("vgg19") | {"features.5.weight": torch.zeros(8, 64, 3, 3)}, path)
    with pytest.raises(UserError, match=r"'features\.5\.weight' has shape \(8, 64, 3, 3\), not \(128, 64, 3, 3\)"):
        load_features("vgg19", path)


def test_extra_keys_such_as_the_classifier_are_ignored(tmp_path: Path) -> None:
    torch.save(empty_weights("vgg19_distilled") | {"classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "d.pth")
    assert load_features("vgg19_distilled", tmp_path / "d.pth").kind is KINDS["vgg19_distilled"]


def test_missing_and_unreadable_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.pth is missing.*VGG19.*https://.*sha256 starts with dcbb9e9d"):
        load_features("vgg19", tmp_path / "gone.pth")
    with pytest.raises(UserError, match=r"is needed: get it from https://.*vgg19-d01eb7cb"):
        load_features("vgg19_caffe")
    with pytest.raises(UserError, match=r"gone\.pth is missing.*, or train on .*: --model\.features vgg19 --model"):
        load_features("vgg19_distilled", tmp_path / "gone.pth")
    for name in ("bad.pth", "bad.safetensors"):
        (tmp_path / name).write_bytes(b"not weights at all")
        with pytest.raises(UserError, match="not a readable weight file") as caught:
            load_features("vgg19_distilled", tmp_path / name)
        assert "weights_only" not in str(caught.value)  # torch's advice to switch the safety off
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(UserError, match=r"no key 'conv0\.weight'"):
        load_features("vgg19_distilled", tmp_path / "list.pth")


def test_without_network_the_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    with pytest.raises(UserError, match=r"could not be downloaded .*no route.*give its path"):
        load_features("vgg19")


def test_unknown_names(distilled: FeatureNetwork) -> None:
    with pytest.raises(UserError, match="Unknown feature network 'vgg18'; did you mean 'vgg19'"):
        load_features("vgg18")
    with pytest.raises(UserError, match="Unknown feature tap 'relu2_3'"):
        distilled(torch.zeros(1, 3, 16, 16), ["relu2_3"])


@pytest.mark.data
def test_the_real_distilled_network_ranks_blur_and_people(market_root: Path) -> None:
    """Relative L1 at the five taps on the first 64 test pairs, near the figures of ../shared/data/README.md."""
    network = load_features("vgg19_distilled", market_root.parents[1] / "weights" / "vgg19_distilled_16x.pth")
    photos = market_root / "bounding_box_test"
    pairs = [line.split(",") for line in (market_root / "market-pairs-test.csv").read_text().split()[1:65]]
    source, other = (
        to_signed(torch.stack([read_photo(photos / name) for name in names])) for names in zip(*pairs, strict=True)
    )
    with torch.no_grad():
        photo, blurred, same = (network(x, FIVE) for x in (source, gaussian_blur(source, [5, 5], [1.0, 1.0]), other))

    def distance(other: dict[str, Tensor]) -> list[float]:
        return [float((photo[tap] - other[tap]).abs().mean() / photo[tap].abs().mean()) for tap in FIVE]

    assert [float(photo[tap].mean()) for tap in FIVE] == pytest.approx([1.1] * 5, rel=0.15)
    assert distance(blurred) == pytest.approx([0.28, 0.24, 0.28, 0.29, 0.38], rel=0.12)
    assert distance(same) == pytest.approx([1.20, 1.01, 1.07, 0.84, 0.92], rel=0.12)
