"""Scorers: what is missing is said, what is there is loaded as it should be, sums of processes add up.

The weights are small random or constant files of the right shape; the real ones are used where ../shared is present.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.data import MarketPoseDataset
from posegan.detect import People
from posegan.errors import UserError
from posegan.evaluation.scorers import (
    REAL,
    SCORERS,
    Scorer,
    available_scorers,
    inception,
    lpips_alex,
    lpips_squeeze,
    movenet,
    osnet,
    ssd300,
    weight_folder,
)
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.images import to_bytes, to_signed
from posegan.metrics import Moments, frechet_distance, inception_score, keypoint_distance, pckh
from posegan.pose import Pose, body_mask

CPU = torch.device("cpu")
INSTALLED = "the extra posegan[metrics] is not installed"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("a test asked for a download")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))


@pytest.fixture
def any_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the tests are not the published ones: their checksums are not looked at."""
    monkeypatch.setattr(weight_folder, "_checked", lambda path, url: path)
    for module, name in (
        (inception, "WEIGHTS"),
        (lpips_squeeze, "TRUNK"),
        (lpips_squeeze, "HEADS"),
        (osnet, "WEIGHTS"),
    ):
        monkeypatch.setattr(module, name, dataclasses.replace(getattr(module, name), sha256=None))


def pairs(count: int, seed: int = 0, size: tuple[int, int] = (128, 64)) -> tuple[Tensor, Batch, Tensor]:
    """Generated photos (N, 3, H, W) uint8, their pairs and masks."""
    g = torch.Generator().manual_seed(seed)
    made, source, target = torch.randint(0, 256, (3, count, 3, *size), generator=g, dtype=torch.uint8)
    xy = torch.rand(count, 18, 2, generator=g) * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    pose = Pose(xy, torch.rand(count, 18, generator=g) > 0.2)
    names = tuple(f"{i}.png" for i in range(count))
    batch = Batch(to_signed(source), to_signed(target), pose, pose, tuple(f"from{n}" for n in names), names)
    return made, batch, body_mask(pose, size)


def run(scorer: Scorer, rows: dict[str, Tensor], batch: Batch, mask: Tensor, sizes: list[int]) -> dict[str, Any]:
    """Per-pair scores of all rows, shown in batches of these sizes."""
    scores: dict[str, Any] = {row: [] for row in rows}
    first = 0
    for size in sizes:
        part = slice(first, first + size)
        for row, images in rows.items():
            scores[row].append(scorer.add(row, images[part], batch[part], mask[part], first))
        first += size
    return {row: {m: torch.cat([s[m] for s in found]) for m in found[0]} for row, found in scores.items()}


# --- what is there and what is not


def test_everything_missing_is_said_with_file_address_and_place(tmp_path: Path) -> None:
    found, missing = available_scorers(10, tmp_path, download=False)
    assert found == []
    assert set(missing) == {metric for scorer in SCORERS.values() for metric in scorer.metrics}
    for sentence in missing.values():
        assert sentence.startswith("not measured: ")
        assert "https://" in sentence
        assert str(tmp_path) in sentence
        assert "sha256" in sentence
    assert missing["is"] == missing["fid_training"]
    _, missing = available_scorers(10, names=["lpips"])  # tries a download, which fails
    assert missing["lpips_alex"].endswith("and put it into a folder and give that as the features dir.")


