"""`posegan animate` from the outside: what it prints, and one sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from posegan.cli import main
from posegan.images import write_png
from posegan.pose import write_openpose
from tests.inference.walks import as_photos, walk
from tests.small_world import photo, standing


def test_a_walk(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    argv = ["animate", "--weights", weights, "--source", source, "--poses", "walk", "--out", tmp_path / "a.gif"]
    assert main([str(a) for a in [*argv, "--fps", 10, "--missing", "guess", "--background", "photo"]]) == 0
    printed = capsys.readouterr().out
    assert "flicker, in levels of 0 to 255" in printed
    assert "16 frames, 1.6 seconds" in printed
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 16


def test_a_walk_in_a_full_photo(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A photo twice as wide as the largest frames is shrunk; the sequence is not."""
    source = standing().resize((128, 64), (400, 200)).crop(-900, -100)
    write_png(tmp_path / "me.png", photo(1, source, (600, 2560)))
    write_openpose(tmp_path / "me.json", [source])
    argv = ["animate", "--weights", weights, "--source", tmp_path / "me.png", "--poses", "walk-front", "--paste"]
    assert main([str(a) for a in [*argv, "--out", tmp_path / "a.gif"]]) == 0
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.size == (1280, 300)
        assert picture.n_frames == 16
        assert "posegan:carried" in picture.info["comment"].decode()
    printed = capsys.readouterr().out
    assert "0.0 beside the body" in printed
    assert "with --paste" not in printed
    assert main([str(a) for a in [*(a for a in argv if a != "--paste"), "--out", tmp_path / "a.gif"]]) == 0
    assert "its frames have 64x128 pixels; with --paste the person moves in the full photo" in capsys.readouterr().out


def test_frames_without_a_person_are_told(
    weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    for i in range(3):
        write_openpose(tmp_path / "poses" / f"{i}.json", [walk()[i]] if i else [])
    argv = ["animate", "--weights", weights, "--source", source, "--poses", tmp_path / "poses"]
    assert main([str(a) for a in [*argv, "--out", tmp_path / "a.gif", "--no-smooth"]]) == 0
    assert "1 frames left out: nobody found in them" in capsys.readouterr().out


MISTAKES = {
    "no poses": ("--source S --out o.gif", "required: --poses"),
    "odd rate": ("--source S --poses walk --out o.gif --fps 0", "'0' is no number of frames a second"),
    "no rate": ("--source S --poses walk --out o.gif --fps fast", "'fast' is no number of frames a second"),
    "two backgrounds": ("--source S --poses walk --out o.gif --paste --background steady", "leave --background out"),
    "nothing to leave out": ("--source S --poses walk --out o.gif --generated-only", "give one of them too"),
    "missing photo": ("--source gone.png --poses walk --out o.gif", "gone.png cannot be opened"),
    "missing poses": ("--source {photo} --poses gone.mp4 --out o.gif", "gone.mp4 cannot be opened"),
    "no animation": ("--weights {weights} --source {photo} --poses walk --out o.png", "ends in .gif or .mp4"),
    "unknown walk": ("--weights {weights} --source {photo} --poses wlak --out o.gif", "did you mean 'walk'"),
    "plain photos": ("--weights {weights} --source {photo} --poses {plain} --out o.gif", "gives 0 poses"),
    "odd box": ("--source {photo} --poses walk --out o.gif --box 1,2,3", "'1,2,3' is no box left,top,right,bottom"),
    "two detectors": ("--movenet M --detector yolo --source {photo} --poses walk --out o.gif", "leave --detector"),
    "no network": ("--detector yolo --source {photo} --poses walk --out o.gif", "needs detector weights, a YOLO-pose"),
    "no detector": ("--movenet {photo} --source {photo} --poses walk --out o.gif", "MoveNet"),
}


@pytest.mark.usefixtures("blind")
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
    places = {
        "weights": weights,
        "photo": market / "bounding_box_test" / "0011_c1s1_000000_00.png",
        "plain": as_photos(tmp_path / "plain", walk(2), annotated=False),
    }
    assert main(["animate", *(word.format(**places) for word in line.split())]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    complaint = printed.err.strip().splitlines()[-1]
    assert complaint.startswith("posegan: ")
    assert sentence in complaint
    assert complaint.endswith((".", "?"))
    assert not list(tmp_path.glob("o.*"))
