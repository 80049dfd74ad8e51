"""MoveNet with a stand-in for the network (geometry, neck, threshold) and, where ../shared is present, the real one."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from posegan.detect import MoveNet
from posegan.detect.base import joint_boxes
from posegan.errors import UserError
from posegan.images import read_photo
from posegan.metrics import pckh
from posegan.pose import COCO18, Pose, load_annotations

SIDE = 192


class BrightestPixel:
    """Says that all joints are at the brightest pixel of the square, joint 5 (a shoulder) hardly seen."""

    output_shape: tuple[int, ...] = (1, 1, 17, 3)

    def __init__(self, path: str, num_threads: int) -> None:
        self.seen: NDArray[np.uint8] | None = None

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, object]]:
        return [{"index": 0, "shape": np.array([1, SIDE, SIDE, 3]), "dtype": np.uint8}]

    def get_output_details(self) -> list[dict[str, object]]:
        return [{"index": 1, "shape": np.array(self.output_shape)}]

    def set_tensor(self, index: int, value: NDArray[np.uint8]) -> None:
        assert value.shape == (1, SIDE, SIDE, 3)
        assert value.dtype == np.uint8
        self.seen = value

    def invoke(self) -> None: ...

    def get_tensor(self, index: int) -> NDArray[np.float32]:
        assert self.seen is not None
        bright = self.seen[0].sum(-1)
        rows, columns = np.nonzero(bright > 0.9 * bright.max())
        found = np.empty((1, 1, 17, 3), np.float32)
        found[..., 0], found[..., 1] = (rows.mean() + 0.5) / SIDE, (columns.mean() + 0.5) / SIDE
        found[..., 2] = 0.8
        found[..., 5, 2] = 0.05
        return found


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[BrightestPixel]:
    module = types.ModuleType("ai_edge_litert.interpreter")
    module.Interpreter = BrightestPixel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ai_edge_litert", types.ModuleType("ai_edge_litert"))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", module)
    return BrightestPixel


@pytest.mark.parametrize("size", [(128, 64), (96, 192), (50, 37), (640, 480)])
def test_joints_are_in_pixels_of_the_photo(stand_in: object, size: tuple[int, int]) -> None:
    photo = torch.zeros(3, *size, dtype=torch.uint8)
    y, x = size[0] // 4, 2 * size[1] // 3
    photo[:, y - 1 : y + 2, x - 1 : x + 2] = 255
    people = MoveNet("any.tflite")(photo)
    assert len(people) == 1
    nose = people.pose.xy[0, COCO18.index("nose")]
    assert torch.allclose(nose, torch.tensor([x, y]).float(), atol=0.6 * max(1, max(size) / SIDE))
    assert people.boxes[0].tolist() == pytest.approx([*nose.tolist(), *nose.tolist()])


def test_neck_and_threshold(stand_in: object) -> None:
    photo = torch.zeros(3, 20, 20, dtype=torch.uint8)
    photo[:, 5, 5] = 255
    seen, neck, shoulder = (
        MoveNet("any.tflite", threshold)(photo).pose.visible[0, [0, 1, 5]].tolist() for threshold in (0.1, 0.01, 0.9)
    )
    assert seen == [True, False, False]  # no neck without the left shoulder
    assert neck == [True, True, True]
    assert shoulder == [False, False, False]
    assert MoveNet("any.tflite")(photo).confidence[0, [0, 1, 2, 5]].tolist() == pytest.approx([0.8, 0.05, 0.8, 0.05])


def test_boxes_hold_the_visible_joints() -> None:
    xy = torch.arange(36.0).view(1, 18, 2)
    visible = torch.zeros(2, 18, dtype=torch.bool)
    visible[0, [2, 7]] = True
    assert joint_boxes(Pose(xy.expand(2, 18, 2), visible)).tolist() == [[4, 5, 14, 15], [0, 0, 0, 0]]


def test_mistakes_are_named(stand_in: type[BrightestPixel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrightestPixel, "output_shape", (1, 6, 56))
    with pytest.raises(UserError, match=r"not a single-pose MoveNet.*\(1, 6, 56\)"):
        MoveNet("multipose.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match="needs the package ai-edge-litert: pip install"):
        MoveNet("any.tflite")


def test_other_files_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the extra posegan[detect] is not installed")
    (tmp_path / "text.tflite").write_text("no network")
    with pytest.raises(UserError, match=r"text.tflite is not a readable MoveNet"):
        MoveNet(tmp_path / "text.tflite")


@pytest.mark.data
def test_real_photos(market_root: Path, feature_weights: Path) -> None:
    """24 targets of the published test pairs; 300 of them give .931 (paper) and .961 (euclidean)."""
    pytest.importorskip("ai_edge_litert", reason="the extra posegan[detect] is not installed")
    annotations = load_annotations(market_root / "market-annotation-test.csv")
    lines = (market_root / "market-pairs-test.csv").read_text().split()[1:]
    names = list(dict.fromkeys(line.split(",")[1] for line in lines))[::15][:24]
    detect = MoveNet(feature_weights / "movenet_singlepose_lightning_int8_4.tflite")
    people = [detect(read_photo(market_root / "bounding_box_test" / name)) for name in names]
    found, target = Pose.stack([p.pose[0] for p in people]), Pose.stack([annotations[name] for name in names])
    for rule, least in (("paper", 0.9), ("euclidean", 0.93)):
        correct, counted = pckh(found, target, rule)
        assert correct.sum() / counted.sum() > least
