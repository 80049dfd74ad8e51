"""ONNX files of a generator with few operations: what is written, what is refused, and the predictor that runs them.

That every registered model exports is tested in tests/contracts/test_models.py: it takes minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("onnx", reason="needs the extra posegan[export]")
pytest.importorskip("onnxscript", reason="needs the extra posegan[export]")
pytest.importorskip("onnxruntime", reason="needs the extra posegan[export]")

import onnxruntime

from posegan.errors import UserError
from posegan.inference import Predictor, export
from posegan.inference.export import (
    TOLERANCE,
    example,
    export_generator,
    export_onnx,
    largest_difference,
    on_onnxruntime,
)
from posegan.inference.onnx_generator import open_session
from posegan.models.base import Features, Generator, Output
from posegan.pose import Pose
from posegan.weights import WeightsInfo

SIZE = (12, 6)


class Shade(Generator):
    """Photos in smooth colours that depend on the poses; in a frame of its own, 16x8."""

    size_multiple = 8

    def __init__(self, weight: float = 0.5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return the photo and its brightness."""
        return source, source.mean((1, 2, 3)) + 0.01 * source_pose.xy.sum((1, 2))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the shaded photo."""
        moved = (target_pose.xy - source_pose.xy).sum((1, 2)) * 0.001 + target_pose.visible.sum(1) * 0.01
        return Output(torch.tanh(features[0] * self.weight + (features[1] + moved)[:, None, None, None]))


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    return export_generator(Shade().eval(), SIZE, split=True)


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return export_generator(Shade().eval(), SIZE, split=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, parts: dict[str, bytes], whole: dict[str, bytes]) -> None:
    """Let `export_onnx` export Shade, which no weight file holds."""
    info = WeightsInfo("shade", {"size": list(SIZE), "warp": "none"}, "drawn", 7, "For research only.")

    class Model:
        generator = Shade()

    monkeypatch.setattr(export, "load_model", lambda path: (Model, info))
    monkeypatch.setattr(export, "export_generator", lambda *_, split: parts if split else whole)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "shade.safetensors"
    path.write_bytes(b"weights")
    return path


def people(count: int) -> tuple[Tensor, Pose, Pose]:
    (photos, source), target = example(SIZE, count, 40 + count)
    return photos, source, target


def test_examples_are_seeded_and_lack_joints():
    first, again = example((128, 64), 8, 3), example((128, 64), 8, 3)
    assert torch.equal(first[0][0], again[0][0])
    assert torch.equal(first[1].xy, again[1].xy)
    assert not first[1].visible.all()
    assert first[1].visible.float().mean() > 0.7


@pytest.mark.parametrize("split", [False, True])
def test_pictures_equal_torch_at_any_batch_size(split: bool, parts: dict[str, bytes], whole: dict[str, bytes]):
    files = parts if split else whole
    made = on_onnxruntime(files, SIZE)
    assert largest_difference(Shade().eval(), made, SIZE) < 1e-5
    for count in (1, 2, 5):
        with torch.inference_mode():
            torch.testing.assert_close(made(*people(count)).image, Shade()(*people(count)).image)


def test_another_generator_is_told_apart(parts: dict[str, bytes]):
    assert largest_difference(Shade(0.6).eval(), on_onnxruntime(parts, SIZE), SIZE) > TOLERANCE


@pytest.mark.usefixtures("quick")
def test_a_folder_of_two_runs_in_the_predictor(weights: Path, tmp_path: Path):
    made = export_onnx(weights, tmp_path / "out", split=True)
    assert [file.name for file in made.files] == ["encode.onnx", "render.onnx"]
    assert made.difference < 1e-5
    predictor = Predictor.load(tmp_path / "out")
    own = Predictor(Shade(), SIZE, "cpu")
    assert (predictor.size, predictor.device, predictor.generator.parameter_count) == (SIZE, torch.device("cpu"), 1)
    assert predictor.sha256 == Predictor(Shade(), SIZE, "cpu", path=weights).sha256
    assert predictor.info == WeightsInfo("shade", {"size": [12, 6], "warp": "none"}, "drawn", 7, "For research only.")
    photos, source, target = people(1)
    torch.testing.assert_close(predictor.repose(photos, source, target), own.repose(photos, source, target))
    many = example(SIZE, 4, 9)[1]
    found = predictor.render(predictor.encode(photos, source), many)
    torch.testing.assert_close(found, own.render(own.encode(photos, source), many))


@pytest.mark.usefixtures("quick")
def test_a_whole_file_runs_in_the_predictor_and_names_its_tensors(weights: Path, tmp_path: Path):
    export_onnx(weights, tmp_path / "x.onnx")
    predictor, own = Predictor.load(tmp_path / "x.onnx"), Predictor(Shade(), SIZE, "cpu")
    photos, source, target = people(3)
    found = predictor.render(predictor.encode(photos, source), target)
    torch.testing.assert_close(found, own.repose(photos, source, target))
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    assert names == ["source", "source_xy", "source_visible", "target_xy", "target_visible"]
    assert [entry.name for entry in session.get_outputs()] == ["image"]
    said = session.get_modelmeta().custom_metadata_map
    assert (said["model"], said["licence"], said["part"]) == ("shade", "For research only.", "generator")
    assert said["exported_by"].startswith("posegan ")


@pytest.mark.usefixtures("quick")
def test_a_file_that_differs_is_not_written(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "x.onnx"
    out.write_bytes(b"old")
    for worst in (2 * TOLERANCE, float("nan")):
        monkeypatch.setattr(export, "largest_difference", lambda *_, worst=worst: worst)
        with pytest.raises(UserError, match="differs from torch by"):
            export_onnx(weights, out)
    assert out.read_bytes() == b"old"


@pytest.mark.usefixtures("quick")
def test_mistakes_are_told(weights: Path, tmp_path: Path, whole: dict[str, bytes]):
    with pytest.raises(UserError, match="ends in .onnx"):
        export_onnx(weights, tmp_path / "folder")
    with pytest.raises(UserError, match="a folder for two files"):
        export_onnx(weights, tmp_path / "x.onnx", split=True)
    export_onnx(weights, tmp_path / "x.onnx")
    export_onnx(weights, tmp_path / "two", split=True)
    with pytest.raises(UserError, match="an export already"):
        export_onnx(tmp_path / "x.onnx", tmp_path / "y.onnx")
    with pytest.raises(UserError, match="on the CPU only"):
        Predictor.load(tmp_path / "x.onnx", "cuda")
    with pytest.raises(UserError, match="holds the part 'encode' alone"):
        Predictor.load(tmp_path / "two" / "encode.onnx")
    with pytest.raises(UserError, match="cannot be opened"):
        Predictor.load(tmp_path / "gone.onnx")
    (tmp_path / "two" / "render.onnx").write_bytes(b"torn")
    with pytest.raises(UserError, match="not an ONNX file"):
        Predictor.load(tmp_path / "two")
    (tmp_path / "other.onnx").write_bytes(whole["generator"])
    with pytest.raises(UserError, match="not written by `posegan export`"):
        Predictor.load(tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="exported for photos of"):
        Predictor.load(tmp_path / "x.onnx").encode(torch.zeros(1, 3, 16, 8), people(1)[1])


@pytest.mark.usefixtures("quick")
def test_two_exports_are_not_mixed(weights: Path, tmp_path: Path):
    export_onnx(weights, tmp_path / "two", split=True)
    weights.write_bytes(b"other weights")
    export_onnx(weights, tmp_path / "new", split=True)
    (tmp_path / "new" / "render.onnx").replace(tmp_path / "two" / "render.onnx")
    with pytest.raises(UserError, match="different weights"):
        Predictor.load(tmp_path / "two")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"package onnxscript: pip install 'posegan\[export\]'"):
        export_generator(Shade().eval(), SIZE, split=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'posegan\[export\]'"):
        open_session(whole["generator"], "x.onnx")


def test_a_model_without_an_onnx_form_says_so():
    class Odd(Shade):
        def encode(self, source: Tensor, source_pose: Pose) -> Features:
            """Return what depends on the values in Python."""
            return (source * float(source.sum()),) if source.sum() > 0 else (source,)

    with pytest.raises(UserError, match="does not export to ONNX with torch"):
        export_generator(Odd().eval(), SIZE, split=True)
