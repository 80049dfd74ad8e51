"""Photo files to tensors and back: whatever a user's folder may hold, and exact numbers on the way."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features
from torch import Tensor

from posegan import images
from posegan.errors import UserError
from posegan.images import FORMATS, decode_photo, read_photo, tile, to_bytes, to_pil, to_signed, write_gif, write_png

ORIENTATION = 0x112
READABLE = [kind for kind in FORMATS if kind != "AVIF" or features.check("avif")]  # older systems' Pillow lacks it


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> list[list[int]]:
    """Return a decoded photo's pixels, row by row, as [r, g, b]."""
    return decode_photo(data, "photo").flatten(1).T.tolist()


def corners() -> Tensor:
    """A 2x3 photo whose six pixels are all different."""
    return torch.arange(18, dtype=torch.uint8).mul(14).reshape(3, 2, 3)


def test_a_photo_is_rgb_in_channels_height_width():
    assert torch.equal(decode_photo(encode(to_pil(corners())), "x"), corners())


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_turns_a_photo_upright(tag: int, kind: str):
    upright = corners()
    flipped, turned = upright.flip(-1), upright.transpose(1, 2)
    stored = {  # what a camera stores so that the viewer's turn gives `upright`
        1: upright,
        2: flipped,
        3: upright.rot90(2, (1, 2)),
        4: upright.flip(1),
        5: turned,
        6: upright.rot90(1, (1, 2)),
        7: turned.rot90(2, (1, 2)),
        8: upright.rot90(-1, (1, 2)),
    }[tag]
    exif = Image.Exif()
    exif[ORIENTATION] = tag
    data = encode(to_pil(stored), kind, exif=exif, lossless=True)
    assert torch.equal(decode_photo(data, "x"), upright)


def test_exif_turns_a_jpeg_too():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = encode(Image.new("RGB", (16, 8), "red"), "JPEG", exif=exif)
    assert decode_photo(data, "x").shape == (3, 16, 8)


def test_a_damaged_exif_block_is_no_reason_to_refuse_a_photo():
    data = encode(Image.new("RGB", (16, 8), "red"), "JPEG", exif=b"Exif\0\0nonsense!")
    assert decode_photo(data, "x").shape == (3, 8, 16)


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparency_is_laid_on_white(mode: str, colour: tuple[int, ...]):
    image = Image.new(mode, (2, 1), colour)
    image.putpixel((1, 0), (*[0] * (len(colour) - 1), 128))
    assert pixels(encode(image)) == [[255] * 3, [127] * 3]


def test_grey_with_a_transparent_value_is_laid_on_white():
    image = Image.fromarray(np.array([[0, 100]], dtype=np.uint8))
    assert pixels(encode(image, transparency=0)) == [[255] * 3, [100] * 3]


@pytest.mark.parametrize(("kind", "clear"), [("PNG", 0), ("PNG", bytes([0, 255])), ("GIF", 0)])
def test_a_palette_with_a_transparent_colour_is_laid_on_white(kind: str, clear: int | bytes):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert pixels(encode(image, kind)) == [[255, 0, 0], [0, 0, 255]]
    assert pixels(encode(image, kind, transparency=clear)) == [[255, 255, 255], [0, 0, 255]]


def test_sixteen_bit_grey_is_scaled_not_clipped():
    values = np.array([[0, 257 * 200, 257 * 100 + 129, 65535]], dtype=np.uint16)
    assert pixels(encode(Image.fromarray(values))) == [[0] * 3, [200] * 3, [101] * 3, [255] * 3]


def test_a_transparent_level_of_16_bit_grey_is_white() -> None:
    values = np.array([[0, 257 * 200, 257 * 100]], dtype=np.uint16)
    data = encode(Image.fromarray(values), transparency=0)
    assert pixels(data) == [[255] * 3, [200] * 3, [100] * 3]


def test_numbers_of_no_known_range_are_refused() -> None:
    data = encode(Image.fromarray(np.ones((4, 4), dtype=np.float32)), "TIFF")
    with pytest.raises(UserError, match=r"x\.tif is not a readable photo \(its pixels are numbers of no known range\)"):
        decode_photo(data, "x.tif")


