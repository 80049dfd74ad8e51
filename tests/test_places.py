"""Where results may be written: told without making anything."""

import os
from pathlib import Path

import pytest

from posegan.errors import UserError
from posegan.images import write_png
from posegan.inference.output import GENERATED
from posegan.places import (
    FILM,
    PICTURE,
    WEIGHTS,
    require_file_place,
    require_folder_place,
    require_new_file_place,
    require_picture_place,
)
from tests.small_world import photo, standing


def test_places_that_will_do_are_not_made(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "new" / "below"):
        require_folder_place(path)
    require_file_place(tmp_path / "new" / "a.csv")
    require_file_place(tmp_path / "new" / "A.MP4", FILM)
    require_picture_place(tmp_path / "new" / "a.png", inputs=[tmp_path / "gone.png", None])
    assert list(tmp_path.iterdir()) == []


def test_a_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    require_folder_place("new")
    require_picture_place("a.png")
    Path("file").touch()
    with pytest.raises(UserError, match="^file is a file: give a folder for the results, or delete it"):
        require_folder_place("file")
    with pytest.raises(UserError, match="^file/a/b cannot be made, file is a file: give another folder"):
        require_folder_place("file/a/b")
    with pytest.raises(UserError, match="^file is a file: give a folder"):
        require_picture_place("file/a.png")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"is a folder: give a file name in it, for example {tmp_path}/result\.gif\."):
        require_file_place(tmp_path, FILM)
    for name in ("a.jpg", "a", "png"):
        with pytest.raises(UserError, match=rf"{name} has another ending .*: give a file name that ends in \.png\."):
            require_file_place(tmp_path / name, PICTURE)
    with pytest.raises(UserError, match=r"ends in \.gif or \.mp4\."):
        require_picture_place(tmp_path / "a.png", FILM)


def test_what_would_be_lost(tmp_path: Path) -> None:
    write_png(tmp_path / "mine.png", photo(1, standing()))
    write_png(tmp_path / "made.png", photo(1, standing()), GENERATED)
    (tmp_path / "empty.png").touch()
    for name in ("made.png", "empty.png"):
        require_picture_place(tmp_path / name)
    with pytest.raises(UserError, match=r"mine\.png is there and does not say that posegan made it"):
        require_picture_place(tmp_path / "mine.png")
    with pytest.raises(UserError, match=r"made\.png is an input of this command and would be lost"):
        require_picture_place(tmp_path / "made.png", inputs=[tmp_path / "x" / ".." / "made.png", tmp_path / "made.png"])


def test_a_file_that_nothing_may_replace(tmp_path: Path) -> None:
    require_new_file_place(tmp_path / "new" / "a.safetensors", WEIGHTS)
    (tmp_path / "a.safetensors").touch()
    with pytest.raises(UserError, match=r"a\.safetensors is there already and would be lost"):
        require_new_file_place(tmp_path / "a.safetensors", WEIGHTS)
    with pytest.raises(UserError, match=r"ends in \.safetensors\."):
        require_new_file_place(tmp_path / "a.bin", WEIGHTS)


def test_not_among_the_photos_of_a_data_set(tmp_path: Path) -> None:
    require_folder_place(tmp_path / "out", tmp_path / "data")
    require_folder_place(tmp_path / "out", "synthetic")
    for out in (tmp_path / "data", tmp_path / "data" / "out", tmp_path / "x" / ".." / "data"):
        with pytest.raises(UserError, match=r"lies in the data set .*/data, with whose photos it would mix"):
            require_folder_place(out, tmp_path / "data")


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)
    for path in (tmp_path, tmp_path / "new"):
        with pytest.raises(UserError, match=r"cannot be used \(Permission denied\): give a folder that you may write"):
            require_folder_place(path)
