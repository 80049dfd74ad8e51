"""Files that must not be half written, and files the user has to supply. It knows no format."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from posegan.errors import UserError

DATA_REMEDY = "give the folder of a data set, or 'synthetic'"
PHOTOS_REMEDY = "give the folder of photos or of a data set, or the zip of Market-1501 or DeepFashion In-shop"
PAIRS_REMEDY = "give a pairs CSV with the header 'from,to'"
BROKEN_PICTURE = (OSError, SyntaxError, ValueError, RuntimeError)
"""What Pillow raises for a picture that it cannot open or decode, RuntimeError for a damaged AVIF."""


@contextlib.contextmanager
def atomic_writer(path: Path, flush: bool = True) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of `path` when the block ends well and leaves nothing when it fails.

    The data is flushed to the disk before the rename, so a power cut or a kill leaves the old file or the new one;
    flush=False: not, which is faster for many files that can be had again. Who may read it is what the old file says,
    or else the user's umask.
    Raises UserError if the file cannot be written, or the disk is full.
    """
    path = Path(path)
    part = _part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            if path.is_file():
                part.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(part), str(path.parent)):
            raise _unwritable(path, error) from error
        raise


def require_writable(path: Path) -> None:
    """Raise UserError if a file cannot be written into its folder: before work is done for it."""
    part = _part_of(path)
    try:
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _part_of(path: Path) -> Path:
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.part"


def _unwritable(path: Path, error: OSError) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "make room on its disk, or give a place on another" if full else "give another file"
    return UserError(f"{path} cannot be written ({error.strerror}): {remedy}.")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing."""
    with atomic_writer(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file or nothing."""
    write_bytes(path, text.encode())


def append_text(path: Path, text: str) -> None:
    """Add UTF-8 text at the end of a file; raises UserError if it cannot be written or the disk is full."""
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error) from error


def printable(name: str) -> str:
    """Return a file name with bytes that are no UTF-8 written out, as text that can be stored: `a\\udcff.jpg`."""
    return name.encode(errors="backslashreplace").decode()


def read_text(path: Path, remedy: str = "check the path") -> str:
    """Return a UTF-8 text file, with or without a byte-order mark; raises UserError, with `remedy`, if it is none."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error, remedy) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {remedy}, or save it as UTF-8.") from error


def require_readable(path: Path, remedy: str = "check the path") -> None:
    """Raise UserError, with `remedy`, if a file cannot be opened: before work is done for it."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise _unreadable(path, error, remedy) from error


def require_folder(path: Path, remedy: str) -> None:
    """Raise UserError, with `remedy`, if there is no such folder."""
    if not path.is_dir():
        raise UserError(f"There is no folder {path}: {remedy}.")


def _unreadable(path: Path, error: OSError, remedy: str) -> UserError:
    return UserError(f"{path} cannot be opened ({error.strerror}): {remedy}.")


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class ExternalFile:
    """A file that posegan needs but may not ship: what it is for, where it comes from and how to recognise it."""

    name: str
    purpose: str
    source: str  # where a user gets it
    sha256: str | None = None  # None: any file of the right format will do
    otherwise: str = ""  # what a user who does without it can do, "or ..."

    def require(self, path: str | Path | None) -> Path:
        """Return the path if the file is there and is the right one; raises UserError naming the remedy if not."""
        end = f", {self.otherwise}." if self.otherwise else "."
        if path is None:
            raise UserError(f"{self.name} ({self.purpose}) is needed: get it from {self.source} and give its path{end}")
        path = Path(path)
        if not path.is_file():
            hint = f" (sha256 {self.sha256})" if self.sha256 else ""
            raise UserError(
                f"{path} is missing: it should be {self.name}, {self.purpose}; get it from {self.source}{hint}{end}"
            )
        if self.sha256 and sha256_of(path) != self.sha256:
            raise UserError(
                f"{path} is not {self.name}: its sha256 differs from {self.sha256}; get it from {self.source}{end}"
            )
        return path
