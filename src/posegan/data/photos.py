"""Photo sources: photos by index as uint8 tensors, decoded by a few threads. They know no poses and no pairs.

`PhotoFiles` reads a folder, `PackedPhotos` (cache.py) one packed file, `DecodedPhotos` keeps what another source has
decoded. All can be pickled, so that they work in spawned workers.
"""

from __future__ import annotations

import functools
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from posegan.errors import UserError
from posegan.files import BROKEN_PICTURE
from posegan.images import decode_photo, unreadable
from posegan.pose import Size

JPEG = (".jpg", ".jpeg", ".JPG", ".JPEG")
FAST_BYTES = 256 * 1024  # larger JPEGs take the path that checks the pixel count before it decodes
CHUNK = 32  # photos that one thread decodes in a go; each tensor operation hands the GIL over, so there are few
ORIENTATION = 0x0112  # EXIF tag; 5 and more swap width and height
MEMORY = 2**30  # bytes of decoded photos kept in RAM by default

Fit = Callable[[int, Tensor], Tensor]  # (index of the photo, (3, h, w) uint8) -> (3, H, W) uint8


class SizeMismatchError(UserError):
    """A photo whose size is not that of its data set."""


class PhotoSource(Protocol):
    """Photos of one size by index."""

    names: tuple[str, ...]
    size: Size

    def read(self, indices: Tensor) -> Tensor:
        """Return the photos (n,) int as (n, 3, H, W) uint8; raises UserError naming a photo that cannot be used."""
        ...


@functools.cache
def _jpeg_decoder() -> Callable[[Tensor, int, bool], Tensor] | None:
    """Return what `torchvision.io.decode_jpeg` calls; its own checks of the arguments take a fifth of the time.

    None where torchvision has no such operation: it is deprecated since 0.29, and some builds leave it out.
    """
    try:
        import torchvision  # noqa: F401 (registers the operation; late, because it takes a second)

        decoder: Callable[[Tensor, int, bool], Tensor] = torch.ops.image.decode_jpeg.default
    except (ImportError, AttributeError):
        return None
    return decoder


def decode(data: Tensor, name: str) -> Tensor:
    """Return the bytes (n,) uint8 of a photo file as (3, H, W) uint8, equal to `decode_photo` but faster for JPEGs.

    torchvision's decoder and Pillow's agree to the bit (both are libjpeg-turbo); it takes half the time.
    """
    decoder = _jpeg_decoder() if name.endswith(JPEG) and 0 < data.numel() <= FAST_BYTES else None
    if decoder is not None:
        try:
            photo = decoder(data, 0, True)  # mode unchanged, turned upright by EXIF
            if photo.shape[0] == 3:  # grey and CMYK are left to Pillow's conversions
                return photo
        except RuntimeError:  # cut off, or no JPEG at all: Pillow decides and says why
            pass
    return decode_photo(data.numpy().tobytes(), name)


