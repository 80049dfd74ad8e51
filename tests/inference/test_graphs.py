"""Bundled weights on onnxruntime by the graphs that ship beside them."""

from __future__ import annotations

import importlib.util
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxruntime", reason="needs the extra posegan[web]")

from posegan.errors import UserError
from posegan.images import to_signed
from posegan.inference import Predictor
from posegan.inference.export import largest_difference
from posegan.inference.export_graphs import write_graphs
from posegan.inference.graphs import find_graphs, load_graphs
from posegan.inference.onnx_generator import ENCODE, RENDER, OnnxGenerator
from posegan.models import create_model
from posegan.pose import Pose
from posegan.weights import bundled_names, find_weights
from tests.small_world import photo, standing

SMALL = {"size": (32, 16), "width": 4, "depth": 2, "attention": False, "features": "none"}


@pytest.mark.parametrize("name", bundled_names())
def test_fast_pictures_are_torchs(name: str):
    slow, fast = Predictor.load(name, "cpu"), Predictor.load(name, "cpu", fast=True)
    assert isinstance(fast.generator, OnnxGenerator), "its graphs are missing: python recipes/make_graphs.py"
    assert not isinstance(slow.generator, OnnxGenerator)
    assert largest_difference(slow.generator, fast.generator, slow.size) < 1e-4
    assert fast.generator.parameter_count == slow.generator.parameter_count
    assert (fast.info, fast.sha256, fast.path) == (slow.info, slow.sha256, slow.path)


def test_several_photos_are_mixed_as_by_torch():
    source, pose = to_signed(photo(1, standing())), standing()
    targets, others = Pose.stack([standing("walking")]), [(photo(2, standing("back")), standing("back"))]
    made = []
    for fast in (False, True):
        predictor = Predictor.load("posegan-synthetic", "cpu", fast=fast)
        made.append(predictor.render_person(predictor.encode_person(source, pose, others), targets))
    torch.testing.assert_close(*made, atol=1e-4, rtol=0)


def test_torch_runs_where_onnxruntime_is_missing(monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else real(name))
    assert not isinstance(Predictor.load("posegan-synthetic", "cpu", fast=True).generator, OnnxGenerator)


@pytest.mark.parametrize("name", ["posegan-market-research-sharp", "posegan-market-research-balanced"])
def test_weights_behind_others_run_on_the_graphs_of_those(name: str):
    assert isinstance(Predictor.load(name, "cpu", fast=True).generator, OnnxGenerator)


def test_weights_of_others_have_no_graphs(tmp_path: Path):
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(find_weights("posegan-synthetic").read_bytes())
    assert find_graphs(copy) is None
    assert not isinstance(Predictor.load(copy, "cpu", fast=True).generator, OnnxGenerator)


def damaged(graphs: Path, out: Path, leave_out: str) -> Path:
    with zipfile.ZipFile(graphs) as file, zipfile.ZipFile(out, "w") as less:
        for name in file.namelist():
            if name != leave_out:
                less.writestr(name, file.read(name))
    return out


def test_files_that_do_not_fit_are_refused(tmp_path: Path):
    model, other = Predictor.load("posegan-synthetic", "cpu"), Predictor.load("posegan-market-research", "cpu")
    graphs = find_graphs(find_weights("posegan-synthetic"))
    assert graphs is not None
    cut = tmp_path / "cut.zip"
    cut.write_bytes(graphs.read_bytes()[:-200])
    for path, generator in (
        (graphs, other.generator),
        (cut, model.generator),
        (damaged(graphs, tmp_path / "a.zip", "render.onnx"), model.generator),
        (damaged(graphs, tmp_path / "b.zip", "weights.json"), model.generator),
        (tmp_path / "none.zip", model.generator),
    ):
        with pytest.raises(UserError, match=r"does not fit the weights beside it .*install posegan again"):
            load_graphs(path, generator, model.size)


def operators(path: Path, part: str) -> Counter[str]:
    onnx = pytest.importorskip("onnx", reason="needs the extra posegan[export]")
    with zipfile.ZipFile(path) as file:
        return Counter(node.op_type for node in onnx.load_from_string(file.read(f"{part}.onnx")).graph.node)


@pytest.mark.contract
@pytest.mark.timeout(1200)  # two exports, a minute and a half on an idle machine
def test_the_graphs_that_ship_are_those_that_the_code_writes(tmp_path: Path):
    pytest.importorskip("onnxscript", reason="needs the extra posegan[export]")
    name = "posegan-synthetic"
    shipped, model = find_graphs(find_weights(name)), Predictor.load(name, "cpu")
    assert shipped is not None
    write_graphs(model.generator, model.size, tmp_path / "now.zip")
    for part in (ENCODE, RENDER):
        assert operators(shipped, part) == operators(tmp_path / "now.zip", part), "run recipes/make_graphs.py"


@pytest.mark.contract
@pytest.mark.timeout(1200)  # two exports, a minute and a half on an idle machine
def test_written_graphs_hold_no_weights_and_serve_any(tmp_path: Path):
    pytest.importorskip("onnxscript", reason="needs the extra posegan[export]")
    generators = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        generators.append(create_model("posegan", **SMALL).generator.eval())
    for name, generator in zip("ab", generators, strict=True):
        write_graphs(generator, (32, 16), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    for generator in generators:
        assert largest_difference(generator, load_graphs(tmp_path / "a", generator, (32, 16)), (32, 16)) < 1e-4
    unlike = largest_difference(generators[0], load_graphs(tmp_path / "a", generators[1], (32, 16)), (32, 16))
    assert unlike > 1e-2
