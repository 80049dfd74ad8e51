"""The papers of a folder that is filled bit by bit: with which settings, and a line for each thing that was made."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from posegan.errors import UserError
from posegan.files import append_text, read_text, write_text


def check_settings(file: Path, settings: Mapping[str, object], called: Mapping[str, str]) -> None:
    """Write the settings if the folder has none yet; raises UserError if it was filled with others.

    called: what messages call a setting, or one inside a setting that is a mapping, by its key.
    """
    if not file.is_file():
        write_text(file, json.dumps(settings, indent=2) + "\n")
        return
    try:
        stored = json.loads(read_text(file))
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise UserError(f"{file} is damaged: delete its folder or give another folder.")
    for key, value in settings.items():
        if stored.get(key) != value and key != "version":
            raise UserError(
                f"{file.parent} holds pictures made {_difference(key, stored.get(key), value, called)}: give another "
                "folder, or the same settings."
            )


def _difference(key: str, stored: object, value: object, called: Mapping[str, str]) -> str:
    """Return in words how a setting differs: "with seed 0 instead of with seed 1"."""
    if isinstance(stored, dict) and isinstance(value, dict):
        inner = next(k for k in (*value, *stored) if stored.get(k) != value.get(k))
        return _difference(inner, stored.get(inner), value.get(inner), called)
    name = called.get(key, key)
    return f"{_said(name, stored)} instead of {_said(name, value)}"


def _said(name: str, value: object) -> str:
    if value is None or value is False or value == []:
        return f"without {name}"
    if value is True:
        return f"with {name}"
    return f"with {name} {', '.join(map(str, value)) if isinstance(value, list) else value}"


class Manifest:
    """A CSV with a line for each picture made, added batch by batch; its columns `picture` and `kept` are read back.

    kept: {picture: whether it was kept}. A line that was cut off when the run was stopped is taken away.
    Raises UserError if the file has other columns.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.kept: dict[str, bool] = {}
        self._picture, self._kept = columns.index("picture"), columns.index("kept")
        header = _line(columns)
        if not path.is_file():
            write_text(path, header)
            return
        whole = read_text(path)
        text = whole[: whole.rfind("\n") + 1]
        rows = list(csv.reader(io.StringIO(text)))
        if _line(rows[0] if rows else []) != header:
            raise UserError(f"{path} is not the manifest of these settings: give another folder.")
        self._note(rows[1:])
        if text != whole:
            write_text(path, text)

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Add lines at the end of the file."""
        new = list(rows)
        append_text(self.path, "".join(map(_line, new)))
        self._note(new)

    def _note(self, rows: Iterable[Sequence[str]]) -> None:
        self.kept |= {row[self._picture]: row[self._kept] == "yes" for row in rows}


def _line(fields: Sequence[object]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(fields)
    return out.getvalue()
