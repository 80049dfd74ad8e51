"""Archives and folders as they are downloaded: what is unpacked and under which names, and what is never written."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from posegan.data import MarketPoseDataset
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.images import write_png
from posegan.lock import sole_writer
from posegan.pose import save_annotations
from posegan.prepare import prepare_anything, raw
from posegan.prepare.raw import is_flat_fashion, is_raw, pieces_of, unpack
from tests.prepare.test_photos import Seer, write_people
from tests.small_world import photo, standing

VIEWS = ("WOMEN/Blouses_Shirts/id_00000001/02_1_front.png", "WOMEN/Blouses_Shirts/id_00000001/02_3_back.png")


def no_detector() -> Detector:
    raise AssertionError("nothing is to be detected")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def market_zip(market: Path, path: Path) -> Path:
    """Return a zip as Market-1501 is downloaded: one folder around all, and other things beside the photos."""
    files = {
        f"Market-1501-v15.09.15/{file.parent.name}/{file.name}": file.read_bytes()
        for file in market.glob("bounding_box_*/*")
    }
    rest = {"Market-1501-v15.09.15/readme.txt": b"hello", "Market-1501-v15.09.15/bounding_box_train/Thumbs.db": b"?"}
    return zipped(path, files | rest | {"Market-1501-v15.09.15/query/0011_c1s1_000000_00.png": b"query"})


def test_market_as_downloaded(market: Path, tmp_path: Path) -> None:
    archive, out = market_zip(market, tmp_path / "Market-1501-v15.09.15.zip"), tmp_path / "out"
    with pytest.raises(UserError, match="holds no keypoints") as told:
        prepare_anything(archive, out, no_detector)
    for words in ("train photos, bounding_box_train: there", "market-annotation-test.csv: missing", "posegan detect",
                  "github.com/AliaksandrSiarohin/pose-gan", "test pairs, market-pairs-test.csv: missing"):  # fmt: skip
        assert words in str(told.value)
    assert {file.name for file in out.iterdir()} == {"bounding_box_train", "bounding_box_test"}
    assert len(list(out.glob("bounding_box_train/*"))) == 9
    for csv in market.glob("*.csv"):
        (out / csv.name).write_bytes(csv.read_bytes())
    made = prepare_anything(archive, out, no_detector)
    assert all(piece.there for piece in made.pieces) and len(made.pieces) == 5
    assert len(MarketPoseDataset(out, "train")) == 18 and len(MarketPoseDataset(out, "test")) == 6


def test_the_folder_that_the_zip_makes(market: Path, tmp_path: Path) -> None:
    inner = tmp_path / "downloads" / "Market-1501-v15.09.15"
    inner.parent.mkdir()
    market.rename(inner)
    (inner / "market-annotation-test.csv").unlink()
    made = prepare_anything(inner.parent, None, no_detector)
    assert made.folder == inner
    assert [piece.there for piece in made.pieces] == [True, True, True, False, True]
    assert set(made.reports) == {"train"}


def test_names_that_lead_elsewhere_are_written_nowhere(tmp_path: Path) -> None:
    evil = {
        "../bounding_box_train/../../0001_c1s1_000000_00.jpg": b"1",
        "/bounding_box_train/0002_c1s1_000000_00.jpg": b"2",
        "bounding_box_train/..jpg": b"3",
        "bounding_box_train/a\\b.jpg": b"4",
        "bounding_box_train/.hidden.jpg": b"5",
        "../../bounding_box_test/0003_c1s1_000000_00.jpg": b"6",
    }
    (tmp_path / "deep").mkdir()
    archive = zipped(tmp_path / "deep" / "a.zip", evil)
    link = zipfile.ZipInfo("bounding_box_train/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    assert unpack(archive, tmp_path / "deep" / "out") == "market"
    written = {f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*") if f.is_file()} - {"deep/a.zip"}
    assert written == {
        "deep/out/bounding_box_train/0002_c1s1_000000_00.jpg",
        "deep/out/bounding_box_test/0003_c1s1_000000_00.jpg",
    }


def test_photos_of_the_users_own_are_not_replaced(tmp_path: Path) -> None:
    names = [f"bounding_box_train/000{i}_c1s1_000000_00.jpg" for i in (1, 2)]
    archive, out = zipped(tmp_path / "a.zip", dict.fromkeys(names, b"photo")), tmp_path / "out"
    (out / names[1]).parent.mkdir(parents=True)
    (out / names[1]).write_bytes(b"mine")
    with pytest.raises(
        UserError, match=r"0002_c1s1_000000_00\.jpg is another file than that of .*a\.zip and would be lost"
    ):
        unpack(archive, out)
    assert (out / names[1]).read_bytes() == b"mine" and not (out / names[0]).exists()
    (out / names[1]).unlink()
    with sole_writer(out), pytest.raises(UserError, match="in use by another run"):
        unpack(archive, out)
    unpack(archive, out)
    assert sorted(file.name for file in out.rglob("*.*")) == [Path(name).name for name in names]


def test_bombs_and_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "bounding_box_train/0001_c1s1_000000_00.jpg"
    archive = zipped(tmp_path / "a.zip", {name: b"x" * 1000})
    for limit in ("LARGEST", "MOST_BYTES", "MOST_FILES"):
        with monkeypatch.context() as patch:
            patch.setattr(raw, limit, 0)
            with pytest.raises(UserError, match="more than the data set has"):
                unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    data = bytearray(archive.read_bytes())
    data[len(name) + 40] ^= 1  # in the photo
    (tmp_path / "b.zip").write_bytes(data)
    (tmp_path / "c.zip").write_bytes(b"no zip")
    for broken in ("b.zip", "c.zip"):
        with pytest.raises(UserError, match="not a readable zip archive"):
            unpack(tmp_path / broken, tmp_path / "out")
    assert not list(tmp_path.rglob("*.jpg"))
    with pytest.raises(UserError, match="neither Market-1501"):
        unpack(zipped(tmp_path / "d.zip", {"holiday.jpg": b"x"}), tmp_path / "out")
    with pytest.raises(UserError, match="is no data set"):
        prepare_anything(Path(__file__), tmp_path / "out", no_detector)


@pytest.mark.parametrize("packed", [True, False])
def test_deepfashion_gets_the_names_of_its_keypoints(tmp_path: Path, packed: bool) -> None:
    where, out = tmp_path / "raw" / "img", tmp_path / "out"
    for i, view in enumerate(VIEWS):
        write_png(where / view, photo(i, standing().resize((128, 64), (256, 128)), (256, 256)))
    assert is_raw(where) == is_raw(where.parent) == "deepfashion"
    if packed:
        where = zipped(tmp_path / "img.zip", {f"img/{view}": (where / view).read_bytes() for view in VIEWS})
    with pytest.raises(UserError, match="fashion-annotation-train.csv: missing"):
        prepare_anything(where, out, no_detector)
    names = ["fashionWOMENBlouses_Shirtsid0000000102_1front.png", "fashionWOMENBlouses_Shirtsid0000000102_3back.png"]
    assert sorted(file.name for file in (out / "img").iterdir()) == names
    assert is_flat_fashion(out) and not is_flat_fashion(tmp_path)
    with pytest.raises(UserError, match="holds no keypoints"):
        prepare_anything(out, None, no_detector)
    old = [name.replace("fashion", "fasion").replace("Blouses_", "Blouses") for name in names]
    save_annotations(out / "fasion-annotation-train.csv", dict.fromkeys(old, standing().resize((128, 64), (256, 256))))
    made = prepare_anything(where, out, no_detector)
    assert made.reports["train"].totals["photos"] == 2
    assert {file.name for file in (out / "img").iterdir()} == {*names, *old}


def test_photos_and_annotated_photos(people: Path, tmp_path: Path) -> None:
    assert prepare_anything(people, None, no_detector).folder == people
    made = prepare_anything(write_people(tmp_path / "photos"), None, Seer)
    assert made.folder == tmp_path / "photos-prepared"
    assert made.reports["photos"].totals["train pairs"] == 4
    with pytest.raises(UserError, match="no folder"):
        prepare_anything(tmp_path / "gone", None, Seer)


def test_pieces_are_told_under_the_names_that_are_there(tmp_path: Path) -> None:
    save_annotations(tmp_path / "fasion-resize-annotation-test.csv", {})
    (tmp_path / "train").mkdir()
    said = [piece.text() for piece in pieces_of("deepfashion", tmp_path)]
    assert said[0] == "train photos, train: there"
    assert said[2] == "test keypoints, fasion-resize-annotation-test.csv: there"
