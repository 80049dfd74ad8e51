"""Photos that people bring: odd ones are read, bad ones refused in a sentence, and nobody sees another's."""

import io
import struct
import zlib
from dataclasses import replace

import pytest
import torch
from PIL import Image

from posegan.app.photos import PIXELS, SIDE, Photo, PhotoStore, read_upload
from posegan.app.refusal import RefusedError

from .conftest import picture


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "I;16"])
def test_any_kind_of_png_is_read(mode):
    data = picture(mode=mode) if mode != "I;16" else _grey16()
    photo = read_upload(data)
    assert photo.pixels.shape == (3, 60, 40)
    assert photo.original == (60, 40)


def _grey16() -> bytes:
    file = io.BytesIO()
    Image.new("I;16", (40, 60), 30000).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "GIF"])
def test_the_usual_formats_are_read(kind):
    assert read_upload(picture(kind=kind)).size == (60, 40)


def test_a_turned_photo_comes_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera's left side is up
    photo = read_upload(picture(kind="JPEG", exif=exif, quality=95))
    assert photo.size == (40, 60)
    top, bottom = photo.pixels[:, 5].float().mean(1), photo.pixels[:, -5].float().mean(1)
    assert top[0] > 200 > 60 > top[2]  # what was left, red, is above
    assert bottom[2] > 200 > 60 > bottom[0]


def test_transparency_is_laid_on_white():
    file = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(file, "PNG")
    assert (read_upload(file.getvalue()).pixels == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "JPEG2000"])
def test_what_a_folder_may_hold_can_be_uploaded_too(kind: str) -> None:
    assert read_upload(picture(kind=kind)).size == read_upload(picture()).size


def test_a_large_photo_is_kept_small_and_its_size_remembered():
    photo = read_upload(picture((6000, 4000), kind="JPEG"))
    assert photo.original == (4000, 6000)
    assert max(photo.size) == SIDE
    assert photo.size == (853, 1280)
    assert photo.shown[1] == "image/jpeg"


@pytest.mark.parametrize(
    "data",
    [b"", b"no photo", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", picture()[:-30]],
    ids=["empty", "text", "half a PNG", "PostScript", "cut off"],
)
def test_what_is_no_photo_is_refused_in_a_sentence(data):
    with pytest.raises(RefusedError) as caught:
        read_upload(data)
    assert caught.value.status == 415
    assert str(caught.value).endswith(".")


def test_a_bomb_is_refused_before_it_is_unpacked():
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(RefusedError, match="60000 x 60000|no photo"):
        read_upload(bomb)
    wide = picture((PIXELS // 100 + 1, 100), mode="1")
    assert len(wide) < 100_000
    with pytest.raises(RefusedError, match="at most 52 million") as caught:
        read_upload(wide)
    assert caught.value.status == 413


@pytest.mark.parametrize("size", [(4, 40), (40, 15), (100_000, 16)])
def test_a_picture_too_small_or_narrow_for_a_person_is_refused(size: tuple[int, int]):
    with pytest.raises(RefusedError, match=f"{size[0]} x {size[1]} pixels is too small or too narrow"):
        read_upload(picture(size))


def photo() -> Photo:
    return Photo(torch.zeros(3, 8, 8, dtype=torch.uint8), (8, 8), "test")


def test_a_photo_belongs_to_its_session():
    store, mine = PhotoStore(), photo()
    name = store.add("me", mine)
    assert store.get("me", name) is mine
    for session, wanted in (("you", name), ("", name), ("me", name[:-1])):
        with pytest.raises(RefusedError, match="no longer here") as caught:
            store.get(session, wanted)
        assert caught.value.status == 404


def test_a_session_that_brings_many_photos_loses_its_own_oldest():
    store = PhotoStore(each=2, total=10)
    yours = store.add("you", photo())
    mine = [store.add("me", photo()) for _ in range(5)]
    assert store.get("you", yours)
    assert store.get("me", mine[-1])
    assert store.get("me", mine[-2])
    with pytest.raises(RefusedError):
        store.get("me", mine[-3])


def test_examples_push_nobodys_photos_out():
    store = PhotoStore(each=2, total=4)
    mine, yours = store.add("me", photo()), store.add("you", photo())
    tried = [store.add("me", replace(photo(), drawn=True)) for _ in range(9)]
    assert store.get("me", mine)
    assert store.get("you", yours)
    assert store.get("me", tried[-2])
    with pytest.raises(RefusedError):
        store.get("me", tried[-3])


def test_all_sessions_together_keep_a_bounded_number_of_photos():
    store = PhotoStore(each=2, total=3)
    names = [store.add(f"session {i}", photo()) for i in range(3)]
    store.get("session 0", names[0])  # used again: session 1 is now the longest unused
    store.add("session 3", photo())
    assert store.get("session 0", names[0])
    with pytest.raises(RefusedError):
        store.get("session 1", names[1])