def test_black_and_white_and_cmyk_become_rgb():
    assert pixels(encode(Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1"))) == [[0] * 3, [255] * 3]
    assert pixels(encode(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG")) == [[255, 0, 0]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_that_is_cut_off_is_refused_by_name(kind: str):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encode(noise, kind)
    with pytest.raises(UserError, match=r"holiday\.jpg is not a readable photo .*: replace or remove it\."):
        decode_photo(data[: len(data) // 2], "holiday.jpg")


@pytest.mark.parametrize("kind", READABLE)
def test_the_first_picture_of_every_format_is_the_photo(kind: str, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (24, 32), colour) for colour in ((200, 40, 40), (40, 40, 200)))
    more = {"save_all": True, "append_images": [second]} if kind in ("GIF", "TIFF", "WEBP", "AVIF") else {}
    for suffix in FORMATS[kind]:
        (tmp_path / f"a{suffix}").write_bytes(encode(first, kind, **more))
        photo = read_photo(tmp_path / f"a{suffix}")
        assert photo.shape == (3, 32, 24)
        assert (photo.float().mean((1, 2)) - torch.tensor([200.0, 40, 40])).abs().max() < 4


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8\xff", bytes(1000)])
def test_what_is_no_picture_is_refused_without_memory_addresses(data: bytes):
    with pytest.raises(UserError, match=r"x is not a readable photo \(no known picture format\): save it as") as caught:
        decode_photo(data, "x")
    assert "object at" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it tells of damaged TIFFs
@pytest.mark.parametrize("kind", READABLE)
def test_damaged_bytes_give_a_photo_or_a_user_error(kind: str):
    good = bytearray(encode(to_pil(corners().repeat(1, 8, 8)), kind))
    rng = np.random.default_rng(0)
    for _ in range(150):
        bad = good.copy()
        bad[rng.integers(len(bad))] = rng.integers(256)
        try:
            assert decode_photo(bytes(bad), "x").dtype == torch.uint8
        except UserError as error:
            assert str(error).startswith("x ")


def header_of(width: int, height: int) -> bytes:
    """The first bytes of a PNG of that size: all that a decoder needs to learn how much it would unpack."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_435, 9_470, 12_000, 60_000])  # below, at and far above the limits of Pillow
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(side: int):
    with pytest.raises(UserError, match="bomb.png has more than 89 million pixels: make it smaller first"):
        decode_photo(header_of(side, side), "bomb.png")


def test_the_size_limit_counts_pixels(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 6)
    assert decode_photo(encode(to_pil(corners())), "x").shape == (3, 2, 3)
    with pytest.raises(UserError, match="pixels"):
        decode_photo(encode(Image.new("RGB", (7, 1))), "x")


def test_a_photo_file_is_read_and_a_missing_one_is_a_sentence(tmp_path: Path):
    write_png(tmp_path / "ü.png", corners())
    assert torch.equal(read_photo(str(tmp_path / "ü.png")), corners())
    with pytest.raises(UserError, match=r"no\.png cannot be opened \(No such file"):
        read_photo(tmp_path / "no.png")


def test_a_broken_photo_file_is_named_by_its_path(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="a.png is not a readable photo"):
        read_photo(tmp_path / "a.png")


def test_all_bytes_survive_the_way_to_signed_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    signed = to_signed(every)
    assert (signed[0], signed[-1], signed.dtype) == (-1, 1, torch.float32)
    assert torch.equal(to_bytes(signed), every)
    assert torch.equal(to_bytes(signed.double()), every)


def test_to_bytes_rounds_to_the_nearest_and_clips():
    x = torch.tensor([-3.0, 3.0, -torch.inf, torch.inf, (100.4 / 127.5) - 1, (100.6 / 127.5) - 1])
    assert to_bytes(x).tolist() == [0, 255, 0, 255, 100, 101]
    assert to_bytes(torch.tensor([0.5], dtype=torch.float16)).tolist() == [191]


def test_conversions_leave_their_arguments_alone():
    image = torch.tensor([0.0, 0.5])
    to_bytes(image)
    to_signed(image)
    assert image.tolist() == [0.0, 0.5]
    values = torch.tensor([3, 250], dtype=torch.uint8)
    assert to_bytes(values) is values


def test_a_picture_can_come_from_the_graph_and_from_channels_last():
    image = to_signed(corners())[None].contiguous(memory_format=torch.channels_last)[0].requires_grad_()
    assert np.array_equal(np.asarray(to_pil(image)), corners().permute(1, 2, 0).numpy())


def test_tiles_lie_row_by_row_on_white():
    reds = torch.arange(1, 6, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 4)  # five 2x4 photos
    sheet = tile(reds, columns=3, gap=1)
    assert sheet.shape == (3, 2 * 3 + 1, 3 * 5 + 1)
    assert [sheet[0, 1 + 3 * (i // 3), 1 + 5 * (i % 3)].item() for i in range(5)] == [1, 2, 3, 4, 5]
    assert (sheet == 255).sum() == sheet.numel() - reds.numel()
    assert torch.equal(sheet[:, 1:3, 6:10], reds[1])
    assert torch.equal(sheet[:, 4:6, 6:10], reds[4])


def test_tiles_without_gap_touch_and_floats_are_converted():
    sheet = tile(torch.tensor([-1.0, 1.0])[:, None, None, None].expand(-1, 3, 1, 1), columns=2, gap=0)
    assert sheet.tolist() == [[[0, 255]]] * 3


def test_a_png_keeps_pixels_and_text(tmp_path: Path):
    note = {"Software": "posegan 0.1", "Comment": "AI-generated, ü人"}
    write_png(tmp_path / "new" / "a.png", to_signed(corners()), note)
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert image.text == note
    assert torch.equal(read_photo(tmp_path / "new" / "a.png"), corners())


def test_a_pillow_picture_is_written_as_it_is(tmp_path: Path):
    write_png(tmp_path / "a.png", Image.new("L", (3, 2), 7))
    assert read_photo(tmp_path / "a.png").unique().tolist() == [7]


def frames_with_a_moving_square(count: int) -> list[Tensor]:
    ramp = torch.linspace(0, 255, 48).to(torch.uint8)
    frames = []
    for k in range(count):
        frame = torch.stack(
            [ramp.expand(32, 48), ramp.flip(0).expand(32, 48), torch.full((32, 48), 90, dtype=torch.uint8)]
        )
        frame[:, 20:28, 4 + 8 * k : 12 + 8 * k] = torch.tensor([230, 20, 40 * k], dtype=torch.uint8)[:, None, None]
        frames.append(frame)
    return frames


def test_a_gif_holds_all_frames_forever_with_their_time_and_comment(tmp_path: Path):
    frames = frames_with_a_moving_square(4)
    write_gif(tmp_path / "a.gif", frames, seconds=0.1, metadata={"Description": "AI-generated"})
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (4, (48, 32), 0)
        assert json.loads(gif.info["comment"]) == {"Description": "AI-generated"}
        for number, frame in enumerate(frames):
            gif.seek(number)
            assert gif.info["duration"] == 100
            shown = np.asarray(gif.convert("RGB")).astype(int)
            assert np.abs(shown - frame.permute(1, 2, 0).numpy()).mean() < 6


@pytest.mark.parametrize("seconds", [1.1 / 16, 2.4 / 32, 0.04, 1 / 24])
def test_a_gif_takes_its_time_though_it_counts_hundredths(tmp_path: Path, seconds: float):
    write_gif(tmp_path / "a.gif", frames_with_a_moving_square(5), seconds)
    with Image.open(tmp_path / "a.gif") as gif:
        shown = 0.0
        for number in range(gif.n_frames):
            gif.seek(number)
            assert abs(gif.info["duration"] - 1000 * seconds) < 10
            shown += gif.info["duration"]
        assert shown == pytest.approx(5000 * seconds, abs=5)
        assert not gif.info.get("comment")


def test_a_gif_does_not_flicker_where_nothing_moves(tmp_path: Path):
    frames = [to_signed(frame) for frame in frames_with_a_moving_square(5)]
    write_gif(tmp_path / "a.gif", frames)
    with Image.open(tmp_path / "a.gif") as gif:
        shown = []
        for number in range(gif.n_frames):
            gif.seek(number)
            shown.append(np.asarray(gif.convert("RGB"))[:20])  # above the square
    assert all(np.array_equal(shown[0], other) for other in shown[1:])


def test_a_gif_of_one_frame_is_a_picture(tmp_path: Path):
    write_gif(tmp_path / "a.gif", frames_with_a_moving_square(1))
    assert read_photo(tmp_path / "a.gif").shape == (3, 32, 48)
