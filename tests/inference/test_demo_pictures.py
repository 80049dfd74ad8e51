"""The demo's pictures, and the table of models."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from posegan.errors import UserError
from posegan.inference import demo as module
from posegan.inference.catalogue import catalogue
from posegan.inference.poses import bundled_poses
from posegan.inference.predictor import Predictor


def test_demo(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDENTITIES", module.IDENTITIES[:1])
    monkeypatch.setattr(module, "FRAMES", 2)
    sheet, walk = module.demo(Predictor.load(weights, "cpu"), tmp_path / "out")
    with Image.open(sheet) as picture:
        assert picture.size == ((1 + len(bundled_poses())) * 66 + 2, 2 * 130 + 2)
        assert picture.info["Description"].startswith("AI-generated")
    with Image.open(walk) as picture:
        assert picture.n_frames == 2
        assert b"AI-generated" in picture.info["comment"]


def test_a_picture_of_ones_own_is_not_replaced(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "walk.gif").write_bytes(b"my own")
    with pytest.raises(UserError, match=r"walk\.gif is there and does not say that posegan made it"):
        module.demo(Predictor.load(weights, "cpu"), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["walk.gif"]


def test_demo_needs_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "bundled_names", lambda: ("posegan-market-research",))
    with pytest.raises(UserError, match="posegan-synthetic"):
        module.demo_weights()
    monkeypatch.setattr(module, "bundled_names", lambda: (module.WEIGHTS,))
    assert module.demo_weights() == module.WEIGHTS


def test_catalogue() -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert {"deformable", "posegan"} <= entries.keys()
    assert "CVPR 2018" in entries["deformable"].paper
    assert entries["posegan"].generator <= 6_000_000  # compact by default
    assert all(entry.paper and entry.generator > 0 for entry in entries.values())
