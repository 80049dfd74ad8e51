"""`posegan inspect` as a user types it: what it writes and prints, and mistakes in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegan.cli import main
from posegan.images import read_photo


def source(market: Path) -> str:
    return str(market / "bounding_box_test" / "0011_c1s1_000000_00.png")


def test_a_photo_and_pairs(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["inspect", "--weights", str(weights), "--device", "cpu", "--out"]
    assert main([*common, str(tmp_path / "a.png"), "--source", source(market), "--pose", "walking"]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'a.png'}\n"
    assert main([*common, str(tmp_path / "b.png"), "--data", str(market), "--count", "2", "--no-metadata"]) == 0
    one, two = (read_photo(tmp_path / f"{name}.png") for name in "ab")
    assert two.shape[1] > 1.9 * one.shape[1]


MISTAKES = {
    "nothing": ("--out O.png", "Give --source PHOTO and --pose POSE, or --data FOLDER"),
    "no pose": ("--source {photo} --out O.png", "Give --source PHOTO and --pose POSE, or --data FOLDER"),
    "both": ("--source {photo} --pose back --data {data} --out O.png", "give one or the other"),
    "pose of pairs": ("--data {data} --source-pose back --out O.png", "give one or the other"),
    "pairs without data": ("--pairs P.csv --source {photo} --pose back --out O.png", "give its folder with --data"),
    "number of one": ("--source {photo} --pose back --count 5 --out O.png", "--count is for photos of a data set"),
    "no out": ("--data {data}", "the following arguments are required: --out"),
    "no number": ("--data {data} --count none --out O.png", "'none' is not a positive whole number"),
    "too many": ("--data {data} --count 33 --out O.png", "give a count of 32 or less"),
    "no data": ("--data gone --out O.png", "There is no folder gone"),
    "no such pose": ("--source {photo} --pose walkin --out O.png", "did you mean 'walking'"),
    "out is no png": ("--source {photo} --pose back --out O.gif", "ends in .png"),
}


@pytest.mark.parametrize(("line", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(
    line: str,
    sentence: str,
    weights: Path,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"photo": source(market), "data": market}
    words = [word.format(**places) for word in line.split()]
    assert main(["inspect", "--weights", str(weights), *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    complaint = printed.err.strip().splitlines()[-1]
    assert complaint.startswith("posegan: ")
    assert sentence in complaint
    assert complaint.endswith((".", "?"))
    assert "Traceback" not in printed.err
    assert not list(tmp_path.glob("O.*"))
