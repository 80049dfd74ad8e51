"""Preparation: what is packed, paired and reported, and that nothing of the user's is lost."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch

from posegan.data import DeepFashionPoseDataset, MarketPoseDataset, PhotoFolderDataset, read_pairs, write_pairs
from posegan.errors import UserError
from posegan.images import write_png
from posegan.lock import sole_writer
from posegan.pose import Pose, save_annotations
from posegan.prepare import prepare
from tests.small_world import photo, standing


def test_the_prepared_folder_is_a_data_set_of_its_own(market: Path, tmp_path: Path) -> None:
    reports = prepare(market, tmp_path / "out")
    assert reports["train"].totals["train pairs"] == 18
    assert reports["test"].totals["test pairs"] == 6
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "train.pack", "test.pack", "market-annotation-train.csv", "market-annotation-test.csv",
        "market-pairs-train.csv", "market-pairs-validation.csv", "market-pairs-test.csv", "prepare.json",
    }  # fmt: skip
    original = MarketPoseDataset(market, "test", maps=False).batch(torch.arange(6))
    shutil.rmtree(market)
    packed = MarketPoseDataset(tmp_path / "out", "test", maps=False).batch(torch.arange(6))
    assert torch.equal(packed.target_image, original.target_image)
    pairs = read_pairs(tmp_path / "out" / "market-pairs-train.csv")
    assert pairs == MarketPoseDataset(tmp_path / "out", "train").pair_names()
    assert json.loads((tmp_path / "out" / "prepare.json").read_text())["train"]["totals"]["photos"] == 9


def test_in_its_own_folder_and_again(market: Path) -> None:
    first = prepare(market)
    assert prepare(market)["train"].totals == first["train"].totals
    assert (market / "bounding_box_train").is_dir()
    shutil.rmtree(market / "bounding_box_train")
    with pytest.raises(UserError, match="holds no photos"):
        prepare(market)
    assert len(MarketPoseDataset(market, "train")) == 18  # the pack is still there


def test_a_list_that_is_not_prepares_own_is_not_replaced(market: Path) -> None:
    own = market / "market-pairs-train.csv"  # as PATN publishes its own under this name
    write_pairs(own, [("0001_c1s1_000000_00.png", "0001_c1s1_000001_00.png")])
    before = {file.name: file.read_bytes() for file in market.glob("*.*")}
    with pytest.raises(
        UserError, match=r"market-pairs-train\.csv is not .* would be lost: move it away, or give another folder"
    ):
        prepare(market)
    assert {file.name: file.read_bytes() for file in market.glob("*.*")} == before  # told before the work
    own.unlink()
    prepare(market)
    prepare(market)  # over its own results
    write_pairs(own, [("0001_c1s1_000000_00.png", "0001_c1s1_000001_00.png")])
    with pytest.raises(UserError, match="would be lost"):
        prepare(market)
    assert len(read_pairs(own)) == 1


def test_another_folders_own_files_are_not_replaced(market: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("market-annotation-test.csv", "market-pairs-test.csv", "train.pack", "prepare.json"):
        (out / name).write_text('{"version": 1}')
        with pytest.raises(UserError, match=f"{name} is not as `posegan prepare` wrote it, or not its own"):
            prepare(market, out)
        assert [file.name for file in out.iterdir()] == [name]
        assert (out / name).read_text() == '{"version": 1}'
        (out / name).unlink()
    for name in ("train.shards.json", "train-00000.tar"):
        (out / name).write_text("my own")
        with pytest.raises(UserError, match=f"{name} is not"):
            prepare(market, out, shard_megabytes=1)
        (out / name).unlink()
    shutil.copyfile(
        market / "market-annotation-test.csv", out / "market-annotation-test.csv"
    )  # the same: nothing is lost
    prepare(market, out)
    write_pairs(market / "market-pairs-test.csv", read_pairs(market / "market-pairs-test.csv")[:2])
    assert prepare(market, out)["test"].totals["test pairs"] == 2  # its own copy follows


def test_results_of_a_version_that_noted_no_files_are_its_own(market: Path) -> None:
    prepare(market)
    said = json.loads((market / "prepare.json").read_text(encoding="utf-8"))
    assert set(said.pop("files")) == {"market-pairs-train.csv", "market-pairs-validation.csv"}
    (market / "prepare.json").write_text(json.dumps(said))
    write_pairs(market / "market-pairs-train.csv", [])
    prepare(market)
    assert len(read_pairs(market / "market-pairs-train.csv")) == 18


def test_a_run_that_is_stopped_knows_its_files(market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("posegan.prepare.prepare")
    honest = module.write_pairs

    def stopping(path: Path, *rest: object) -> None:
        if path.name != "market-pairs-train.csv":  # after the list of training pairs, before the index of the shards
            raise KeyboardInterrupt
        honest(path, *rest)

    outs = [(tmp_path / "packed", None), (tmp_path / "sharded", 0.004)]
    monkeypatch.setattr(module, "write_pairs", stopping)
    monkeypatch.setattr("posegan.data.shards.write_text", stopping)
    for out, size in outs:
        with pytest.raises(KeyboardInterrupt):
            prepare(market, out, shard_megabytes=size)
    monkeypatch.undo()
    (market / "bounding_box_train" / "0003_c1s1_000002_00.png").unlink()
    for out, size in outs:
        assert prepare(market, out, shard_megabytes=size)["train"].totals["train pairs"] == 6 + 6 + 2


def test_two_do_not_write_into_one_folder(market: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with sole_writer(out), pytest.raises(UserError, match="out is in use by another run .* another place"):
        prepare(market, out)
    assert not list(out.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_utf8_are_counted(people: Path) -> None:
    shutil.copyfile(people / "ann" / "front.png", people / "ann" / os.fsdecode(b"b\xff.png"))
    assert prepare(people)["photos"].counts == {"photos without annotation, left out": 1}
    said = json.loads((people / "prepare.json").read_text(encoding="utf-8"))
    assert said["photos"]["examples"] == {"photos without annotation, left out": [r"ann/b\udcff.png"]}


def test_what_cannot_be_used_is_counted(market: Path, tmp_path: Path) -> None:
    train = market / "bounding_box_train"
    (train / "0001_c1s1_000000_00.png").write_bytes(b"no picture")
    (train / "0001_c1s1_000001_00.png").unlink()
    write_png(train / "0002_c1s1_000000_00.png", photo(1, standing(), (64, 64)))
    write_png(train / "0009_c1s1_000000_00.png", photo(1, standing()))
    report = prepare(market, tmp_path / "out")["train"]
    assert report.counts == {
        "annotated photos missing, left out": 1,
        "photos without annotation, left out": 1,
        "photos of another size, left out": 1,
        "unreadable photos, left out": 1,
    }
    assert report.totals["photos"] == 6
    assert report.totals["train pairs"] == 0 * 1 + 2 * 1 + 3 * 2
    assert "0009_c1s1_000000_00.png" in report.text()


def test_photo_folder(people: Path) -> None:
    reports = prepare(people)
    assert reports["photos"].totals["train pairs"] == 4
    assert reports["photos"].totals["validation pairs"] == 0  # too few people
    shutil.rmtree(people / "ann")
    assert len(PhotoFolderDataset(people)) == 4
    assert prepare(people)["photos"].totals["photos"] == 2  # the other person's photos are still files


def test_people_are_split(tmp_path: Path) -> None:
    annotations: dict[str, Pose] = {}
    for person in range(20):
        for i in range(2):
            name = f"p{person:02d}/{i}.png"
            write_png(tmp_path / name, photo(person, standing()))
            annotations[name] = standing()
    save_annotations(tmp_path / "annotations.csv", annotations)
    prepare(tmp_path)
    train, validation = (read_pairs(tmp_path / f"pairs-{split}.csv") for split in ("train", "validation"))
    assert (len(train), len(validation)) == (36, 4)
    assert not {a.split("/")[0] for a, _ in train} & {a.split("/")[0] for a, _ in validation}


def test_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no keypoints"):
        prepare(tmp_path)
    with pytest.raises(UserError, match="need no preparation"):
        prepare("synthetic")
    with pytest.raises(UserError, match="no folder"):
        prepare(tmp_path / "gone")


@pytest.mark.parametrize("width", [256, 176])
def test_deepfashion_with_keypoints_of_the_cropped_frame(tmp_path: Path, width: int) -> None:
    names = [f"fashionWOMENDressesid0000000{person}01_{view}.png" for person in (1, 2) for view in ("1front", "3back")]
    pose = standing().resize((128, 64), (256, 176))
    for i, name in enumerate(names):
        write_png(tmp_path / "img" / name, photo(i, pose, (256, width)))
    write_png(tmp_path / "img" / "fashionWOMENDressesid0000000301_1front.png", photo(9, pose, (128, 64)))
    annotated = [*names, "fashionWOMENDressesid0000000301_1front.png"]
    save_annotations(tmp_path / "fasion-resize-annotation-train.csv", dict.fromkeys(annotated, pose))
    report = prepare(tmp_path, tmp_path / "out")["train"]
    assert report.totals["photos"] == 4
    assert report.counts["photos of another size, left out"] == 1
    shutil.rmtree(tmp_path / "img")
    dataset = DeepFashionPoseDataset(tmp_path / "out", (256, 176), "train+validation", maps=False)
    assert dataset.batch(torch.arange(2)).source_image.shape == (2, 3, 256, 176)


def test_shards_take_the_place_of_the_pack(market: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(market, out)
    packed = MarketPoseDataset(out, "train+validation", maps=False)
    reports = prepare(market, out, shard_megabytes=0.004)
    assert reports["train"].totals["shards"] > 1
    assert not (out / "train.pack").exists()
    sharded = MarketPoseDataset(out, "train+validation", maps=False)
    assert sharded.pair_names() == packed.pair_names()
    places = torch.arange(2)
    assert torch.equal(sharded.batch(places).source_image, packed.batch(places).source_image)
