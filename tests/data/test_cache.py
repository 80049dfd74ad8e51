import multiprocessing
import pickle
from pathlib import Path

import pytest
import torch

from posegan.data.cache import HEADER, PackedPhotos, list_photos, list_unread, pack_photos, read_index
from posegan.data.photos import PhotoFiles
from posegan.errors import UserError
from posegan.images import PHOTO_SUFFIXES, UNREAD_SUFFIXES

from .tiny import market_names, write_photo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate([*market_names(2, 3), "sub/ü.png"]):
        write_photo(root / name, seed=seed)
    (root / "Thumbs.db").write_text("no photo")
    return root


@pytest.fixture
def pack(folder: Path, tmp_path: Path) -> Path:
    pack_photos(folder, tmp_path / "photos.pack")
    return tmp_path / "photos.pack"


def checksum(photos: PackedPhotos) -> int:
    return int(photos.read(torch.arange(3)).long().sum())


def test_a_pack_gives_what_the_files_give(folder: Path, pack: Path):
    packed = PackedPhotos(pack)
    assert packed.names == tuple(list_photos(folder)) == (*market_names(2, 3), "sub/ü.png")
    assert packed.size == (128, 64)
    indices = torch.tensor([6, 0, 3, 3])
    assert torch.equal(packed.read(indices), PhotoFiles(folder, packed.names, (128, 64)).read(indices))


def test_photos_of_every_format_are_listed(tmp_path: Path) -> None:
    wanted = [*(f"photo{suffix}" for suffix in PHOTO_SUFFIXES), "SCAN.TIF"]
    for name in (*wanted, "raw.cr2", "notes.txt", "gif"):
        (tmp_path / name).touch()
    assert list_photos(tmp_path) == sorted(wanted)
    assert list_unread(tmp_path) == ["raw.cr2"]
    assert not PHOTO_SUFFIXES & UNREAD_SUFFIXES


def test_the_payload_is_the_files_as_they_are(folder: Path, pack: Path):
    total = sum((folder / name).stat().st_size for name in list_photos(folder))
    index = read_index(pack)
    assert sum(index.lengths) == total
    data = pack.read_bytes()
    for name, offset, length in zip(index.names, index.offsets, index.lengths, strict=True):
        assert data[offset : offset + length] == (folder / name).read_bytes()


def test_a_choice_of_names_in_an_order_of_its_own(folder: Path, pack: Path):
    names = ["sub/ü.png", market_names()[1]]
    chosen = PackedPhotos(pack, names)
    assert torch.equal(chosen.read(torch.arange(2)), PhotoFiles(folder, names, (128, 64)).read(torch.arange(2)))
    with pytest.raises(UserError, match=r"lacks 1 photos, the first is x\.jpg"):
        PackedPhotos(pack, ["x.jpg"])


def test_a_pack_survives_pickling(pack: Path):
    photos = PackedPhotos(pack)
    assert len(pickle.dumps(photos)) < 2000  # without the bytes
    assert checksum(pickle.loads(pickle.dumps(photos))) == checksum(photos)


@pytest.mark.contract
def test_a_pack_works_in_spawned_processes(pack: Path):
    photos = PackedPhotos(pack)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(checksum, (photos,)) == checksum(photos)


def test_unreadable_photos_are_left_out_and_counted(tmp_path: Path):
    write_photo(tmp_path / "in" / "good.jpg")
    (tmp_path / "in" / "bad.jpg").write_bytes((tmp_path / "in" / "good.jpg").read_bytes()[:300])
    (tmp_path / "in" / "empty.png").touch()
    report = pack_photos(tmp_path / "in", tmp_path / "out.pack")
    assert PackedPhotos(tmp_path / "out.pack").names == ("good.jpg",)
    assert report.counts == {"unreadable photos, left out": 2}
    assert "bad.jpg" in report.text() and "empty.png" in report.text()


def test_nothing_to_pack_is_an_error_and_leaves_no_file(tmp_path: Path):
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="no photo"):
        pack_photos(tmp_path / "in", tmp_path / "out.pack")
    with pytest.raises(UserError, match="no folder"):
        pack_photos(tmp_path / "none", tmp_path / "out.pack")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d[:-1], "cut off"),
        (lambda d: d + b"\n", "grown"),
        (lambda d: d[: HEADER.size - 3], "cut off"),
        (lambda d: damaged(d, len(d) - 5), "damaged"),
        (lambda d: damaged(d, 8), "format"),
        (lambda d: b"PK\x03\x04" + d, "not a posegan pack"),
        (lambda d: b"", "not a posegan pack"),
    ],
    ids=["cut", "grown", "cut header", "index", "version", "foreign", "empty"],
)
def test_damaged_and_foreign_packs_are_refused_saying_to_rebuild(pack: Path, damage, message: str):
    pack.write_bytes(damage(pack.read_bytes()))
    with pytest.raises(UserError, match=message) as caught:
        PackedPhotos(pack)
    assert "build it again" in str(caught.value)


def test_a_damaged_photo_is_found_when_it_is_read(pack: Path):
    index = read_index(pack)
    pack.write_bytes(damaged(pack.read_bytes(), index.offsets[2] + index.lengths[2] // 2))
    photos = PackedPhotos(pack)
    photos.read(torch.tensor([0, 1, 3]))
    with pytest.raises(UserError, match=f"{index.names[2]} is damaged.*build it again"):
        photos.read(torch.tensor([2]))


def test_a_missing_pack_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"no\.pack cannot be opened"):
        PackedPhotos(tmp_path / "no.pack")
