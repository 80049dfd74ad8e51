"""`posegan detect` from the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from posegan.cli import main
from posegan.images import write_png
from posegan.pose import load_annotations
from tests.inference.test_finder import Crowd
from tests.small_world import photo, standing


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posegan.inference.finder.builtin", Crowd)


@pytest.mark.usefixtures("crowd")
def test_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "in" / "a.png", photo(1, standing()))
    write_png(tmp_path / "in" / "b.png", torch.zeros(3, 128, 30, dtype=torch.uint8))
    (tmp_path / "in" / "bad.png").write_text("no photo")
    (tmp_path / "in" / "c.heic").touch()
    argv = ["detect", "--images", str(tmp_path / "in"), "--out", str(tmp_path / "a.csv")]
    assert main(argv) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    first, format_, second, last = printed.out.strip().splitlines()
    assert first.startswith("left out: ")
    assert "bad.png" in first
    assert format_ == "left out: 1 in formats that are not read (c.heic): save them as JPEG, PNG or WebP first"
    assert second == "nobody found in b.png"
    assert last == f"1 of 2 photos with a person; rows are in {tmp_path / 'a.csv'}"
    assert main([*argv, "--pictures", str(tmp_path / "drawn")]) == 0
    assert f"2 photos had a row in {tmp_path / 'a.csv'} already; to look at them again" in capsys.readouterr().out


@pytest.mark.usefixtures("crowd")
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", os.fsdecode(b"b\xff.png")):
        write_png(tmp_path / "in" / name, photo(1, standing()))
    assert main(["detect", "--images", str(tmp_path / "in"), "--out", str(tmp_path / "a.csv")]) == 0
    first, last = capsys.readouterr().out.strip().splitlines()
    assert first == rf"left out: '{tmp_path}/in/b\udcff.png' can have no row: its name is not UTF-8; rename it."
    assert last.startswith("1 of 1 photos with a person")


@pytest.mark.usefixtures("crowd")
def test_box_and_number(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", torch.zeros(3, 128, 200, dtype=torch.uint8))
    argv = ["detect", "--images", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.csv")]
    assert main([*argv, "--box", "60,0,190,128", "--person", "2"]) == 0
    xy = load_annotations(tmp_path / "a.csv")["a.png"].xy
    assert 60 + 64 < float(xy[1, 0]) < 60 + 128


@pytest.mark.usefixtures("crowd")
def test_a_number_that_nobody_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "a.png", photo(1, standing()))
    argv = ["detect", "--images", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.csv")]
    assert main([*argv, "--person", "3"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "left out: there is no person 3 in a.png, found 1\n"
    assert "None of the photos shows a person 3, so" in printed.err
    assert not (tmp_path / "a.csv").exists()
    assert main(argv) == 0


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--images {bad} --out {tmp}/a.csv", "No photo is left, so"),
        ("--images {tmp} --out {tmp}/a.csv --detector yollo", "invalid choice: 'yollo'"),
        ("--images {tmp} --out {tmp}/a.csv --person 0", "'0' is not a positive whole number"),
        ("--images {gone} --out {tmp}/a.csv", "gone.png cannot be opened (No such file"),
    ],
)
def test_a_mistake_is_one_sentence(
    line: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no photo")
    places = {"tmp": tmp_path, "bad": tmp_path / "bad.png", "gone": tmp_path / "gone.png"}
    assert main(["detect", *line.format(**places).split()]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "a.csv").exists()
