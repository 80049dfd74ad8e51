"""`posegan augment` from the outside."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from posegan.cli import main
from posegan.evaluation.picture_scores import IdentityScore
from posegan.images import read_photo
from posegan.inference.picture_score import Pictures
from posegan.pose import Pose, load_annotations
from tests.small_world import standing

REAL = Path(__file__).parents[2].parent / "shared" / "weights"


def test_pictures_of_everybody(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["augment", "--weights", weights, "--data", market, "--out", tmp_path / "out", "--count", 2]
    assert main([str(a) for a in argv]) == 0
    assert "6 pictures of 3 people; manifest.csv is in" in capsys.readouterr().out
    assert len(list((tmp_path / "out" / "bounding_box_train").glob("*.jpg"))) == 6
    with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"pose_agreement_builtin", "identity_embedding"} < rows[0].keys()
    assert all(-1 <= float(row["identity_embedding"]) < 1 for row in rows)


def test_a_threshold_drops_pictures(
    weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["augment", "--weights", weights, "--data", market, "--out", tmp_path / "out", "--count", 2]
    assert main([str(a) for a in [*argv, "--min-identity", "1"]]) == 0
    said = capsys.readouterr().out
    assert "6 pictures dropped for their scores" in said
    assert "0 pictures of 0 people" in said


def test_without_scores(weights: Path, market: Path, tmp_path: Path) -> None:
    argv = ["augment", "--weights", weights, "--data", market, "--out", tmp_path / "out", "--count", 1, "--no-scores"]
    assert main([str(a) for a in argv]) == 0
    assert (tmp_path / "out" / "manifest.csv").read_text().splitlines()[0].endswith(",kept")


MISTAKES = {
    "no data": ("--out O", "required: --data"),
    "test split": ("--data D --out O --split test", "invalid choice: 'test'"),
    "threshold without scores": ("--data D --out O --min-pose 0.5 --no-scores", "--min-pose needs scores"),
    "threshold beyond all": ("--data D --out O --min-pose 3", "'3' is not a number from 0 to 1"),
    "threshold that is no number": ("--data D --out O --min-identity nan", "'nan' is not a number from -1 to 1"),
    "no identity": ("--data D --out O --min-identity 0.5 --no-scores", "--min-identity needs scores"),
    "missing network": ("--data {market} --out {tmp}/O --weights {weights} --osnet gone.onnx", "gone.onnx is missing"),
    "test person": ("--data {market} --out {tmp}/O --weights {weights} --people 0011", "0011 is a test person"),
    "into the data": ("--data {market} --out {market}/more --weights {weights}", "lies in the data set"),
    "no folder": ("--data gone --out {tmp}/O --weights {weights}", "There is no folder gone"),
}


@pytest.mark.parametrize(("line", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(
    line: str, sentence: str, weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = line.format(weights=weights, market=market, tmp=tmp_path).split()
    assert main(["augment", *words]) == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert complaint.startswith("posegan: ")
    assert sentence in complaint
    assert complaint.endswith((".", "?"))
    assert not list(tmp_path.rglob("*.jpg"))


@pytest.mark.data
def test_identity_of_real_photos() -> None:
    """Two photos of one person are more alike to OSNet than photos of two."""
    network, data = REAL / "osnet_x0_25_msmt17.onnx", REAL.parent / "data" / "market1501"
    if not network.is_file() or not data.is_dir():
        pytest.skip(f"{network} or {data} is not there")
    names = sorted(load_annotations(data / "market-annotation-test.csv"))
    names = [name for name in names if (data / "bounding_box_test" / name).is_file()]
    first, second = names[0], next(name for name in names[1:] if name[:4] == names[0][:4])
    other = next(name for name in names if name[:4] != names[0][:4])
    photos = [read_photo(data / "bounding_box_test" / name)[None] for name in (first, second, other)]
    score = IdentityScore.load(network)
    pose = Pose.stack([standing()])
    same, different = (float(score(Pictures(made, photos[0], pose, pose, [first]))[0]) for made in photos[1:])
    assert different < same < 0.999
    assert float(score(Pictures(photos[0], photos[0], pose, pose, [first]))[0]) == pytest.approx(1, abs=1e-4)
