"""Detectors by name, and what is said when their packages or files are missing; no network of others is loaded."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from posegan.cli.detecting import NAMES as OPTIONS
from posegan.detect import KeypointRCNN, Ultralytics, open_detector
from posegan.detect.choose import NAMES
from posegan.errors import UserError

PHOTO = torch.zeros(3, 20, 10, dtype=torch.uint8)


def test_the_command_line_knows_all_detectors() -> None:
    assert OPTIONS == NAMES


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("yolo", r"yolo needs detector weights, .*\.onnx"),
        ("movenet", r"movenet needs detector weights, .*\.tflite"),
        ("ultralytics", r"ultralytics needs detector weights, .*\.pt"),
        ("yollo", "Unknown detector 'yollo'; did you mean 'yolo'"),
    ],
)
def test_what_cannot_be_opened(name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        open_detector(name)


def test_without_ultralytics_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(UserError, match="pip install ultralytics .*AGPL.*the detector yolo"):
        Ultralytics(tmp_path / "a.pt")


class FakeYolo:
    """Ultralytics' class: sees two people, or none in a bright picture."""

    def __init__(self, path: str, task: str) -> None:
        assert task == "pose"
        self.keypoints = 17

    def predict(self, pixels: object, verbose: bool) -> list[types.SimpleNamespace]:
        points = torch.ones(2, self.keypoints, 3)
        points[1] *= 2
        boxes = types.SimpleNamespace(conf=torch.tensor([0.3, 0.6]), xyxy=torch.tensor([[0.0, 0, 4, 9], [2, 2, 9, 9]]))
        return [types.SimpleNamespace(keypoints=types.SimpleNamespace(data=points), boxes=boxes)]


def test_ultralytics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = types.ModuleType("ultralytics")
    module.YOLO = FakeYolo  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ultralytics", module)
    with pytest.raises(UserError, match="a.pt is missing"):
        Ultralytics(tmp_path / "a.pt")
    (tmp_path / "a.pt").touch()
    detector = Ultralytics(tmp_path / "a.pt")
    people = detector(PHOTO)
    assert people.score.tolist() == pytest.approx([0.6, 0.3])
    assert people.pose.xy[:, 0].tolist() == [[1.5, 1.5], [0.5, 0.5]]
    assert people.boxes[0].tolist() == [1.5, 1.5, 8.5, 8.5]
    detector._network.keypoints = 5
    with pytest.raises(UserError, match="finds no 17 keypoints"):
        detector(PHOTO)


class FakeRCNN(nn.Module):
    """torchvision's network: sees a sure and an unsure person."""

    def forward(self, photos: list[Tensor]) -> list[dict[str, Tensor]]:
        assert float(photos[0].max()) <= 1
        points = torch.full((2, 17, 3), 5.0)
        logits = torch.full((2, 17), 4.0)
        logits[0, 6] = 1.0
        return [
            {
                "scores": torch.tensor([0.9, 0.2]),
                "boxes": torch.tensor([[1.0, 2, 8, 18], [0, 0, 2, 2]]),
                "keypoints": points,
                "keypoints_scores": logits,
            }
        ]


def test_keypointrcnn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from torchvision.models import detection

    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", lambda **_: FakeRCNN())
    torch.save({}, tmp_path / "a.pth")
    people = open_detector("keypointrcnn", tmp_path / "a.pth")(PHOTO)
    assert people.score.tolist() == pytest.approx([0.9])
    assert people.boxes[0].tolist() == [0.5, 1.5, 7.5, 17.5]
    assert people.pose.xy[0, 0].tolist() == [4.5, 4.5]
    assert people.pose.visible[0, [1, 2, 5]].tolist() == [False, False, True]
    assert float(people.confidence[0, 5]) == pytest.approx(float(torch.sigmoid(torch.tensor(2.0))))
    (tmp_path / "text.pth").write_text("no network")
    with pytest.raises(UserError, match="text.pth is no file of it"):
        KeypointRCNN(tmp_path / "text.pth")

    def offline(**_: object) -> nn.Module:
        raise OSError("no network")

    monkeypatch.setattr(detection, "keypointrcnn_resnet50_fpn", offline)
    with pytest.raises(UserError, match="could not be downloaded; give torchvision's"):
        open_detector("keypointrcnn")
