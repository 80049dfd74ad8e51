"""The packed cache: all photos of a set in one file, still as JPEG or PNG, read through a memory map.

Layout: header (magic, version, offset, length and sha256 of the index), the photo files one after another, the index as
JSON: one list each of names, offsets, lengths, crc32 and sizes. A photo's crc32 is checked whenever it is read, so that
opening a pack does not have to read it all. It holds no poses and no pairs.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from posegan.data.photos import EncodedPhotos, Fit, PhotoFiles, cores, decode
from posegan.data.report import DataReport
from posegan.errors import UserError
from posegan.files import atomic_writer, require_folder
from posegan.images import PHOTO_SUFFIXES, UNREAD_SUFFIXES
from posegan.pose import Size

MAGIC = b"posegan\x00"
VERSION = 1
HEADER = struct.Struct("<8sIQQ32s")
PACK_CHUNK = 256  # photos read and checked at a time


@dataclass
class PackIndex:
    """What a pack holds: for every photo its name, its place, its crc32 and the (H, W) it decodes to."""

    names: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    crc32: list[int] = field(default_factory=list)
    sizes: list[list[int]] = field(default_factory=list)

    def located(self, path: Path) -> tuple[list[Path], list[int]]:
        """Return the files that hold the photos of the index at `path`, and in which of them each photo lies."""
        return [path], [0] * len(self.names)


def list_photos(folder: str | Path) -> list[str]:
    """Return the photo files below a folder as sorted relative names with `/`; raises UserError if it is no folder."""
    return _files_below(Path(folder), PHOTO_SUFFIXES)


def list_unread(folder: str | Path) -> list[str]:
    """Return the pictures below a folder that `list_photos` leaves out for their format; hidden ones are none."""
    names = _files_below(Path(folder), UNREAD_SUFFIXES)
    return [name for name in names if not name.rpartition("/")[2].startswith(".")]


def _files_below(folder: Path, suffixes: frozenset[str]) -> list[str]:
    require_folder(folder, "give the folder that holds the photos")
    found = []
    for root, _, files in os.walk(folder):
        below = Path(root).relative_to(folder)
        found += [(below / f).as_posix() for f in files if f[f.rfind(".") :].lower() in suffixes]
    return sorted(found)


def pack_photos(folder: str | Path, out: str | Path, names: Sequence[str] | None = None) -> DataReport:
    """Write the photos of a folder into one pack file, whole or not at all, leaving out those that do not decode.

    names: paths relative to the folder; by default every photo below it. Returns a report with the counts.
    Raises UserError if no photo can be packed.
    """
    report, index = DataReport(), PackIndex()
    source = PhotoFiles(folder, list_photos(folder) if names is None else names, (0, 0))
    with atomic_writer(Path(out)) as file:
        file.write(bytes(HEADER.size))
        offset = HEADER.size
        for name, data, size in checked_photos(source, report):
            file.write(data)
            index.names.append(name)
            index.offsets.append(offset)
            index.lengths.append(len(data))
            index.crc32.append(zlib.crc32(data))
            index.sizes.append(list(size))
            offset += len(data)
        if not index.names:
            raise UserError(f"{folder} holds no photo that can be packed. {report.text()}")
        text = json.dumps(asdict(index), ensure_ascii=False, separators=(",", ":")).encode()
        file.write(text)
        file.seek(0)
        file.write(HEADER.pack(MAGIC, VERSION, offset, len(text), hashlib.sha256(text).digest()))
    report.totals |= {"photos": len(index.names), "bytes": offset + len(text)}
    return report


def checked_photos(source: PhotoFiles, report: DataReport) -> Iterator[tuple[str, bytes, Size]]:
    """Yield (name, bytes, size) of every photo that decodes and count the others."""

    def load(i: int) -> tuple[bytes, Size] | UserError:
        try:
            data = source.encoded(i)
            height, width = decode(data, source.describe(i)).shape[-2:]
        except UserError as error:
            return error
        return data.numpy().tobytes(), (height, width)

    with ThreadPoolExecutor(cores()) as pool:
        for first in range(0, len(source.names), PACK_CHUNK):
            chunk = range(first, min(first + PACK_CHUNK, len(source.names)))
            for i, loaded in zip(chunk, pool.map(load, chunk), strict=True):
                if isinstance(loaded, UserError):
                    report.add("unreadable photos, left out", [str(loaded)])
                else:
                    yield source.names[i], *loaded


def is_pack(path: Path) -> bool:
    """Return whether a file is a pack, be it whole or not."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_index(path: str | Path) -> PackIndex:
    """Return the index of a pack; raises UserError saying to rebuild it if it is foreign, cut off or damaged."""
    path = Path(path)
    remedy = "delete it and build it again (posegan prepare)."
    try:
        with path.open("rb") as file:
            header = file.read(HEADER.size)
            if header[: len(MAGIC)] != MAGIC:
                raise UserError(f"{path} is not a posegan pack: give another file, or {remedy}")
            if len(header) < HEADER.size:
                raise UserError(f"{path} is cut off: {remedy}")
            _, version, offset, length, digest = HEADER.unpack(header)
            if version != VERSION:
                raise UserError(f"{path} has pack format {version}, this version reads {VERSION}: {remedy}")
            if path.stat().st_size != offset + length:
                raise UserError(f"{path} is cut off or has grown: {remedy}")
            file.seek(offset)
            text = file.read(length)
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror}): check the path.") from error
    if hashlib.sha256(text).digest() != digest:
        raise UserError(f"{path} is damaged (its index does not match its checksum): {remedy}")
    return PackIndex(**json.loads(text))


