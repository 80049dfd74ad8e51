"""What `prepare` may replace in a folder: the files that it wrote there itself, which its prepare.json names."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posegan.errors import UserError
from posegan.files import read_text, sha256_of, write_text

PARTS = ("photos", "train", "test")  # what a prepare.json reports on, also that of a version that noted no files


class OwnFiles:
    """The files that `prepare` wrote into a folder, by name and sha256; nobody else's may be replaced.

    begun: something else says that `prepare` was here. If it is true and there is no prepare.json, or if that is of a
    version that noted no files, what has the name of a result is taken for one.
    Raises UserError if prepare.json is somebody else's.
    """

    def __init__(self, folder: Path, begun: bool = False) -> None:
        self.folder = folder
        self._record = folder / "prepare.json"
        self._said: dict[str, Any] = _read(self._record) if self._record.exists() else {}
        self._files: dict[str, str] = dict(self._said.get("files", {}))
        self._trusting = "files" not in self._said and (bool(self._said) or begun)
        self.begun = bool(self._said) or begun

    def claim(self, name: str, source: Path | None = None) -> None:
        """Raise UserError if a file of that name is there that is not `prepare`'s: before work is done for it.

        source: what will be copied there; a file that is the same already may be anybody's.
        """
        path = self.folder / name
        if not path.exists():
            return
        if not path.is_file():
            raise foreign(path)
        digest = sha256_of(path)
        if self._trusting:
            self._files[name] = digest
        same = source is not None and filecmp.cmp(source, path, shallow=False)
        if not same and self._files.get(name) != digest:
            raise foreign(path)

    def note(self, name: str) -> None:
        """Note that `prepare` wrote a file, at once: a run that is stopped later knows it as its own."""
        self._files[name] = sha256_of(self.folder / name)
        self.save()

    def save(self, report: Mapping[str, object] | None = None) -> None:
        """Write prepare.json: what `prepare` reports, by default what it said before, and the files."""
        if report is not None:
            self._said = dict(report)
        said = {**self._said, "files": dict(sorted(self._files.items()))}
        write_text(self._record, json.dumps(said, indent=2, ensure_ascii=False) + "\n")


def foreign(path: Path) -> UserError:
    """Return the error for a file that would be replaced and is not `prepare`'s."""
    return UserError(
        f"{path} is not as `posegan prepare` wrote it, or not its own, and would be lost: move it away, or give "
        "another folder for the results."
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(read_text(path))
    except ValueError:
        said = None
    if not isinstance(said, dict) or not (
        isinstance(said.get("files"), dict)
        or any(isinstance(part := said.get(name), dict) and "totals" in part for name in PARTS)
    ):
        raise foreign(path)
    return said
