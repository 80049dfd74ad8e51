"""Many photos into one annotation file: what is written, skipped, told, and taken up again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.detect import People
from posegan.errors import UserError
from posegan.images import read_photo, write_png
from posegan.inference.annotate import LARGEST, annotate
from posegan.inference.finder import PersonFinder
from posegan.inference.poses import pose_of_photo
from posegan.lock import sole_writer
from posegan.pose import load_annotations
from tests.inference.test_finder import Crowd
from tests.small_world import photo, standing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people's photos, one of nobody, one damaged, one wide."""
    root = tmp_path / "photos"
    write_png(root / "me" / "a.png", photo(1, standing()))
    write_png(root / "me" / "b.png", photo(2, standing()))
    write_png(root / "you" / "a.png", torch.zeros(3, 128, 200, dtype=torch.uint8))
    write_png(root / "empty.png", torch.zeros(3, 128, 30, dtype=torch.uint8))
    (root / "bad.jpg").write_text("no photo")
    (root / "notes.txt").write_text("no photo either")
    for name in ("IMG_1.HEIC", "._IMG_1.HEIC", "shot.cr2", "Thumbs.db"):
        (root / "me" / name).write_bytes(b"")
    return root


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    out = folder / "annotations.csv"
    done = annotate([folder], out, PersonFinder(Crowd()), pictures=tmp_path / "drawn")
    rows = load_annotations(out)
    assert list(rows) == ["empty.png", "me/a.png", "me/b.png", "you/a.png"]
    assert torch.equal(rows["me/a.png"].xy, standing().xy)
    assert not rows["empty.png"].visible.any()
    assert (done.looked_at, done.known, done.nobody) == (4, 0, ["empty.png"])
    assert done.unread == ["me/IMG_1.HEIC", "me/shot.cr2"]
    assert len(done.unreadable) == 1
    assert "bad.jpg is not a readable photo" in done.unreadable[0]
    assert torch.equal(pose_of_photo(folder / "you" / "a.png").pose.xy, standing().xy)  # as other commands read it
    assert read_photo(tmp_path / "drawn" / "you" / "a.png.jpg").shape == (3, 128, 200)
    assert not torch.equal(read_photo(tmp_path / "drawn" / "me" / "a.png.jpg"), photo(1, standing()))


def test_a_picture_too_small_for_a_person_does_not_stop_it(folder: Path) -> None:
    write_png(folder / "dot.png", torch.zeros(3, 1, 1, dtype=torch.uint8))
    done = annotate([folder], folder / "annotations.csv", PersonFinder(Crowd()))
    assert (done.looked_at, len(done.unreadable)) == (4, 2)
    assert "dot.png is 1x1 pixels, too small" in done.unreadable[1]


def test_a_network_that_is_missing_is_told_once_and_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError("no network")

    monkeypatch.setattr("posegan.inference.finder.builtin", missing)
    with pytest.raises(UserError, match="no network"):
        annotate([folder], folder / "annotations.csv", PersonFinder())
    assert not (folder / "annotations.csv").exists()


def test_it_goes_on_where_it_was_stopped(folder: Path) -> None:
    class Stopped(Crowd):
        def __call__(self, photo: Tensor) -> People:
            if len(self.seen) == 2:
                raise KeyboardInterrupt
            return super().__call__(photo)

    out = folder / "annotations.csv"
    with pytest.raises(KeyboardInterrupt):
        annotate([folder], out, PersonFinder(Stopped()))
    assert len(load_annotations(out)) == 2
    detector = Crowd()
    done = annotate([folder], out, PersonFinder(detector))
    assert (len(detector.seen), done.looked_at, done.known) == (2, 2, 2)
    assert len(load_annotations(out)) == 4


