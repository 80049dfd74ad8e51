"""The built-in detector's network as ONNX: it sees what torch sees, in any photo and any number of windows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnx", reason="needs the extra posegan[export]")
pytest.importorskip("onnxscript", reason="needs the extra posegan[export]")
pytest.importorskip("onnxruntime", reason="needs the extra posegan[export]")

from posegan.detect import Builtin, builtin
from posegan.detect.windows import grid_of_windows
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.inference import Predictor, export_detector
from posegan.inference.export_detector import MIRRORED, PIXELS, PLAIN, SURE, differences, run
from posegan.inference.onnx_generator import open_session
from tests.detect.test_builtin import write

pytestmark = [pytest.mark.contract, pytest.mark.timeout(1200)]  # an export: half a minute of work


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Builtin:
    torch.manual_seed(0)
    found = Builtin(write(tmp_path_factory.mktemp("weights") / "tiny.safetensors"))
    for weight in found.network.parameters():
        weight.mul_(3)  # untrained, it would see everywhere the same
    return found


@pytest.fixture(scope="module")
def exported(detector: Builtin) -> bytes:
    return export_detector.export_detector(detector)


@pytest.mark.parametrize(("width", "count"), [(31, 1), (400, 5)])
def test_it_sees_what_torch_sees(width: int, count: int, detector: Builtin, exported: bytes):
    size = builtin.HEIGHT, width
    photo = torch.randint(256, (3, *size), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    places = grid_of_windows(size)[:count]
    session = open_session(exported, "detector")
    for looks in (PLAIN, MIRRORED):
        found = run(session, photo, places, looks)
        for value, wanted in zip(found, detector.read(photo, places, mirrored=len(looks) == 2), strict=True):
            torch.testing.assert_close(torch.from_numpy(value), wanted, rtol=0, atol=1e-3)
    plain, mirrored = (run(session, photo, places, looks)[1] for looks in (PLAIN, MIRRORED))
    assert abs(plain - mirrored).max() > 0.01  # so that the mirror was looked into


def test_another_network_is_told_apart(detector: Builtin, exported: bytes, tmp_path: Path):
    assert max(differences(detector, exported)) < min(PIXELS, SURE)
    away, unlike = differences(Builtin(write(tmp_path / "b.safetensors")), exported)
    assert away > PIXELS
    assert unlike > SURE


def test_it_says_what_it_is_and_is_no_generator(detector: Builtin, exported: bytes, tmp_path: Path):
    said = open_session(exported, "detector").get_modelmeta().custom_metadata_map
    assert (said["model"], said["part"], said["licence"]) == ("detector", "detector", "MIT")
    assert said["weights_sha256"] == sha256_of(detector.path)
    (tmp_path / "detector.onnx").write_bytes(exported)
    with pytest.raises(UserError, match="part 'detector' alone"):
        Predictor.load(tmp_path / "detector.onnx")


def test_a_file_that_differs_is_refused(detector: Builtin, exported: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export_detector, "to_onnx", lambda *_: exported)
    for worst in ((2 * PIXELS, 0.0), (0.0, float("nan"))):
        monkeypatch.setattr(export_detector, "differences", lambda *_, worst=worst: worst)
        with pytest.raises(UserError, match="differs from torch by"):
            export_detector.export_detector(detector)


def test_missing_packages_are_named(detector: Builtin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"package onnxscript: pip install 'posegan\[export\]'"):
        export_detector.export_detector(detector)
