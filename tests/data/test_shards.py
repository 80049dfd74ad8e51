"""Shards: WebDataset's tar files that give what the photo files give, wherever they lie."""

import json
import pickle
import tarfile
from pathlib import Path

import pytest
import torch

from posegan.data import MarketPoseDataset, ShardedPhotos, write_shards
from posegan.data.photos import PhotoFiles
from posegan.data.shards import read_shards
from posegan.errors import UserError

from .tiny import make_market, market_names, write_photo

LONG = "a" * 90 + "/" + "b" * 90 + "/" + "c" * 60 + ".png"  # longer than a plain tar header holds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate([*market_names(2, 3), "sub/ü.png", LONG]):
        write_photo(root / name, seed=seed)
    (root / "broken.jpg").write_bytes(b"no photo")
    return root


@pytest.fixture
def index(folder: Path, tmp_path: Path) -> Path:
    report = write_shards(folder, tmp_path / "photos.shards.json", megabytes=0.004)
    assert report.totals["photos"] == 8
    assert report.counts == {"unreadable photos, left out": 1}
    return tmp_path / "photos.shards.json"


def test_they_give_what_the_files_give(folder: Path, index: Path):
    sharded = ShardedPhotos(index)
    assert sharded.size == (128, 64)
    assert sorted(sharded.names) == sorted([*market_names(2, 3), "sub/ü.png", LONG])
    places = torch.tensor([7, 0, 3, 3])
    assert torch.equal(sharded.read(places), PhotoFiles(folder, sharded.names, (128, 64)).read(places))
    again = pickle.loads(pickle.dumps(sharded))
    assert torch.equal(again.read(places), sharded.read(places))


def test_any_tar_program_reads_them(folder: Path, index: Path):
    shards = read_shards(index)
    assert len(shards.files) > 2
    found = {}
    for name in shards.files:
        with tarfile.open(index.parent / name) as tar:
            for member in tar:
                data = tar.extractfile(member)
                assert data is not None
                found[member.name] = data.read()
    assert found == {name: (folder / name).read_bytes() for name in shards.names}


def test_a_shard_on_another_disk(index: Path, tmp_path: Path):
    shards = read_shards(index)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (index.parent / shards.files[1]).rename(elsewhere / "moved.tar")
    with pytest.raises(UserError, match=rf"{shards.files[1]} is missing.*'files'"):
        ShardedPhotos(index)
    content = json.loads(index.read_text(encoding="utf-8"))
    content["files"][1] = str(elsewhere / "moved.tar")
    index.write_text(json.dumps(content), encoding="utf-8")
    assert len(ShardedPhotos(index).read(torch.arange(8))) == 8


def test_damage_is_named(index: Path):
    shards = read_shards(index)
    victim = index.parent / shards.files[0]
    data = bytearray(victim.read_bytes())
    data[shards.offsets[0] + shards.lengths[0] // 2] ^= 255
    victim.write_bytes(data)
    with pytest.raises(UserError, match=rf"{shards.files[0]}: .* is damaged"):
        ShardedPhotos(index).read(torch.arange(1))
    victim.write_bytes(data[: shards.offsets[0] + 5])
    with pytest.raises(UserError, match="is cut off"):
        ShardedPhotos(index)
    index.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="build it again"):
        ShardedPhotos(index)


def test_an_index_without_photos_or_of_another_name_is_a_mistake(tmp_path: Path, folder: Path):
    with pytest.raises(UserError, match=r"ends in \.shards\.json"):
        write_shards(folder, tmp_path / "photos.json", 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no photo"):
        write_shards(tmp_path / "empty", tmp_path / "x.shards.json", 1)
    assert not list(tmp_path.glob("x*"))


def test_a_data_set_of_shards_is_that_of_its_folder(tmp_path: Path):
    root = make_market(tmp_path / "market", people=3, photos=3)
    plain = MarketPoseDataset(root, "train+validation", maps=False)
    write_shards(root / "bounding_box_train", root / "train.shards.json", 0.004)
    (root / "bounding_box_train").rename(root / "away")
    sharded = MarketPoseDataset(root, "train+validation", maps=False)
    assert sharded.pair_names() == plain.pair_names()
    (root / "away").rename(root / "bounding_box_train")
    places = torch.arange(len(plain))
    assert torch.equal(sharded.batch(places).source_image, plain.batch(places).source_image)