def test_files_and_another_person(folder: Path, tmp_path: Path) -> None:
    files = [folder / "me" / "a.png", folder / "you" / "a.png"]
    with pytest.raises(UserError, match="Two photos have the same file name"):
        annotate(files, tmp_path / "a.csv", PersonFinder(Crowd()))
    done = annotate([folder / "me" / "b.png", files[1]], tmp_path / "a.csv", PersonFinder(Crowd(), person=2))
    assert done.too_few == ["there is no person 2 in b.png, found 1"]
    assert list(load_annotations(tmp_path / "a.csv")) == ["a.png"]  # so that b.png is looked at again
    assert float(load_annotations(tmp_path / "a.csv")["a.png"].xy[1, 0]) > 64


def test_a_name_that_no_row_can_have_costs_only_its_own_photo(folder: Path) -> None:
    odd = [b" lead.jpg", *([b"b\xff.jpg"] if sys.platform == "linux" else [])]
    for name in odd:
        write_png(folder / os.fsdecode(name), photo(3, standing()))
    out = folder / "annotations.csv"
    done = annotate([folder], out, PersonFinder(Crowd()))
    assert done.looked_at == len(load_annotations(out)) == 4
    told = done.unreadable[: len(odd)]
    assert all(f"can have no row: its name {why}; rename it." in " ".join(told)
               for why in ("has spaces around it", "is not UTF-8")[: len(odd)])  # fmt: skip
    assert " ".join(told).encode()  # all of it can be printed
    done = annotate([folder / " lead.jpg", folder / "me" / "a.png"], folder / "two.csv", PersonFinder(Crowd()))
    assert (done.looked_at, len(done.unreadable)) == (1, 1)


def test_two_do_not_write_one_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    detector = Crowd()
    with sole_writer(out), pytest.raises(UserError, match=r"rows\.csv is in use by another run of posegan"):
        annotate([folder], out, PersonFinder(detector))
    assert not detector.seen
    annotate([folder], out, PersonFinder(detector))
    assert {file.name for file in tmp_path.iterdir()} == {"photos", "rows.csv"}


def test_pictures_do_not_go_among_the_photos(folder: Path, tmp_path: Path) -> None:
    for pictures in (folder, folder / "me" / "drawn", tmp_path / "photos" / ".." / "photos"):
        with pytest.raises(UserError, match="lies in the folder of the photos, .* give another folder"):
            annotate([folder], tmp_path / "a.csv", PersonFinder(Crowd()), pictures=pictures)
    with pytest.raises(UserError, match=r"bad\.jpg is a file: give a folder"):
        annotate([folder], tmp_path / "a.csv", PersonFinder(Crowd()), pictures=folder / "bad.jpg")
    assert not (tmp_path / "a.csv").exists()
    annotate([folder], tmp_path / "a.csv", PersonFinder(Crowd()), pictures=tmp_path / "photos-drawn")


def test_pictures_are_not_larger_than_needed(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", torch.zeros(3, 100, 2 * LARGEST, dtype=torch.uint8))
    annotate([tmp_path / "a.png"], tmp_path / "a.csv", PersonFinder(Crowd()), pictures=tmp_path)
    assert read_photo(tmp_path / "a.png.jpg").shape == (3, 50, LARGEST)


def test_mistakes(folder: Path, tmp_path: Path) -> None:
    finder = PersonFinder(Crowd())
    with pytest.raises(UserError, match=r"ends in \.csv"):
        annotate([folder], tmp_path / "a.txt", finder)
    with pytest.raises(UserError, match=r"cannot be made, .*empty\.png is a file"):
        annotate([folder], folder / "empty.png" / "in" / "a.csv", finder)
    with pytest.raises(UserError, match="give one folder, or photo files"):
        annotate([folder, folder / "empty.png"], tmp_path / "a.csv", finder)
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="holds no photos"):
        annotate([tmp_path / "none"], tmp_path / "a.csv", finder)
    (tmp_path / "none" / "a.heic").touch()
    with pytest.raises(UserError, match=r"holds no photos but 1 in formats that are not read \(a\.heic\): save"):
        annotate([tmp_path / "none"], tmp_path / "a.csv", finder)
    (tmp_path / "scores.csv").write_text("from,to\n")
    with pytest.raises(UserError, match="this is no annotation CSV"):
        annotate([folder], tmp_path / "scores.csv", finder)
    assert (tmp_path / "scores.csv").read_text() == "from,to\n"
