"""Shards: the photos of a set in tar files of a limited size, for sets that no single disk holds.

The tar files are WebDataset's, so that other programs can stream them. posegan does not: an index says where in which
file each photo lies, so pairs are drawn from the whole set and a run resumes as exactly as from one pack. It holds no
poses and no pairs.
"""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from posegan.data.cache import MappedPhotos, PackIndex, checked_photos, list_photos
from posegan.data.photos import PhotoFiles
from posegan.data.report import DataReport
from posegan.errors import UserError
from posegan.files import atomic_writer, read_text, write_text
from posegan.pose import Size

SUFFIX = ".shards.json"
FORMAT = "posegan shards 1"
REMEDY = "delete it and build it again (posegan prepare --shards)."


@dataclass
class ShardIndex(PackIndex):
    """The index of a pack, whose photos lie in several files: `shards` has the number of each photo's.

    files: the tar files, relative to the index or absolute; whoever moves them to other disks changes these paths.
    """

    files: list[str] = field(default_factory=list)
    shards: list[int] = field(default_factory=list)

    def located(self, path: Path) -> tuple[list[Path], list[int]]:
        """Return the tar files of the index at `path`, and in which of them each photo lies."""
        return [path.parent / name for name in self.files], self.shards


def write_shards(
    folder: str | Path, out: str | Path, megabytes: float, names: Sequence[str] | None = None
) -> DataReport:
    """Write the photos of a folder into tar files NAME-00000.tar, ... beside the index `out`, NAME.shards.json.

    Photos that do not decode are left out. names: paths relative to the folder; by default every photo below it.
    megabytes: a file ends with the photo that reaches this size. The index is written last, so that without it the tar
    files count as nothing. Returns a report with the counts.
    Raises UserError if no photo can be used, and if `out` is not called so.
    """
    out = Path(out)
    if not out.name.endswith(SUFFIX) or megabytes <= 0:
        raise UserError(f"{out} of {megabytes} MB each: an index ends in {SUFFIX}, and a shard holds something.")
    report, index = DataReport(), ShardIndex()
    source = PhotoFiles(folder, list_photos(folder) if names is None else names, (0, 0))
    photos = checked_photos(source, report)
    ready = next(photos, None)
    while ready is not None:
        index.files.append(f"{out.name.removesuffix(SUFFIX)}-{len(index.files):05d}.tar")
        with atomic_writer(out.parent / index.files[-1]) as file:
            ready = _fill(file, ready, photos, round(megabytes * 1e6), index)
    if not index.names:
        raise UserError(f"{folder} holds no photo that can be used. {report.text()}")
    write_text(out, json.dumps({"format": FORMAT, **asdict(index)}, ensure_ascii=False, separators=(",", ":")))
    report.totals |= {"photos": len(index.names), "shards": len(index.files), "bytes": sum(index.lengths)}
    return report


_Photo = tuple[str, bytes, Size]


def _fill(file: BinaryIO, first: _Photo, others: Iterator[_Photo], limit: int, index: ShardIndex) -> _Photo | None:
    """Write photos into one tar file until it is full; returns the next photo, None if there is none."""
    photo: _Photo | None = first
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        while photo is not None:
            name, data, size = photo
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            padded = -(-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            index.names.append(name)
            index.shards.append(len(index.files) - 1)
            index.offsets.append(file.tell() - padded)
            index.lengths.append(len(data))
            index.crc32.append(zlib.crc32(data))
            index.sizes.append(list(size))
            photo = next(others, None)
            if file.tell() >= limit:
                break
    return photo


def is_shards(path: Path) -> bool:
    """Return whether a file is an index of shards, of whichever version."""
    try:
        return str(json.loads(read_text(path))["format"]).startswith("posegan shards ")
    except (ValueError, TypeError, KeyError):
        return False


def read_shards(path: str | Path) -> ShardIndex:
    """Return the index of shards; raises UserError if it is another file, damaged, or a tar file is missing."""
    path = Path(path)
    text = read_text(path)
    try:
        content = json.loads(text)
        kind = content.pop("format")
        index = ShardIndex(**content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is no index of shards, or damaged: {REMEDY}") from error
    if kind != FORMAT:
        raise UserError(f"{path} has the format {kind!r}, this version reads {FORMAT!r}: {REMEDY}")
    if len({len(v) for v in (index.names, index.shards, index.offsets, index.lengths, index.crc32, index.sizes)}) > 1:
        raise UserError(f"{path} is damaged: {REMEDY}")
    ends = [0] * len(index.files)
    for shard, offset, length in zip(index.shards, index.offsets, index.lengths, strict=True):
        ends[shard] = max(ends[shard], offset + length)
    for name, end in zip(index.files, ends, strict=True):
        shard_file = path.parent / name
        if not shard_file.is_file():
            raise UserError(f"{shard_file} is missing: put it there, or write where it is under 'files' in {path}.")
        if shard_file.stat().st_size < end:
            raise UserError(f"{shard_file} is cut off: copy it again, or build the shards again (posegan prepare).")
    return index


class ShardedPhotos(MappedPhotos):
    """The photos of shards; arguments as `PackedPhotos`.

    Raises UserError if the index is damaged or lacks one of the names.
    """

    called = "shards"
    remedy = "copy the file again, or build the shards again."

    @staticmethod
    def index_of(path: str | Path) -> ShardIndex:
        """Read the index of shards, as `read_shards`."""
        return read_shards(path)
