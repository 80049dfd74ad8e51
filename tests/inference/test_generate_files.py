"""Pictures on disk: what they hold, what they say of themselves, and what is never overwritten."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from PIL import Image

import posegan
from posegan.data import write_pairs
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.images import write_png
from posegan.inference.generate import generate_file, generate_pairs
from posegan.inference.open_data import kind_of, open_data
from posegan.inference.output import out_file, out_folder, pair_name, require_distinct_names
from posegan.inference.predictor import Predictor
from posegan.pose import save_annotations
from tests.small_world import photo, standing


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return Predictor.load(weights, "cpu")


def test_a_picture_says_what_it_is(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    generate_file(predictor, source, "back", tmp_path / "new" / "a.png")
    with Image.open(tmp_path / "new" / "a.png") as picture:
        said = dict(picture.info)
    assert said["Description"].startswith("AI-generated")
    assert said["Software"] == f"posegan {posegan.__version__}"
    assert said["posegan:weights-sha256"] == predictor.sha256
    assert said["posegan:source"] == sha256_of(source)
    generate_file(predictor, source, "back", tmp_path / "b.png", metadata=False)
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.info == {}


def test_inputs_are_never_overwritten(predictor: Predictor, market: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    before = source.read_bytes()
    with pytest.raises(UserError, match="would be lost"):
        generate_file(predictor, source, "back", source.parent / ".." / source.parent.name / source.name)
    assert source.read_bytes() == before


def test_every_pair_of_a_list(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert generate_pairs(predictor, market, market / "market-pairs-test.csv", out, batch_size=4).count == 6
    assert len(list(out.glob("*.png"))) == 6
    assert (out / "0011_c1s1_000000_00_0011_c1s1_000001_00.png").is_file()


def test_pairs_replace_only_what_posegan_made(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    pairs, out = market / "market-pairs-test.csv", tmp_path / "out"
    generate_pairs(predictor, market, pairs, out)
    generate_pairs(predictor, market, pairs, out)
    *rest, mine = sorted(out.glob("*.png"))
    write_png(mine, photo(3, standing()))
    before = mine.read_bytes()
    for path in rest:
        path.unlink()
    with pytest.raises(UserError, match=f"{mine.name} is there and does not say"):
        generate_pairs(predictor, market, pairs, out)
    assert list(out.glob("*.png")) == [mine]
    assert mine.read_bytes() == before


def test_pairs_that_name_a_missing_photo(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    names = [f"0011_c1s1_00000{i}_00.png" for i in range(2)]
    write_pairs(tmp_path / "pairs.csv", [(names[0], names[1]), (names[0], "gone.png")])
    with pytest.raises(UserError, match=r"1 pairs .* the first is .*gone\.png"):
        generate_pairs(predictor, market, tmp_path / "pairs.csv", tmp_path / "out")
    write_pairs(tmp_path / "pairs.csv", [])
    with pytest.raises(UserError, match="names no two photos"):
        generate_pairs(predictor, market, tmp_path / "pairs.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_of_pictures() -> None:
    assert pair_name("a.jpg", "ann/b.c.png") == "a_ann-b.c"


def test_where_results_cannot_go(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file: give a folder"):
        out_folder(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be made, .*file is a file: give another folder"):
        out_folder(tmp_path / "file" / "below")
    with pytest.raises(UserError, match="is a folder: give a file name"):
        out_file(tmp_path)


def test_a_folder_in_which_no_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**where: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(UserError, match=r"cannot be used \(Read-only file system\): give a folder that you may write"):
        out_folder(tmp_path)


def test_data_is_recognised_by_what_it_holds(market: Path, people: Path, tmp_path: Path) -> None:
    assert kind_of("synthetic") == "synthetic"
    assert kind_of(market) == "market"
    assert kind_of(people) == "folder"
    save_annotations(tmp_path / "fashion-resize-annotation-test.csv", {})
    assert kind_of(tmp_path) == "deepfashion"
    with pytest.raises(UserError, match="no folder"):
        kind_of(tmp_path / "gone")


def test_open_data(market: Path, people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(open_data(market, (128, 64))) == 6  # the test list
    assert len(open_data(market, (128, 64), split="train+validation")) == 18
    folder = open_data(people, (128, 64))  # too few people for a split: all of them
    assert f"{people} has too few people to hold some out" in capsys.readouterr().err
    assert len(folder) == 4
    assert folder.size == (128, 64)
    with pytest.raises(UserError, match="leave the pairs out"):
        open_data("synthetic", (128, 64), "pairs.csv")


def test_synthetic_people_to_measure_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posegan.inference.open_data.TEST_PEOPLE", 2)
    data = open_data("synthetic", (32, 16))
    assert len(data) == 2 * 8 * 7
    assert len({name[:5] for pair in data.pair_names()[:8] for name in pair}) == 2  # both people among the first


def test_unreadable_photo(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="not a readable photo"):
        generate_file(predictor, tmp_path / "a.png", "back", tmp_path / "b.png", source_pose=standing())
    write_png(tmp_path / "c.png", photo(1, standing()))
    with pytest.raises(UserError, match="has no row"):
        save_annotations(tmp_path / "a.csv", {"other.png": standing()})
        generate_file(predictor, tmp_path / "c.png", "back", tmp_path / "b.png", source_pose=tmp_path / "a.csv")


def test_a_picture_is_named_as_the_png_it_is(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    source = market / "bounding_box_test" / "0011_c1s1_000000_00.png"
    for name in ("out.jpg", "out"):
        with pytest.raises(UserError, match=r"ends in \.png"):
            generate_file(predictor, source, "back", tmp_path / name)
    assert not list(tmp_path.glob("out*"))


def test_no_pair_overwrites_another(predictor: Predictor, market: Path, tmp_path: Path) -> None:
    assert pair_name("a.jpg", "b.jpg") == pair_name("a.png", "b.png")
    require_distinct_names([("a.jpg", "b.jpg"), ("b.jpg", "a.jpg"), ("a.jpg", "b.jpg")])
    with pytest.raises(UserError, match=r"a\.jpg,b\.jpg and a\.png,b\.jpg would both be a_b\.png"):
        require_distinct_names([("a.jpg", "b.jpg"), ("a.png", "b.jpg")])
    names = [f"0011_c1s1_00000{i}_00.png" for i in range(2)]
    write_pairs(tmp_path / "twice.csv", [(names[0], names[1])] * 2)
    assert generate_pairs(predictor, market, tmp_path / "twice.csv", tmp_path / "out").count == 1


def test_pairs_are_not_written_among_the_photos(predictor: Predictor, market: Path) -> None:
    for out in (market, market / "made"):
        with pytest.raises(UserError, match="lies in the data set"):
            generate_pairs(predictor, market, market / "market-pairs-test.csv", out)
    assert not (market / "made").exists()
