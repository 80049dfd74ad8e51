"""The decoding of every kind of ONNX file, by tiny networks whose outputs are constants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="the tests write ONNX files: pip install onnx")
pytest.importorskip("onnxruntime", reason="yolo needs onnxruntime: pip install 'posegan[detect]'")

import onnx
from onnx import TensorProto, helper, numpy_helper

from posegan.detect import Yolo, open_detector
from posegan.detect.yolo import GREY, letterbox
from posegan.errors import UserError

SIDE = 64
PHOTO = torch.zeros(3, 32, 16, dtype=torch.uint8)  # in the square: twice as large, 16 pixels of grey left and right


def write(path: Path, *outputs: NDArray[np.float32], side: int | str = SIDE, half: bool = False) -> Path:
    """Write a network (1, 3, side, side) that answers every picture with the same outputs, plus 0 times its mean."""
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], keepdims=0),
        helper.make_node("Cast", ["grey"], ["mean"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    constants = [numpy_helper.from_array(np.float32(0).reshape(()), "nothing")]
    made = []
    for i, value in enumerate(outputs):
        constants.append(numpy_helper.from_array(value.astype(np.float32), f"c{i}"))
        nodes.append(helper.make_node("Add", [f"c{i}", "zero"], [f"out{i}"]))
        made.append(helper.make_tensor_value_info(f"out{i}", TensorProto.FLOAT, value.shape))
    given = helper.make_tensor_value_info("images", kind, [1, 3, side, side])
    graph = helper.make_graph(nodes, "pose", [given], made, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def person(x: float, y: float, sure: float = 0.9) -> NDArray[np.float32]:
    """Return keypoints (17, 3) of the network's input: the k-th at (x, y + k), the left shoulder seen less surely."""
    points = np.stack([np.full(17, x), y + np.arange(17.0), np.full(17, sure)], 1)
    points[5, 2] = 0.4
    return points.astype(np.float32)


def raw(*people: tuple[float, float, float]) -> NDArray[np.float32]:
    """Return (1, 56, N): people of (x, y, score) in boxes of 10 x 20 around them."""
    rows = [np.concatenate([[x, y, 10, 20, score], person(x, y).reshape(-1)]) for x, y, score in people]
    return np.stack(rows, 1)[None].astype(np.float32)


def test_raw_heads_are_thinned_out_and_put_into_the_photo(tmp_path: Path) -> None:
    file = write(tmp_path / "a.onnx", raw((30, 20, 0.6), (31, 20, 0.8), (40, 40, 0.5), (20, 20, 0.1)))
    people = Yolo(file)(PHOTO)
    assert people.score.tolist() == pytest.approx([0.8, 0.5])  # one overlaps with a surer one, one is too unsure
    # the input's pixels are half of the photo's, 16 columns are grey; 0.5 from edges to centres
    assert people.boxes[0].tolist() == pytest.approx([(26 - 16) / 2 - 0.5, 4.5, (36 - 16) / 2 - 0.5, 14.5])
    nose = people.pose.xy[0, 0]
    assert nose.tolist() == pytest.approx([(31 - 16) / 2 - 0.5, 9.5])
    right_ankle = people.pose.xy[0, 10]
    assert right_ankle.tolist() == pytest.approx([7.0, (20 + 16) / 2 - 0.5])
    assert people.pose.visible[0, [1, 2, 5]].tolist() == [False, True, False]  # no neck without a shoulder
    assert people.confidence[0, [1, 2, 5]].tolist() == pytest.approx([0.4, 0.9, 0.4])


def test_a_lower_threshold_brings_the_neck(tmp_path: Path) -> None:
    people = Yolo(write(tmp_path / "a.onnx", raw((30, 20, 0.6))), threshold=0.3)(PHOTO)
    shoulders = people.pose.xy[0, [2, 5]]
    assert people.pose.xy[0, 1].tolist() == shoulders.mean(0).tolist()


def test_end_to_end_files(tmp_path: Path) -> None:
    rows = np.zeros((1, 3, 57), np.float32)
    for i, (x, score) in enumerate(((20, 0.3), (40, 0.9), (10, 0.01))):
        rows[0, i] = np.concatenate([[x - 5, 0, x + 5, 40, score, 0], person(x, 8).reshape(-1)])
    people = Yolo(write(tmp_path / "a.onnx", rows))(PHOTO)
    assert people.score.tolist() == pytest.approx([0.9, 0.3])
    assert people.pose.xy[:, 0, 0].tolist() == pytest.approx([(40 - 16) / 2 - 0.5, (20 - 16) / 2 - 0.5])
    assert people.boxes[1].tolist() == pytest.approx([-1.0, -0.5, 4.0, 19.5])


def test_rtmo_files(tmp_path: Path) -> None:
    boxes = np.array([[[0, 0, 20, 40, 0.8], [30, 0, 50, 40, 0.1]]], np.float32)
    points = np.stack([person(10, 8), person(40, 8)])[None]
    people = Yolo(write(tmp_path / "a.onnx", boxes, points))(PHOTO)
    assert people.score.tolist() == pytest.approx([0.8])
    assert people.pose.xy[0, 0].tolist() == pytest.approx([10 / 2 - 0.5, 3.5])  # the photo is in the corner


def test_nobody(tmp_path: Path) -> None:
    people = Yolo(write(tmp_path / "a.onnx", raw((30, 20, 0.2))))(PHOTO)
    assert len(people) == 0
    assert people.pose.xy.shape == (0, 18, 2)


def test_half_precision_and_any_size(tmp_path: Path) -> None:
    whole = Yolo(write(tmp_path / "a.onnx", raw((320, 320, 0.6)), side="any"))(PHOTO)
    assert whole.pose.xy[0, 0].tolist() == pytest.approx([(320 - 160) / 20 - 0.5, 15.5])
    half = Yolo(write(tmp_path / "b.onnx", raw((30, 20, 0.6)), half=True))(PHOTO)
    assert len(half) == 1


def test_letterbox() -> None:
    photo = torch.full((3, 20, 40), 200, dtype=torch.uint8)
    framed, scale, left, top = letterbox(photo, (64, 64), centred=True)
    assert (scale, left, top) == (1.6, 0, 16)
    assert framed[:, 16:48].eq(200).all()
    assert framed[:, :16].eq(GREY).all()
    assert framed[:, 48:].eq(GREY).all()
    assert letterbox(photo, (64, 64), centred=False)[2:] == (0, 0)


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [
        ((np.zeros((1, 84, 9), np.float32),), r"no network for one class with 17 keypoints.*\(1, 84, 9\)"),
        ((np.zeros((1, 4, 5), np.float32), np.zeros((1, 3, 17, 3), np.float32)), "no network for one class"),
    ],
)
def test_other_networks_are_refused(outputs: tuple[NDArray[np.float32], ...], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint):
        Yolo(write(tmp_path / "a.onnx", *outputs))(PHOTO)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gone.onnx is missing"):
        open_detector("yolo", tmp_path / "gone.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(UserError, match="text.onnx is not a readable ONNX network"):
        Yolo(tmp_path / "text.onnx")
