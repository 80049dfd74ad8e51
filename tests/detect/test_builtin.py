"""The search of the built-in detector with a stand-in for its network, the decoding of maps, the shipped weights."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from posegan.data.synthetic import SyntheticPeople
from posegan.detect import Builtin
from posegan.detect.builtin import SHIPPED
from posegan.detect.crop_network import CROP, STRIDE, CropConfig, CropNetwork, joints_of
from posegan.detect.windows import cut_windows, from_windows, grid_of_windows, windows_around
from posegan.errors import UserError
from posegan.images import to_bytes
from posegan.pose import COCO18, Pose
from posegan.weights import WeightsInfo, bundled_names, save_weights

TINY = CropConfig(stem=2, fine=2, middle=2, coarse=2)


def write(path: Path, model: str = "detector", config: CropConfig = TINY) -> Path:
    """Write untrained weights of a very small network."""
    info = WeightsInfo(model, dataclasses.asdict(config), licence="MIT")
    save_weights(path, CropNetwork(TINY).state_dict(), info)
    return path


class SeesBars(nn.Module):
    """Takes the bright pixels of a crop for a person, from the nose at the top to the ears at the bottom.

    It is sure only of people who fill most of the crop's height and are wholly in it.
    """

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        maps = torch.full((len(crops), 18, CROP[0] // STRIDE, CROP[1] // STRIDE), -20.0)
        seen = torch.full((len(crops), 18), -4.0)
        for i, crop in enumerate(crops):
            rows, columns = (crop.mean(0) > 0).nonzero().unbind(1)
            if not len(rows):
                continue
            top, bottom, column = int(rows.min()), int(rows.max()), int(columns.float().mean())
            whole = top > 2 and bottom < CROP[0] - 3
            seen[i] = 4.0 if whole and bottom - top > 0.6 * CROP[0] else 0.2
            for joint in range(18):
                row = top + (bottom - top) * min(joint, COCO18.flip[joint]) // 16
                maps[i, joint, row // STRIDE, column // STRIDE] = 0.0
        return maps, seen


@pytest.fixture
def detector(tmp_path: Path) -> Builtin:
    found = Builtin(write(tmp_path / "a.safetensors"))
    found.network = SeesBars()  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(
    ("size", "bar"),
    [
        ((128, 64), (20, 110, 30)),
        ((400, 300), (60, 330, 40)),  # top, bottom, column
        ((300, 500), (100, 280, 410)),
        ((1200, 800), (300, 1000, 400)),
    ],
)
def test_one_person_is_found_wherever_they_stand(
    size: tuple[int, int], bar: tuple[int, int, int], detector: Builtin
) -> None:
    photo = torch.zeros(3, *size, dtype=torch.uint8)
    top, bottom, column = bar
    wide = max(2, size[0] // 40)
    photo[:, top:bottom, column - wide : column + wide] = 255
    people = detector(photo)
    assert len(people) == 1
    assert float(people.score) > 0.9
    precise = 0.015 * size[0] + 1.5
    assert people.pose.xy[0, 0].tolist() == pytest.approx([column, top], abs=precise)
    assert people.pose.xy[0, 17].tolist() == pytest.approx([column, bottom], abs=precise)
    box = people.boxes[0].tolist()
    assert box[1] == pytest.approx(top, abs=precise)


def test_nobody_is_found_where_nobody_is(detector: Builtin) -> None:
    people = detector(torch.zeros(3, 200, 300, dtype=torch.uint8))
    assert len(people) == 0
    assert people.pose.xy.shape == (0, 18, 2)
    assert people.boxes.shape == (0, 4)


@pytest.mark.timeout(20)
def test_nobody_is_looked_for_in_a_photo_of_thousands_of_windows(detector: Builtin) -> None:
    found = detector(torch.zeros(3, 2, 100_000, dtype=torch.uint8))
    assert len(found) == len(found.pose) == len(found.boxes) == 0
    assert found.confidence.shape == (0, 18)


def test_a_mirrored_look_swaps_left_and_right(detector: Builtin) -> None:
    class SeesTheRightEar(nn.Module):
        def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
            seen = torch.zeros(len(crops), 18)
            seen[:, COCO18.index("right_ear")] = 6.0
            return torch.zeros(len(crops), 18, CROP[0] // STRIDE, CROP[1] // STRIDE), seen

    detector.network = SeesTheRightEar()  # type: ignore[assignment]
    photo, window = torch.zeros(3, 128, 64, dtype=torch.uint8), torch.tensor([[0.0, 0, 128]])
    _, seen, _ = detector.read(photo, window, mirrored=True)
    expected = torch.sigmoid(torch.tensor(3.0))
    assert seen[0, [16, 17]].tolist() == pytest.approx([float(expected)] * 2)


def test_maps_speak_for_places_between_their_points() -> None:
    maps = torch.full((1, 18, 64, 32), -20.0)
    maps[0, 0, 10, 5] = 0
    maps[0, 1, 10, 5] = maps[0, 1, 11, 5] = 0
    maps[0, 2, 63, 31] = 0
    maps[0, 3, 10, 5], maps[0, 3, 50, 20] = 0, -0.7  # a second peak far away does not count
    maps[0, 5] = 0.0
    found, decided = joints_of(maps)
    places = found[0]
    torch.testing.assert_close(places[0], torch.tensor([10.5, 20.5]), atol=1e-3, rtol=0)
    torch.testing.assert_close(places[1], torch.tensor([10.5, 21.5]), atol=1e-3, rtol=0)
    torch.testing.assert_close(places[2], torch.tensor([62.5, 126.5]), atol=1e-3, rtol=0)
    torch.testing.assert_close(places[3], places[0], atol=1e-3, rtol=0)
    expected = torch.sigmoid(torch.tensor(0.7))  # one of two peaks
    assert decided[0, [0, 3, 5]].tolist() == pytest.approx([1.0, float(expected), 16 / (64 * 32)], abs=1e-3)


def test_windows_cut_what_they_say() -> None:
    photo = torch.zeros(3, 100, 80, dtype=torch.uint8)
    photo[:, 40:44, 30:34] = 255
    windows = torch.tensor([[10.0, 20.0, 64.0], [-8.0, -20.0, 128.0]])
    for crop, window in zip(cut_windows(photo, windows), windows, strict=True):
        rows, columns = (crop.mean(0) > 0).nonzero().float().unbind(1)
        place = from_windows(torch.stack([columns.mean(), rows.mean()])[None, None], window[None])
        assert place[0, 0].tolist() == pytest.approx([31.5, 41.5], abs=0.3)


def test_a_photo_goes_on_beyond_its_edge() -> None:
    photo = torch.full((3, 100, 80), 200, dtype=torch.uint8)
    assert to_bytes(cut_windows(photo, torch.tensor([[-30.0, -40.0, 200.0]]))).eq(200).all()


def test_windows_around_a_person_hold_them() -> None:
    xy = torch.rand(5, 18, 2, generator=torch.Generator().manual_seed(0)) * 90
    pose = Pose(xy, torch.ones(5, 18) > 0)
    left, top, tall = windows_around(pose).unbind(1)
    for low, high, first, extent in (
        (xy[..., 0].amin(1), xy[..., 0].amax(1), left, tall / 2),
        (xy[..., 1].amin(1), xy[..., 1].amax(1), top, tall),
    ):
        assert (first < low).all()
        assert (first + extent > high).all()


def test_every_place_and_size_is_near_a_window() -> None:
    left, top, tall = grid_of_windows((240, 320)).unbind(1)
    people = itertools.product((130, 180, 235), (20, 100, 200, 300), (0.0, 0.5, 1.0))
    for height, column, low in people:
        middle = height / 2 + low * (240 - height)
        across, down = (left + tall / 4 - column) / tall, (top + tall / 2 - middle) / tall
        apart = torch.stack([across, down, (tall / height).log()], 1)
        distance = apart.abs().amax(1).min()
        assert float(distance) < 0.27, (height, column, low)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"b\.safetensors holds no detector but the model 'posegan'"):
        Builtin(write(tmp_path / "b.safetensors", "posegan"))
    with pytest.raises(UserError, match=r"c\.safetensors does not fit"):
        Builtin(write(tmp_path / "c.safetensors", config=CropConfig()))
    with pytest.raises(UserError, match="Unknown detector weights 'detector-sinthetic'"):
        Builtin("detector-sinthetic")


def test_detectors_are_no_generators() -> None:
    assert not set(SHIPPED) & set(bundled_names())


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_weights_find_a_synthetic_person(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    detector = Builtin(name)
    samples = SyntheticPeople(4, (160, 200), 1, seed=77).sample(range(4))
    errors = []
    for photo, pose, visible in zip(samples.image, samples.pose.xy, samples.pose.visible, strict=True):
        people = detector(photo)
        if len(people):
            errors.append((people.pose.xy[0] - pose).norm(dim=-1)[visible & people.pose.visible[0]])
    assert len(errors) >= 3
    assert float(torch.cat(errors).median()) < 5  # of 160
    assert len(detector(torch.full((3, 160, 200), 120, dtype=torch.uint8))) == 0
    assert name != "detector-synthetic" or "research" not in capsys.readouterr().err