def test_wrong_files_and_names_are_said(tmp_path: Path) -> None:
    (tmp_path / osnet.WEIGHTS.name).write_text("no network")
    (tmp_path / "alexnet-owt-7be5be79.pth").write_text("no network")
    _, missing = available_scorers(10, tmp_path, names=["osnet", "lpips"])
    assert f"is not {osnet.WEIGHTS.name}: its sha256 differs" in missing["identity_source_osnet"]
    assert "its sha256 should start with 7be5be79" in missing["lpips_alex"]
    with pytest.raises(UserError, match="Unknown scorer 'lpip'; did you mean 'lpips'"):
        available_scorers(10, tmp_path, names=["lpip"])
    with pytest.raises(UserError, match="There is no folder"):
        available_scorers(10, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "module", "file", "sentence"),
    [
        ("lpips", "lpips", "alexnet-owt-7be5be79.pth", 'the package lpips is missing: pip install "posegan[metrics]"'),
        ("inception", "torch_fidelity.feature_extractor_inceptionv3", inception.WEIGHTS.name, ""),
        ("osnet", "onnxruntime", osnet.WEIGHTS.name, 'onnxruntime is missing: pip install "posegan[detect]"'),
    ],
)
def test_missing_packages_are_said(
    name: str, module: str, file: str, sentence: str, tmp_path: Path, any_file: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({}, tmp_path / file)
    if module.startswith("torch_fidelity"):
        monkeypatch.setitem(sys.modules, "torch_fidelity", None)
        sentence = 'the package torch-fidelity is missing: pip install "posegan[metrics]"'
    monkeypatch.setitem(sys.modules, module, None)
    _, missing = available_scorers(10, tmp_path, names=[name])
    assert all(sentence in value for value in missing.values())


def test_a_file_is_found_in_the_folder_then_in_the_cache_then_downloaded(
    tmp_path: Path, any_file: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, url = lpips_alex.WEIGHTS, lpips_alex.URL
    asked: list[str] = []

    def fetch(url: str, path: str, **options: object) -> None:
        asked.append(url)
        Path(path).write_text("weights")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(UserError, match="is missing"):
        WeightFolder(tmp_path, download=False).find(file, url)
    cached = WeightFolder(tmp_path).find(file, url)
    assert cached == WeightFolder(tmp_path, download=False).find(file, url)
    assert asked == [url]
    (tmp_path / file.name).write_text("weights")
    assert WeightFolder(tmp_path).find(file, url) == tmp_path / file.name


def test_an_unreadable_file_would_need_code(tmp_path: Path, any_file: None) -> None:
    torch.save({"features.0.weight": types.SimpleNamespace()}, tmp_path / lpips_alex.WEIGHTS.name)
    pytest.importorskip("lpips", reason=INSTALLED)
    _, missing = available_scorers(10, tmp_path, names=["lpips"])
    assert "is not a readable weight file" in missing["lpips_alex"]


# --- networks


def constant(shape: tuple[int, ...]) -> Tensor:
    return torch.full((1,), 0.001).expand(shape)  # a file of these is tiny


def test_lpips_alex_is_the_package_with_the_files_trunk(tmp_path: Path, any_file: None) -> None:
    lpips = pytest.importorskip("lpips", reason=INSTALLED)
    from torchvision.models import alexnet

    torch.manual_seed(0)
    trunk = alexnet().features.eval()
    torch.save({f"features.{key}": value for key, value in trunk.state_dict().items()}, tmp_path / "alex.pth")
    random = torch.get_rng_state()
    scorer = lpips_alex.LpipsAlex(tmp_path / "alex.pth", CPU)
    assert torch.equal(random, torch.get_rng_state())
    made, batch, mask = pairs(3)
    scores = scorer.add("row", made, batch, mask, 0)["lpips_alex"]
    network = scorer._network
    with torch.no_grad():
        maps, x, y = [], *(network.scaling_layer(to_signed(to_bytes(i))) for i in (made, batch.target_image))
        for index, layer in enumerate(trunk):
            x, y = layer(x), layer(y)
            if index in (1, 4, 7, 9, 11):
                maps.append((x.clone(), y.clone()))
        expected = sum(
            layer((lpips.normalize_tensor(x) - lpips.normalize_tensor(y)) ** 2).mean((1, 2, 3))
            for layer, (x, y) in zip(network.lins, maps, strict=True)
        )
    assert torch.allclose(scores, expected, rtol=1e-4)
    assert scorer.add("row", to_bytes(batch.target_image), batch, mask, 0)["lpips_alex"].tolist() == [0, 0, 0]


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
def test_lpips_squeeze_is_the_packages_network_on_caffes_input(tmp_path: Path, any_file: None) -> None:
    lpips = pytest.importorskip("lpips", reason=INSTALLED)

    class Caffe(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return (image + 1)[:, [2, 1, 0]] * 127.5 - torch.tensor([104.0, 117, 123]).view(3, 1, 1)

    torch.manual_seed(0)
    network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    network.scaling_layer = Caffe()
    state = {key.partition(".")[2]: value for key, value in network.net.state_dict().items()}
    heads = {f"lin{i}.model.1.weight": layer.model[1].weight for i, layer in enumerate(network.lins)}
    (tmp_path / "lpips_heads_v0.1").mkdir()
    torch.save(state, tmp_path / lpips_squeeze.TRUNK.name)
    torch.save(heads, tmp_path / lpips_squeeze.HEADS.name)
    (scorer,), missing = available_scorers(3, tmp_path, names=["lpips_squeeze_caffe"])
    made, batch, mask = pairs(3)
    with torch.no_grad():
        expected = network(to_signed(made), batch.target_image).flatten()
    assert torch.allclose(scorer.add("row", made, batch, mask, 0)["lpips_squeeze_caffe"], expected, rtol=1e-4)
    assert missing == {}
    assert math.isnan(scorer.summary("row")["frechet_squeeze_caffe"])  # nothing to compare with yet
    scorer.add(REAL, to_bytes(batch.target_image), batch, mask, 0)
    with torch.no_grad():
        sets = [network.net(network.scaling_layer(x))[-1].mean((2, 3)) for x in (to_signed(made), batch.target_image)]
    between = frechet_distance(*(Moments.of(features) for features in sets))
    assert scorer.summary("row")["frechet_squeeze_caffe"] == pytest.approx(between, rel=1e-3)
    assert abs(scorer.summary(REAL)["frechet_squeeze_caffe"]) < 1e-3 * between
    assert set(scorer.files) == {"squeezenet1_1_features_caffe.pth", "squeeze.pth"}
    torch.save(dict(list(state.items())[:-1]), tmp_path / lpips_squeeze.TRUNK.name)
    _, missing = available_scorers(3, tmp_path, names=["lpips_squeeze_caffe"])
    assert "is of another network" in missing["lpips_squeeze_caffe"]


class FakeInception(nn.Module):
    """Features and logits from the photo's means, so that they can be told apart."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        assert images.dtype == torch.uint8
        x = torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, 2).flatten(1)  # (B, 12)
        return x[:, :5] * 3, 40 * x[:, 5:]


@pytest.fixture
def fake_inception(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], Scorer]:
    (tmp_path / "inception.pth").touch()
    monkeypatch.setattr(inception, "_load", lambda path: FakeInception())
    return lambda: inception.Inception(tmp_path / "inception.pth", 41, CPU)


def test_inception_scores_add_up_over_processes_and_runs(fake_inception: Callable[[], Scorer], tmp_path: Path) -> None:
    made, batch, mask = pairs(41, size=(32, 16))
    training = pairs(30, seed=9, size=(32, 16))[0]
    target = to_bytes(batch.target_image)
    rows = {"model": made, REAL: target}
    whole = fake_inception()
    assert run(whole, rows, batch, mask, [41]) == {"model": {}, REAL: {}}
    whole.add_training(training)
    left, right = fake_inception(), fake_inception()
    for row, images in rows.items():
        left.add(row, images[:16], batch[:16], mask[:16], 0)
        right.add(row, images[16:30], batch[16:30], mask[16:30], 16)
        right.add(row, images[30:], batch[30:], mask[30:], 30)
    left.add_training(training[:20])
    right.add_training(training[20:])
    torch.save(right.state(), tmp_path / "state.pt")
    left.merge(torch.load(tmp_path / "state.pt", weights_only=True))
    found = left.summary("model")
    assert found == pytest.approx(whole.summary("model"), rel=1e-9)
    assert list(found) == list(whole.metrics)
    network = FakeInception()
    features, logits = network(made)
    moments = Moments.of(features)
    assert (found["is"], found["is_std"]) == pytest.approx(inception_score(logits.double().softmax(1)))
    masked = network(made * mask[:, None])[1].double().softmax(1)
    assert (found["mask_is"], found["mask_is_std"]) == pytest.approx(inception_score(masked))
    assert found["fid_targets"] == pytest.approx(frechet_distance(moments, Moments.of(network(target)[0])))
    assert found["fid_training"] == pytest.approx(frechet_distance(moments, Moments.of(network(training)[0])))
    assert left.summary(REAL)["fid_targets"] == pytest.approx(0, abs=1e-6)


def test_inception_without_rows_is_nan(fake_inception: Callable[[], Scorer]) -> None:
    made, batch, mask = pairs(4, size=(32, 16))
    scorer = fake_inception()
    scorer.add("model", made, batch, mask, 0)
    assert all(math.isnan(value) for value in scorer.summary("model").values())  # no 'real', nine splits empty
    assert all(math.isnan(value) for value in scorer.summary("nobody").values())


def test_inception_loads_torch_fidelitys_network(
    tmp_path: Path, any_file: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason=INSTALLED)
    network = theirs.FeatureExtractorInceptionV3
    with monkeypatch.context() as patch, torch.device("meta"):
        patch.setattr(theirs, "load_state_dict_from_url", lambda *a, **k: {})
        patch.setattr(network, "load_state_dict", lambda self, state: None)
        shapes = {key: value.shape for key, value in network("name", ["2048"]).state_dict().items()}
    state = {key: constant(shape) for key, shape in shapes.items() if "num_batches" not in key}
    state |= {key: torch.tensor(0) for key in shapes if "num_batches" in key}
    torch.save(state, tmp_path / inception.WEIGHTS.name)
    (scorer,), missing = available_scorers(2, tmp_path, names=["inception"])
    assert missing == {}
    features, probabilities = scorer._look(pairs(1)[0])  # type: ignore[attr-defined]
    assert features.shape == (1, 2048)
    assert probabilities.shape == (1, 1008)
    assert float(probabilities.sum()) == pytest.approx(1)
    assert len(scorer.files[inception.WEIGHTS.name]) == 64


def tiny_onnx(path: Path) -> None:
    """The mean of each channel, as an embedding of three numbers."""
    onnx = pytest.importorskip("onnx", reason="the extra posegan[test] is not installed")
    make, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [make.make_node("GlobalAveragePool", ["in"], ["mean"]), make.make_node("Flatten", ["mean"], ["out"])]
    ends = [
        make.make_tensor_value_info(name, number, shape)
        for name, shape in (("in", ["batch", 3, 256, 128]), ("out", ["batch", 3]))
    ]
    graph = make.make_graph(nodes, "tiny", ends[:1], ends[1:])
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(model.SerializeToString())


def test_osnet_sees_normalised_rgb_and_each_named_photo_once(tmp_path: Path, any_file: None) -> None:
    pytest.importorskip("onnxruntime", reason="the extra posegan[detect] is not installed")
    tiny_onnx(tmp_path / osnet.WEIGHTS.name)
    (scorer,), _ = available_scorers(4, tmp_path, names=["osnet"])
    made, batch, mask = pairs(4)
    seen: list[int] = []
    embed = scorer._embed  # type: ignore[attr-defined]
    scorer._embed = lambda images: seen.append(len(images)) or embed(images)  # type: ignore[attr-defined]
    first = scorer.add("a", made, batch, mask, 0)
    second = scorer.add("b", made, batch, mask, 0)
    assert seen == [4, 4, 4, 4]
    mean, std = (torch.tensor(t) for t in (osnet.MEAN, osnet.STD))
    a, b = (((x.float() / 255).mean((2, 3)) - mean) / std for x in (made, to_bytes(batch.source_image)))
    assert torch.allclose(first["identity_source_osnet"], torch.cosine_similarity(a, b), atol=1e-4)
    assert torch.equal(first["identity_target_osnet"], second["identity_target_osnet"])
    nameless = dataclasses.replace(batch, source_names=(), target_names=())
    assert torch.allclose(
        scorer.add("c", made, nameless, mask, 0)["identity_target_osnet"], first["identity_target_osnet"], atol=1e-6
    )


def test_pckh_is_pooled_over_joints_and_shared_with_the_real_row() -> None:
    made, batch, mask = pairs(20)
    target, g = batch.target_pose, torch.Generator().manual_seed(5)
    found = Pose(target.xy + 20 * torch.randn(target.xy.shape, generator=g), target.visible)
    answers = iter([*(found[i] for i in range(20)), *(target[i] for i in range(20)), None])

    class Oracle:
        name = "oracle"

        def __call__(self, photo: Tensor) -> People:
            pose = next(answers)
            count = int(pose is not None)
            pose = pose or target[0]
            joints = Pose(pose.xy[None][:count], pose.visible[None][:count])
            return People(joints, torch.ones(count, 18), torch.ones(count), torch.zeros(count, 4))

    scorer = movenet.MoveNetPose(Oracle())
    scores = run(scorer, {"model": made, REAL: to_bytes(batch.target_image)}, batch, mask, [20])
    summary, counts = scorer.summary("model"), pckh(found, target, "paper")
    assert list(scorer.metrics) == [*movenet.COUNTS[:2], *(f"{n}_share" for n in movenet.COUNTS[:2]), movenet.COUNTS[2]]
    assert set(summary) == set(scorer.metrics)
    assert summary["pckh_paper_movenet"] == pytest.approx(float(counts[0].sum() / counts[1].sum()))
    assert torch.allclose(scores["model"]["pckh_paper_movenet"], counts[0] / counts[1], equal_nan=True)
    assert scorer.summary(REAL)["pckh_euclidean_movenet"] == 1
    assert summary["pckh_euclidean_movenet_share"] == summary["pckh_euclidean_movenet"]
    distance, both = keypoint_distance(found, target)
    assert summary["keypoint_distance_movenet"] == pytest.approx(float(distance.sum() / both.sum()))
    nobody = scorer.add("empty", made[:1], batch[:1], mask[:1], 0)
    assert nobody["pckh_paper_movenet"].tolist() == [0]
    assert math.isnan(nobody["keypoint_distance_movenet"])
    assert math.isnan(scorer.summary("unseen")["pckh_paper_movenet_share"])


def test_person_score_is_the_surest_person(tmp_path: Path, any_file: None) -> None:
    from torchvision.models.detection import ssd300_vgg16

    with torch.device("meta"):
        shapes = {k: v.shape for k, v in ssd300_vgg16(weights=None, weights_backbone=None).state_dict().items()}
    torch.save({key: constant(shape) for key, shape in shapes.items()}, tmp_path / ssd300.WEIGHTS.name)
    (scorer,), _ = available_scorers(3, tmp_path, names=["ssd300"])
    made, batch, mask = pairs(3)
    answers = [([18, 1, 1], [0.9, 0.3, 0.6]), ([18], [0.9]), ([], [])]
    scorer._network = lambda images: [  # type: ignore[attr-defined]
        {"labels": torch.tensor(labels), "scores": torch.tensor(scores)} for labels, scores in answers
    ]
    assert scorer.add("row", made, batch, mask, 0)["person_score_ssd300_coco"].tolist() == pytest.approx([0.6, 0, 0])


# --- real photos


@pytest.mark.data
def test_the_networks_on_real_pairs(market_root: Path, feature_weights: Path) -> None:
    found, missing = available_scorers(16, feature_weights, names=["lpips_squeeze_caffe", "osnet", "movenet"])
    assert missing == {}
    batch = MarketPoseDataset(market_root, "test", maps=False).batch(torch.arange(16) * 300)
    target, mask = to_bytes(batch.target_image), body_mask(batch.target_pose, batch.size)
    rows = {REAL: target, "source": to_bytes(batch.source_image), "other": target.roll(1, 0)}
    means = {row: {} for row in rows}
    for scorer in found:
        for row, scores in run(scorer, rows, batch, mask, [16]).items():
            means[row] |= {name: float(values.nanmean()) for name, values in scores.items()} | scorer.summary(row)
    assert means[REAL]["lpips_squeeze_caffe"] == 0
    assert means["source"]["lpips_squeeze_caffe"] < means["other"]["lpips_squeeze_caffe"]
    distance = {row: scores["frechet_squeeze_caffe"] for row, scores in means.items()}
    assert abs(distance["other"]) < 1e-3 * distance["source"]  # the same photos in another order
    assert means["source"]["identity_target_osnet"] > means["other"]["identity_target_osnet"] + 0.1
    assert means[REAL]["identity_target_osnet"] == pytest.approx(1, abs=1e-5)
    assert means[REAL]["pckh_paper_movenet"] > 0.85
    assert means["source"]["pckh_paper_movenet_share"] < 0.6
