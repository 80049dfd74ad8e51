"""Evaluation: right numbers, in the right files, for the right pairs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from posegan.data import MarketPoseDataset, PhotoFolderDataset
from posegan.errors import UserError
from posegan.evaluation import METRICS, evaluate
from posegan.images import read_photo, to_bytes
from posegan.inference.predictor import Predictor
from posegan.metrics import l1, masked_l1, masked_ssim, psnr, ssim
from posegan.pose import body_mask
from tests.small_world import write_market


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


@pytest.fixture
def report(predictor: Predictor, market: Path, tmp_path: Path) -> Path:
    evaluate(predictor, market, tmp_path / "out", batch_size=4, save_images=True)
    return tmp_path / "out"


def test_rows_are_the_metrics_of_the_pairs(predictor: Predictor, market: Path) -> None:
    result = evaluate(predictor, MarketPoseDataset(market, "test", maps=False), batch_size=4)
    batch = MarketPoseDataset(market, "test").batch(torch.arange(6))
    made = to_bytes(predictor.repose(batch.source_image, batch.source_pose, batch.target_pose))
    target, mask = to_bytes(batch.target_image), body_mask(batch.target_pose, (128, 64))
    expected = {
        "ssim_paper": ssim(made, target),
        "ssim_standard": ssim(made, target, "standard"),
        "mask_ssim_paper": masked_ssim(made, target, mask),
        "l1": l1(made, target),
        "mask_l1": masked_l1(made, target, mask),
        "psnr": psnr(made, target),
    }
    assert list(result.rows) == ["real", "source copied", "posegan"]
    assert list(expected) == list(METRICS)
    for metric, values in expected.items():
        torch.testing.assert_close(result.scores[metric], values, atol=1e-3, rtol=1e-3)
        assert result.rows["posegan"][metric] == pytest.approx(values.double().mean().item(), abs=1e-3)
    assert result.rows["source copied"]["l1"] == pytest.approx(l1(batch.source_image, target).mean().item(), abs=1e-5)
    assert result.rows["real"]["ssim_paper"] == pytest.approx(1)
    assert result.rows["real"]["l1"] == 0
    assert len(result.pairs) == 6


def test_metrics_json(report: Path, predictor: Predictor, market: Path) -> None:
    text = (report / "metrics.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    found: dict[str, Any] = json.loads(text)
    assert found["N"] == 6
    assert found["real"]["psnr"] is None
    assert found["posegan"].keys() == found["source copied"].keys() == found["protocols"].keys() == METRICS.keys()
    run = found["run"]
    assert run["weights"]["sha256"] == predictor.sha256
    assert (run["weights"]["model"], run["weights"]["step"]) == ("posegan", 3)
    assert run["data"] == str(market)
    assert run["versions"].keys() == {"posegan", "torch", "python"}
    assert run["hardware"]["device"] == "cpu"
    assert run["date"].startswith("20")


def test_scores_of_each_pair(report: Path) -> None:
    rows = list(csv.DictReader((report / "scores.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6
    assert rows[0]["from"] == "0011_c1s1_000000_00.png"
    means = json.loads((report / "metrics.json").read_text())["posegan"]
    for metric in METRICS:
        assert sum(float(row[metric]) for row in rows) / 6 == pytest.approx(means[metric], rel=1e-4)


def test_saved_images_have_the_scores_of_the_report(report: Path, market: Path) -> None:
    row = next(csv.DictReader((report / "scores.csv").read_text(encoding="utf-8").splitlines()))
    made = read_photo(report / "images" / f"{row['from'][:-4]}_{row['to'][:-4]}.png")
    target = read_photo(market / "bounding_box_test" / row["to"])
    assert ssim(made[None], target[None]).item() == pytest.approx(float(row["ssim_paper"]), abs=1e-5)
    assert len(list((report / "images").iterdir())) == 6


def test_sheet(report: Path) -> None:
    with Image.open(report / "sheet.png") as sheet:
        assert sheet.width > 2 * 5 * 64
        assert sheet.height > 6 * 128
        assert sheet.info["Description"].startswith("AI-generated")


def test_limit_and_pairs(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    assert len(evaluate(predictor, market, limit=2).pairs) == 2
    lines = (market / "market-pairs-test.csv").read_text().splitlines()
    (tmp_path / "pairs.csv").write_text("\n".join([lines[0], *lines[4:6]]) + "\n")
    result = evaluate(predictor, market, pairs=tmp_path / "pairs.csv", limit=5)
    assert [",".join(pair) for pair in result.pairs] == lines[4:6]
    assert result.run["pairs"].endswith("pairs.csv")
    assert result.run["left_out"] == {}


def test_validation_people(predictor: Predictor, tmp_path: Path) -> None:
    result = evaluate(predictor, write_market(tmp_path / "ten", 7), split="validation")
    (person,) = {name[:4] for pair in result.pairs for name in pair}
    assert person not in ("0011", "0012", "0013")  # the test people
    assert result.run["pairs"] == "the data set's own for validation"
    with pytest.raises(UserError, match="leave the split out"):
        evaluate(predictor, "synthetic", split="validation")


def test_pairs_that_were_left_out_are_told(predictor: Predictor, market: Path) -> None:
    (market / "bounding_box_test" / "0011_c1s1_000000_00.png").unlink()
    result = evaluate(predictor, market)
    assert len(result.pairs) == 5
    assert result.run["left_out"]["listed pairs without photo or annotation, left out"] == 1


def test_photos_of_another_size(predictor: Predictor, people: Path) -> None:
    with pytest.raises(UserError, match=r"photos of 128x64 \(height x width\), the data has 64x64"):
        evaluate(predictor, PhotoFolderDataset(people, (64, 64)))


def test_out_is_a_file(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match="is a file"):
        evaluate(predictor, market, tmp_path / "out")


def test_unreadable_photo_stops_with_its_name(predictor: Predictor, market: Path) -> None:
    (market / "bounding_box_test" / "0012_c1s1_000001_00.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="0012_c1s1_000001_00.png is not a readable photo"):
        evaluate(predictor, market)
