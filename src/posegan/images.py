"""Photo files to tensors and back: the one place where uint8 and [-1, 1] meet. It crops and resizes nothing."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError
from torch import Tensor

from posegan.errors import UserError
from posegan.files import BROKEN_PICTURE, atomic_writer

MAX_PIXELS = 89_000_000  # larger photos are refused, a small file can unpack to gigabytes; above it Pillow warns too
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2",),
}
"""The formats of photos as Pillow calls them, which reads all without other programs, and their files' endings.

Of several pictures in a file the first is the photo.
"""
PHOTO_SUFFIXES = frozenset(itertools.chain.from_iterable(FORMATS.values()))
UNREAD_SUFFIXES = frozenset({".heic", ".heif", ".jxl", ".svg", ".psd"}) | {
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw", ".raw")  # what cameras store
}
"""Endings of pictures that are not looked for in folders: they are told, so that nobody misses them."""


def decode_photo(data: bytes, name: str) -> Tensor:
    """Return a photo's bytes as (3, H, W) uint8 RGB, turned upright by its EXIF tag, transparency laid on white.

    Raises UserError naming the photo if it cannot be read, is cut off, or has more than MAX_PIXELS pixels.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return from_pil(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels: make it smaller first.") from error
    except BROKEN_PICTURE as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: Exception) -> UserError:
    """Return the error for a photo file that Pillow cannot open or decode."""
    if isinstance(error, UnidentifiedImageError):
        remedy = "save it as JPEG, PNG or WebP, or replace or remove it"
        return UserError(f"{name} is not a readable photo (no known picture format): {remedy}.")
    return UserError(f"{name} is not a readable photo ({error}): replace or remove it.")


def from_pil(image: Image.Image) -> Tensor:
    """Return a Pillow image as (3, H, W) uint8 RGB, turned upright by its EXIF tag, transparency laid on white.

    Raises ValueError if its numbers have no known range.
    """
    if image.format == "JPEG" and image.mode == "RGB" and not image.getexif():
        upright: Image.Image = image  # the common case of the data sets, without copies
    else:
        upright = ImageOps.exif_transpose(image)
        if upright.mode == "F":
            raise ValueError("its pixels are numbers of no known range")
        if upright.mode.startswith("I"):  # 16-bit grey: convert() would clip it to white
            upright = _eight_bits(upright)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            clear = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        upright = upright.convert("RGB")
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1)


def _eight_bits(grey: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit grey; what has the level that the file calls transparent is white."""
    levels = np.asarray(grey)
    bright = (levels.astype(np.float64) / 257).round().clip(0, 255).astype(np.uint8)
    clear = grey.info.get("transparency")
    return Image.fromarray(bright if clear is None else np.where(levels == clear, np.uint8(255), bright))


def read_photo(path: str | Path) -> Tensor:
    """Return a photo file as (3, H, W) uint8 RGB; raises UserError as `decode_photo`, or if there is no such file."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror}): check the path.") from error
    return decode_photo(data, str(path))


def tell_unread(names: Sequence[str]) -> str:
    """Return what a message says of pictures with UNREAD_SUFFIXES: how many, the first few, and what to do."""
    shown = ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
    return f"{len(names):,} in formats that are not read ({shown}): save them as JPEG, PNG or WebP first"


def to_signed(image: Tensor) -> Tensor:
    """Return uint8 0..255 as float32 in [-1, 1]."""
    return image.to(torch.float32, copy=True).mul_(2 / 255).sub_(1)


def to_bytes(image: Tensor) -> Tensor:
    """Return float [-1, 1] as uint8 0..255, clipped and rounded to the nearest; uint8 passes unchanged."""
    if image.dtype == torch.uint8:
        return image
    return image.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_pil(image: Tensor) -> Image.Image:
    """Return (3, H, W) uint8 or float [-1, 1] as a Pillow image."""
    return Image.fromarray(to_bytes(image.detach().cpu()).permute(1, 2, 0).contiguous().numpy())


def scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return (h, w) times a factor in whole pixels, at least one."""
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def tile(images: Tensor, columns: int, gap: int = 2) -> Tensor:
    """Lay (N, 3, H, W) uint8 or [-1, 1] images out on a white sheet, `columns` a row; returns (3, H', W') uint8."""
    images = to_bytes(images.detach().cpu())
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    sheet = torch.full((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 255, dtype=torch.uint8)
    for i, image in enumerate(images):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def write_png(path: str | Path, image: Tensor | Image.Image, metadata: Mapping[str, str] | None = None) -> None:
    """Write a (3, H, W) image as PNG, whole or not at all, with text chunks from `metadata`."""
    with atomic_writer(Path(path)) as file:
        file.write(png_bytes(image, metadata))


def write_jpeg(path: str | Path, image: Tensor, metadata: Mapping[str, str] | None = None, quality: int = 95) -> None:
    """Write a (3, H, W) image as JPEG, whole or not at all, with `metadata` as JSON in its comment.

    "Description" and "Software" of it go into the EXIF tags of that meaning too. quality: 0 to 100.
    """
    said, tags = dict(metadata or {}), Image.Exif()
    for key, tag in (("Description", 0x010E), ("Software", 0x0131)):
        if key in said:
            tags[tag] = said[key]
    comment = json.dumps(said).encode() if said else None
    with atomic_writer(Path(path)) as file:
        to_pil(image).save(file, "JPEG", quality=quality, subsampling=0, comment=comment, exif=tags)


def png_bytes(image: Tensor | Image.Image, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a (3, H, W) image as a PNG file, with text chunks from `metadata`."""
    picture = to_pil(image) if isinstance(image, Tensor) else image
    info = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        info.add_itxt(key, value)
    file = io.BytesIO()
    picture.save(file, "PNG", pnginfo=info)
    return file.getvalue()


def write_gif(
    path: str | Path, frames: Sequence[Tensor], seconds: float = 0.08, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the GIF of `gif_bytes`, whole or not at all."""
    with atomic_writer(Path(path)) as file:
        file.write(gif_bytes(frames, seconds, metadata))


def gif_bytes(frames: Sequence[Tensor], seconds: float = 0.08, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return (3, H, W) frames as an endless GIF with `metadata` as JSON in its comment; seconds: of each frame.

    One palette for all and no dithering, so that nothing flickers. A GIF counts hundredths of a second: frames differ
    by one where they have to, so that the whole takes its time.
    """
    pictures = [to_pil(frame) for frame in frames]
    strip = to_pil(tile(torch.stack([to_bytes(f.detach().cpu()) for f in frames]), len(frames), gap=0))
    palette = strip.quantize(256, dither=Image.Dither.NONE)
    indexed = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    ends = [round(100 * seconds * count) for count in range(len(frames) + 1)]
    file = io.BytesIO()
    indexed[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=[10 * (end - start) for start, end in itertools.pairwise(ends)],
        loop=0,
        comment=json.dumps(dict(metadata)).encode() if metadata else b"",
    )
    return file.getvalue()
