"""One process at a time writes into a folder or a file that is filled bit by bit. It writes nothing itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from posegan.errors import UserError


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold a folder, or a file that may not be there yet, for the length of a block.

    The hidden lock file in the folder, or beside the file, goes when the block ends. A killed process leaves it but not
    the lock, which the operating system lets go of: the next one takes it over.
    Raises UserError if another process holds it, or if it cannot be locked.
    """
    place = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    lock = FileLock(place)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise UserError(
            f"{path} is in use by another run of posegan: wait for it or stop it, or give another place."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give another place.") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # while it is held, so that nobody else's goes; Windows does it on release
            place.unlink()
        lock.release()
