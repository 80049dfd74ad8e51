import io
import itertools
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from posegan.data.photos import FAST_BYTES, DecodedPhotos, PhotoFiles, SizeMismatchError, decode, in_memory, photo_size
from posegan.errors import UserError
from posegan.images import decode_photo, read_photo

from .tiny import write_photo

NAMES = [f"{i}.jpg" for i in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate(NAMES):
        write_photo(root / name, seed=seed)
    return root


def expected(folder: Path, indices: list[int]) -> Tensor:
    return torch.stack([decode_photo((folder / NAMES[i]).read_bytes(), "") for i in indices])


def encode(mode: str = "RGB", form: str = "JPEG", size: tuple[int, int] = (31, 50), **options: object) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(file, form, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(
    "data",
    [
        encode(quality=95),
        encode(quality=30, progressive=True),
        encode(subsampling=0),
        encode(subsampling=1),
        encode(exif=turned(6)),
        encode(exif=turned(3)),
        encode("L"),
        encode("CMYK"),
        encode(form="PNG"),  # named .jpg all the same
        encode(size=(2000, 1500), quality=100),
    ],
    ids=["plain", "progressive", "444", "422", "turned", "upside down", "grey", "cmyk", "png", "large"],
)
def test_the_fast_decoder_equals_pillow(data: bytes):
    fast = decode(torch.frombuffer(bytearray(data), dtype=torch.uint8), "photo.jpg")
    assert torch.equal(fast, decode_photo(data, "photo.jpg"))


def test_large_files_take_the_path_that_limits_pixels(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("posegan.images.MAX_PIXELS", 1000)
    data = torch.zeros(FAST_BYTES + 1, dtype=torch.uint8)
    small = torch.frombuffer(bytearray(encode()), dtype=torch.uint8)
    data[: len(small)] = small
    with pytest.raises(UserError, match=r"a\.jpg.*make it smaller"):
        decode(data, "a.jpg")


@pytest.mark.parametrize("keep", [0, 1, 2, 200, -2])
def test_damaged_photos_are_named(tmp_path: Path, keep: int):
    (tmp_path / "bad.jpg").write_bytes(encode()[:keep])
    with pytest.raises(UserError, match=r"bad\.jpg is not a readable photo"):
        PhotoFiles(tmp_path, ["bad.jpg"], (50, 31)).read(torch.tensor([0]))


def test_files_are_read_in_the_order_asked_for_with_repeats(folder: Path):
    photos = PhotoFiles(folder, NAMES, (128, 64))
    indices = [7, 3, 7, 39, *range(40)]  # more than one chunk
    assert torch.equal(photos.read(torch.tensor(indices)), expected(folder, indices))
    assert torch.equal(photos.read(torch.tensor([5], dtype=torch.int32)), expected(folder, [5]))
    assert photos.read(torch.tensor([], dtype=torch.int64)).shape == (0, 3, 128, 64)


def test_a_photo_of_another_size_is_named_with_both_sizes(folder: Path, tmp_path: Path):
    write_photo(tmp_path / "other.jpg", (100, 50))
    with pytest.raises(SizeMismatchError, match=r"other\.jpg is 100x50 .* 128x64"):
        PhotoFiles(tmp_path, ["other.jpg"], (128, 64)).read(torch.tensor([0]))


def test_a_deleted_photo_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"gone\.jpg cannot be opened"):
        PhotoFiles(tmp_path, ["gone.jpg"] * 50, (128, 64)).read(torch.arange(50))


def test_fit_gets_the_index_of_the_photo(folder: Path):
    def fit(index: int, photo: Tensor) -> Tensor:
        return photo[:, : index + 1, :2]

    assert PhotoFiles(folder, NAMES, (9, 2), fit).read(torch.tensor([8])).shape == (1, 3, 9, 2)


def test_sources_survive_pickling_and_read_in_many_threads(folder: Path):
    photos = DecodedPhotos(PhotoFiles(folder, NAMES, (128, 64)))
    photos.read(torch.arange(40))  # the pool runs
    copy = pickle.loads(pickle.dumps(photos))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda k: copy.read(torch.arange(k, k + 33)), range(8)))
    for k, result in enumerate(read):
        assert torch.equal(result, expected(folder, list(range(k, k + 33))))


def test_decoded_photos_are_decoded_once(folder: Path):
    source = PhotoFiles(folder, NAMES, (128, 64))
    reads, lock = [], threading.Lock()
    original = source.encoded

    def counted(index: int) -> Tensor:
        with lock:
            reads.append(index)
        return original(index)

    source.encoded = counted  # type: ignore[method-assign]
    photos = in_memory(source)
    assert isinstance(photos, DecodedPhotos)
    for indices in ([4, 4, 2], [2, 4, 9], [9, 2]):
        assert torch.equal(photos.read(torch.tensor(indices)), expected(folder, indices))
    assert sorted(reads) == [2, 4, 9]


def test_photos_beyond_the_budget_are_not_kept(folder: Path):
    source = PhotoFiles(folder, NAMES, (128, 64))
    assert in_memory(source, 40 * 3 * 128 * 64 - 1) is source
    assert in_memory(source, 40 * 3 * 128 * 64) is not source


def test_the_size_in_the_header_is_that_of_the_upright_photo(tmp_path: Path):
    for name, data in (("a.jpg", encode()), ("b.jpg", encode(exif=turned(8))), ("c.jpg", encode(exif=turned(2)))):
        (tmp_path / name).write_bytes(data)
        assert photo_size(tmp_path / name) == tuple(decode_photo(data, "").shape[-2:])
    for kind, orientation in itertools.product(("TIFF", "PNG", "WEBP"), (1, 3, 6)):
        (tmp_path / "e").write_bytes(encode(form=kind, exif=turned(orientation)))
        assert photo_size(tmp_path / "e") == tuple(read_photo(tmp_path / "e").shape[-2:])
    (tmp_path / "d.jpg").write_bytes(b"text")
    with pytest.raises(UserError, match=r"d\.jpg"):
        photo_size(tmp_path / "d.jpg")
