"""Where the files of other people's networks are: a folder, torch's cache, or a download. It reads no weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from posegan.errors import UserError
from posegan.files import ExternalFile, sha256_of


@dataclass(frozen=True)
class WeightFolder:
    """The places where a scorer may look for its files.

    folder: a folder with files under their own names, or None. download: whether a file that has an address for it
    may be fetched into torch's cache.
    """

    folder: Path | None = None
    download: bool = True

    def find(self, file: ExternalFile, url: str | None = None) -> Path:
        """Return the path of a file (its `name` is its file name), checked against its sha256.

        url: where the file itself can be fetched; the first eight digits of its sha256 stand before its suffix.
        Raises UserError that says which file is missing, where to get it and where to put it.
        """
        path = (self.folder or Path()) / file.name
        if self.folder is not None and path.is_file():
            return _checked(file.require(path), url)
        if url is not None:
            cached = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
            if cached.is_file() or (self.download and _fetch(url, cached)):
                return _checked(cached, url)
        place = f"put it at {path}" if self.folder else "put it into a folder and give that as the features dir"
        checksum = f" (sha256 {file.sha256})" if file.sha256 else ""
        raise UserError(f"{file.name} ({file.purpose}) is missing: get it from {file.source}{checksum} and {place}.")


def _fetch(url: str, path: Path) -> bool:
    """Return whether the file could be downloaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=_digits(url), progress=False)
    except (OSError, RuntimeError):
        return False
    return True


def _checked(path: Path, url: str | None) -> Path:
    if url is not None and not sha256_of(path).startswith(_digits(url)):
        raise UserError(f"{path} is damaged or another file: its sha256 should start with {_digits(url)}; get {url}.")
    return path


def _digits(url: str) -> str:
    found = re.search(r"-([0-9a-f]{8})\.\w+$", url)
    if found is None:
        raise ValueError(f"{url} does not end in -XXXXXXXX.pth, with the first digits of its sha256")
    return found[1]
