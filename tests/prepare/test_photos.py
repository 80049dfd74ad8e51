"""Photos without keypoints: who is cut out, what is rejected and why, and going on after a stop."""

from __future__ import annotations

import errno
import importlib
import json
import multiprocessing
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.data import PhotoFolderDataset, read_pairs
from posegan.detect import People
from posegan.detect.base import joint_boxes
from posegan.errors import UserError
from posegan.files import printable
from posegan.images import read_photo, to_pil, write_png
from posegan.lock import sole_writer
from posegan.pose import Pose
from posegan.pose.io import load_annotations
from posegan.prepare import prepare_photos
from posegan.prepare.look import cut_out
from posegan.prepare.photos import FEW
from posegan.prepare.photos import _begin as begin_worker
from posegan.prepare.photos import _look_chunk as look_chunk
from tests.small_world import SIZE, photo, standing

GREY = 128


class Seer:
    """A detector that sees a person of the bundled pose in every box of white pixels: their outline is the frame."""

    name = "seer"

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, photo: Tensor) -> People:
        self.looks += 1
        poses = []
        white = (photo == 255).all(0)
        columns = white.any(0).nonzero()[:, 0].tolist()
        for left in [c for c in columns if c - 1 not in columns]:
            right = next(c for c in range(left, photo.shape[-1] + 1) if c not in columns)
            rows = white[:, left].nonzero()[:, 0]
            top, bottom = int(rows.min()), int(rows.max()) + 1
            pose = standing().resize(SIZE, (bottom - top, right - left)).crop(-left, -top)
            legless = photo[0, top, left + (right - left) // 2] != 255  # a mark in the middle of the upper edge
            poses.append(Pose(pose.xy, pose.visible & ((torch.arange(18) < 8) | torch.tensor(not legless))))
        none = Pose(torch.zeros(0, 18, 2), torch.zeros(0, 18, dtype=torch.bool))
        pose = Pose.stack(poses) if poses else none
        return People(pose, torch.ones(len(pose), 18), torch.ones(len(pose)), joint_boxes(pose))


def person(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (300, 200), legless: bool = False) -> Tensor:
    """Return a grey photo with people as white boxes of (left, top, width, height)."""
    made = torch.full((3, *size), GREY, dtype=torch.uint8)
    for left, top, width, height in boxes:
        made[:, top : top + height, left : left + width] = 255
        if legless:
            made[:, top, left + width // 2] = 0
    return made


def write_people(root: Path) -> Path:
    """Write two people who can be used, with two photos each, and one photo for every reason to reject one."""
    for i, name in enumerate(("ann/1.png", "ann/holiday/2.png", "bob/1.png", "bob/2.png")):
        write_png(root / name, person((60 + i, 40, 90, 180)))
    write_png(root / "ann" / "nobody.png", person())
    write_png(root / "ann" / "two.png", person((10, 10, 80, 160), (100, 10, 80, 160)))
    write_png(root / "ann" / "half.png", person((60, 40, 90, 180), legless=True))
    write_png(root / "bob" / "far.png", person((60, 40, 20, 40)))
    write_png(root / "bob" / "tiny.png", torch.full((3, 10, 20), 255, dtype=torch.uint8))
    shutil.copyfile(root / "ann" / "1.png", root / "bob" / "copy.png")
    (root / "bob" / "broken.jpg").write_bytes(b"no picture")
    write_png(root / "stray.png", person((60, 40, 90, 180)))
    for name in ("IMG_1.heic", ".hidden.heic", "notes.txt"):
        (root / "bob" / name).touch()
    return root


def test_photos_become_a_data_set(tmp_path: Path) -> None:
    report = prepare_photos(write_people(tmp_path / "photos"), tmp_path / "out", Seer)["photos"]
    assert report.totals["train pairs"] == 4
    assert report.counts == {
        "rejected, nobody found": 1,
        "rejected, too small to show a person": 1,
        "rejected, several people of like size": 1,
        "rejected, a shoulder or hip is not visible": 1,
        "rejected, the person is less than 48 pixels tall": 1,
        "rejected, the same file as another": 1,
        "rejected, cannot be read": 1,
        "rejected, lies in no person's folder": 1,
        "rejected, in a format that is not read (save it as JPEG, PNG or WebP first)": 1,
    }
    data = PhotoFolderDataset(tmp_path / "out", (64, 32))
    assert sorted({source.partition("/")[0] for source, _ in data.pair_names()}) == ["ann", "bob"]
    assert data.poses.inside((64, 32)).visible.all()
    said = json.loads((tmp_path / "out" / "prepare.json").read_text(encoding="utf-8"))
    assert said["rejected"]["bob/copy.png"] == "the same file as ann/1.png"
    assert "bob/IMG_1.heic" in said["rejected"]
    assert set(said["kept"]) == {"ann/1.png", "ann/holiday/2.png", "bob/1.png", "bob/2.png"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 4 + 5  # those kept, and those rejected that could be read and looked at
    assert "several people of like size" in page and "http" not in page


def test_joints_stay_on_the_person(tmp_path: Path) -> None:
    image, pose = person((500, 100, 400, 800), size=(1000, 1200)), standing().resize(SIZE, (800, 400)).crop(-500, -100)
    cut, moved = cut_out(image, pose)
    assert cut.shape[1] == 512
    x, y = moved.xy[1].round().long().tolist()
    assert (cut[:, y, x] == 255).all()
    assert 0.6 < (cut == 255).all(0).float().mean() < 0.95  # the person and a margin
    small, same = cut_out(person((60, 40, 90, 180)), standing().resize(SIZE, (180, 90)).crop(-60, -40))
    assert small.shape[1] < 300
    assert (moved.xy - moved.xy[1]).norm(dim=-1).amax() > (same.xy - same.xy[1]).norm(dim=-1).amax()


def test_photos_are_turned_upright_and_say_nothing_of_their_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # turn to the right
    lying = to_pil(person((60, 40, 90, 180))).transpose(Image.Transpose.ROTATE_90)
    (tmp_path / "photos" / "ann").mkdir(parents=True)
    lying.save(tmp_path / "photos" / "ann" / "1.png", exif=exif)
    write_png(tmp_path / "photos" / "ann" / "2.png", person((80, 40, 90, 180)))
    prepare_photos(tmp_path / "photos", tmp_path / "out", Seer)
    for name in load_annotations(tmp_path / "out" / "annotations.csv"):
        cut = read_photo(tmp_path / "out" / name)
        assert cut.shape[1] > 1.3 * cut.shape[2]
        with Image.open(tmp_path / "out" / name) as file:
            assert not file.getexif()


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    root, first = write_people(tmp_path / "photos"), Seer()

    class Stopped(Seer):
        def __call__(self, photo: Tensor) -> People:
            if self.looks == 3:
                raise KeyboardInterrupt
            return super().__call__(photo)

    with pytest.raises(KeyboardInterrupt):
        prepare_photos(root, tmp_path / "out", Stopped)
    with (tmp_path / "out" / "looked.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"photo": "ann/cut o')
    report = prepare_photos(root, tmp_path / "out", lambda: first)
    assert first.looks == 8 - 3  # of nine files two are the same
    whole = prepare_photos(root, tmp_path / "whole", Seer)
    assert report == whole
    for name in ("annotations.csv", "pairs-train.csv", "report.html", "prepare.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    write_png(root / "bob" / "far.png", person((60, 40, 88, 176)))  # a changed photo is looked at again
    again = Seer()
    assert prepare_photos(root, tmp_path / "out", lambda: again)["photos"].totals["photos"] == 5
    assert again.looks == 1


def test_files_of_the_users_own_are_not_replaced(tmp_path: Path) -> None:
    root, out, seer = write_people(tmp_path / "photos"), tmp_path / "own", Seer()
    out.mkdir()
    for name in ("annotations.csv", "prepare.json", "report.html", "pairs-train.csv", "photos.pack", "looked.jsonl"):
        (out / name).write_text("my own")
        with pytest.raises(UserError, match=f"{name} is not .* would be lost: move it away, or give another folder"):
            prepare_photos(root, out, lambda: seer)
        assert (out / name).read_text() == "my own"
        assert [file.name for file in out.iterdir()] == [name]
        (out / name).unlink()
    assert not seer.looks  # told before the work
    prepare_photos(root, out, lambda: seer)
    text = (out / "annotations.csv").read_text(encoding="utf-8")
    (out / "annotations.csv").write_text(text[: text.rindex("\n", 0, -1) + 1], encoding="utf-8")  # mended by hand
    with pytest.raises(UserError, match=r"annotations\.csv is not as `posegan prepare` wrote it"):
        prepare_photos(root, out, Seer)


def test_a_run_stopped_after_the_cuts_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopping(*_: object) -> None:
        raise KeyboardInterrupt

    root, out = write_people(tmp_path / "photos"), tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(importlib.import_module("posegan.prepare.prepare"), "pack_photos", stopping)
        prepare_photos(root, out, Seer)
    assert (out / "annotations.csv").is_file()
    write_png(root / "cat" / "1.png", person((50, 40, 90, 180)))
    assert prepare_photos(root, out, Seer)["photos"].totals["photos"] == 5
    (out / "prepare.json").unlink()  # as a version that noted no files left a run that was stopped
    assert prepare_photos(root, out, Seer)["photos"].totals["photos"] == 5


def test_two_do_not_write_into_one_folder(tmp_path: Path) -> None:
    root, out, seer = write_people(tmp_path / "photos"), tmp_path / "out", Seer()
    out.mkdir()
    with sole_writer(out), pytest.raises(UserError, match="out is in use by another run .* another place"):
        prepare_photos(root, out, lambda: seer)
    assert not seer.looks and not list(out.iterdir())


def test_names_that_no_row_can_have_are_rejected_and_no_others(tmp_path: Path) -> None:
    root = write_people(tmp_path / "photos")
    odd = {" cat/1.png": "has spaces around it", "cat/1\n.png": "has a line break in it"}
    if sys.platform == "linux":
        odd |= {os.fsdecode(b"cat/b\xff.png"): "is not UTF-8", os.fsdecode(b"b\xff.png"): ""}
    for i, name in enumerate(odd):
        write_png(root / name, person((62 + i, 30, 90, 180)))
    write_png(root / "cat" / " lead.png", person((62, 20, 90, 180)))  # its cut is cat/ lead-....jpg
    assert prepare_photos(root, tmp_path / "out", Seer)["photos"].totals["photos"] == 5
    said = json.loads((tmp_path / "out" / "prepare.json").read_text(encoding="utf-8"))
    reasons = {printable(name): f"its name cannot stand in annotations.csv: it {why}, rename it"
               for name, why in odd.items() if why}  # fmt: skip
    assert reasons.items() <= said["rejected"].items()
    assert said["photos"]["counts"]["rejected, its name cannot stand in annotations.csv"] == len(reasons)


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    root, opened = write_people(tmp_path / "photos"), Path.open

    def opening(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = opened(path, mode, *rest, **more)
        if path.name == "looked.jsonl":
            monkeypatch.setattr(file, "write", full)
        return file

    monkeypatch.setattr(Path, "open", opening)
    with pytest.raises(UserError, match=r"out/looked\.jsonl cannot be written \(No space left on device\): make room"):
        prepare_photos(root, tmp_path / "out", Seer)


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    for i in range(FEW + 2):
        write_png(tmp_path / "photos" / f"p{i % 13}" / f"{i}.png", person((40 + i, 20, 90, 180 + i)))
    for workers in (1, 2):
        prepare_photos(tmp_path / "photos", tmp_path / str(workers), Seer, workers=workers)
    one, two = ((tmp_path / n / "annotations.csv").read_bytes() for n in ("1", "2"))
    assert one == two
    sides = [
        {a.split("/")[0] for a, _ in read_pairs(tmp_path / "1" / f"pairs-{s}.csv")} for s in ("train", "validation")
    ]
    assert [len(side) for side in sides] == [12, 1]
    assert not sides[0] & sides[1]


def test_a_folder_of_heic_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "photos" / "ann").mkdir(parents=True)
    (tmp_path / "photos" / "ann" / "1.heic").touch()
    with pytest.raises(UserError, match=r"but 1 in formats that are not read \(ann/1\.heic\): save them as JPEG"):
        prepare_photos(tmp_path / "photos", tmp_path / "out", Seer)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_prepared_is_a_sentence(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_png(photos / "a.png", photo(1, standing()))
    with pytest.raises(UserError, match=r"1 photos lie in .* itself, .* put each person's photos into a folder"):
        prepare_photos(photos, tmp_path / "out", Seer)
    write_png(photos / "ann" / "a.png", person())
    with pytest.raises(UserError, match="None of the 2 photos .* 'nobody found'"):
        prepare_photos(photos, tmp_path / "out", Seer)
    with pytest.raises(UserError, match="lies in the folder of the photos"):
        prepare_photos(photos, photos / "out", Seer)
    with pytest.raises(UserError, match="made with the detector builtin instead of with the detector yolo"):
        prepare_photos(photos, tmp_path / "out", Seer, settings={"detector": "yolo"})


def test_workers_look_at_nothing_more_once_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "in" / "ann" / "1.png", person((60, 40, 90, 180)))
    stop = multiprocessing.get_context("spawn").Event()
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    begin_worker(Seer, stop)
    chunk = [("ann/1.png", "sha256")]
    assert [line.photo for line in look_chunk(tmp_path / "in", tmp_path / "out", chunk)] == ["ann/1.png"]
    stop.set()
    assert look_chunk(tmp_path / "in", tmp_path / "out", chunk) == []