def photo_size(path: str | Path) -> Size:
    """Return (H, W) of a photo file, turned upright, from its header; raises UserError if it has none."""
    try:
        with Image.open(path) as image:
            turned = image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) >= 5  # Pillow turns those itself
            return (image.width, image.height) if turned else (image.height, image.width)
    except (*BROKEN_PICTURE, Image.DecompressionBombError) as error:
        raise unreadable(str(path), error) from error


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class EncodedPhotos(ABC):
    """Photos that are decoded on each read, several at a time.

    size: (H, W) of what `read` returns. fit: brings a decoded photo to that size; None: it has to have it already.
    """

    def __init__(self, names: Sequence[str], size: Size, fit: Fit | None = None) -> None:
        self.names = tuple(names)
        self.size = size
        self.fit = fit
        self._pool: tuple[int, ThreadPoolExecutor] | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def encoded(self, index: int) -> Tensor:
        """Return the bytes of a photo file as (n,) uint8; raises UserError if they cannot be had."""

    def describe(self, index: int) -> str:
        """Return what an error message calls the photo."""
        return self.names[index]

    def read(self, indices: Tensor) -> Tensor:
        """Return the photos (n,) int as (n, 3, H, W) uint8; raises UserError naming a photo that cannot be used."""
        wanted: list[int] = indices.tolist()
        with torch.inference_mode(False):  # the threads that fill it do not inherit the caller's mode
            photos = torch.empty((len(wanted), 3, *self.size), dtype=torch.uint8)

        def fill(first: int) -> None:
            part = slice(first, first + CHUNK)
            torch.stack([self._one(index) for index in wanted[part]], out=photos[part])

        if 0 < len(wanted) <= CHUNK:
            fill(0)
        else:
            list(self._threads().map(fill, range(0, len(wanted), CHUNK)))
        return photos

    def _one(self, index: int) -> Tensor:
        photo = decode(self.encoded(index), self.describe(index))
        if self.fit is not None:
            photo = self.fit(index, photo)
        if photo.shape[-2:] != self.size:
            found, wanted = (f"{h}x{w}" for h, w in (photo.shape[-2:], self.size))
            raise SizeMismatchError(
                f"{self.describe(index)} is {found} (height x width), the data set is {wanted}: resize or remove it."
            )
        return photo

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None or self._pool[0] != os.getpid():  # threads do not survive a fork
                self._pool = os.getpid(), ThreadPoolExecutor(min(cores(), 16), "posegan-decode")
            return self._pool[1]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_pool", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _pool=None, _lock=threading.Lock())


class PhotoFiles(EncodedPhotos):
    """The photo files of a folder; `names` are paths relative to it. Nothing is opened before it is read."""

    def __init__(self, folder: str | Path, names: Sequence[str], size: Size, fit: Fit | None = None) -> None:
        super().__init__(names, size, fit)
        self.folder = Path(folder)

    def describe(self, index: int) -> str:
        """Return the path of a photo."""
        return f"{self.folder}/{self.names[index]}"

    def encoded(self, index: int) -> Tensor:
        """Return the bytes of a photo file as (n,) uint8; raises UserError if it cannot be opened."""
        try:
            with open(self.describe(index), "rb") as file:  # noqa: PTH123 (half the time of Path.open)
                data = bytearray(file.read())
        except OSError as error:
            path = self.describe(index)
            raise UserError(f"{path} cannot be opened ({error.strerror}): was it moved or deleted?") from error
        return torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)


class DecodedPhotos:
    """Another source whose photos stay in RAM as uint8 once decoded, so that a second pass decodes nothing."""

    def __init__(self, source: PhotoSource) -> None:
        self.source = source
        self.names = source.names
        self.size = source.size
        self._allocate()

    def _allocate(self) -> None:
        self._photos = torch.empty((len(self.names), 3, *self.size), dtype=torch.uint8)  # pages are taken when written
        self._ready = torch.zeros(len(self.names), dtype=torch.bool)

    def read(self, indices: Tensor) -> Tensor:
        """Return the photos (n,) int as (n, 3, H, W) uint8; raises UserError naming a photo that cannot be used."""
        indices = indices.long()
        missing = indices[~self._ready[indices]]
        if len(missing):
            missing = torch.unique(missing)
            self.keep(missing, self.source.read(missing))
        return self._photos.index_select(0, indices)

    def keep(self, indices: Tensor, photos: Tensor) -> None:
        """Keep the photos (n, 3, H, W) uint8 of the indices (n,)."""
        self._photos[indices] = photos
        self._ready[indices] = True  # after the photos: another thread may be reading; it decodes twice at worst

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "names": self.names, "size": self.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._allocate()


def in_memory(source: PhotoSource, budget: int = MEMORY) -> PhotoSource:
    """Return the source kept decoded in RAM if all its photos fit into `budget` bytes, else the source itself."""
    height, width = source.size
    return DecodedPhotos(source) if 0 < len(source.names) * 3 * height * width <= budget else source