class MappedPhotos(EncodedPhotos):
    """Photos that lie in one or several files, read through memory maps that workers share.

    path: of the index; index: what it holds, if it was read already.
    names: which photos and in which order; by default all. size: by default that of the first photo.
    Raises UserError if the index is damaged or lacks one of the names.
    """

    called: str
    """What messages call all of it."""
    remedy: str
    """What a message tells to do about damage."""

    def __init__(
        self,
        path: str | Path,
        names: Sequence[str] | None = None,
        size: Size | None = None,
        fit: Fit | None = None,
        index: PackIndex | None = None,
    ) -> None:
        index = index or self.index_of(path)
        place = {name: i for i, name in enumerate(index.names)}
        chosen = index.names if names is None else names
        absent = [name for name in chosen if name not in place]
        if absent:
            raise UserError(
                f"{path} lacks {len(absent)} photos, the first is {absent[0]}: build the {self.called} again."
            )
        rows = [place[name] for name in chosen]
        first = index.sizes[rows[0]] if rows else [1, 1]
        super().__init__(chosen, size or (first[0], first[1]), fit)
        self.path = Path(path)
        self._files, shards = index.located(self.path)
        self._places = [
            (shards[i], index.offsets[i], index.offsets[i] + index.lengths[i], index.crc32[i]) for i in rows
        ]
        self._map()

    @staticmethod
    @abstractmethod
    def index_of(path: str | Path) -> PackIndex:
        """Read the index."""

    def _map(self) -> None:
        # "c": writable to torch, not on disk
        self._maps = [np.asarray(np.memmap(file, dtype=np.uint8, mode="c")) for file in self._files]

    def describe(self, index: int) -> str:
        """Return the name of a photo and of the file that holds it."""
        return f"{self._files[self._places[index][0]]}: {self.names[index]}"

    def encoded(self, index: int) -> Tensor:
        """Return the bytes of a photo file as (n,) uint8; raises UserError if they are not those that were written."""
        shard, start, end, crc = self._places[index]
        data = self._maps[shard][start:end]
        if zlib.crc32(data.data) != crc:
            raise UserError(f"{self.describe(index)} is damaged: {self.remedy}")
        return torch.from_numpy(data)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_maps"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._map()


class PackedPhotos(MappedPhotos):
    """The photos of a pack; names, size and fit as `MappedPhotos`.

    Raises UserError if the pack is damaged or lacks one of the names.
    """

    called = "pack"
    remedy = "delete the pack and build it again (posegan prepare)."

    @staticmethod
    def index_of(path: str | Path) -> PackIndex:
        """Read the index of a pack, as `read_index`."""
        return read_index(path)
