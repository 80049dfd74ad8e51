"""What a command is given, looked at before torch and the models are loaded: a wrong file name is told at once.

Whether a file is there and is a photo at all; all else is found by who reads it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from PIL import Image

from posegan.errors import unknown_name
from posegan.files import BROKEN_PICTURE, DATA_REMEDY, PAIRS_REMEDY, require_folder, require_readable

KEYPOINTS = (".csv", ".json")
SHOWN = 5  # files of a kind that are named


def pose_names() -> list[str]:
    """Return the names of the bundled poses without loading torch."""
    return _stored("poses")


def sequence_names() -> list[str]:
    """Return the names by which sequences of poses are called, `walk` and the bundled ones, without loading torch."""
    return ["walk", *_stored("sequences")]


def require_photos(paths: Sequence[str]) -> None:
    """Raise UserError if one of the files cannot be opened, or is no photo."""
    for path in paths:
        require_readable(Path(path))
        if not _is_picture(Path(path)):
            from posegan.images import read_photo

            read_photo(path)  # says why


def require_pose(text: str) -> None:
    """Raise UserError if a pose is neither bundled nor a file that can be opened."""
    path = _file_of(text)
    if text in pose_names() or path.is_dir():
        return
    if not path.suffix and not path.exists():
        raise unknown_name("pose", text, pose_names())
    require_readable(path)
    if path.suffix.lower() not in KEYPOINTS and not _is_picture(path):
        from posegan.images import PHOTO_SUFFIXES

        require_photos([text] if path.suffix.lower() in PHOTO_SUFFIXES else [])


def require_keypoints(texts: Sequence[str]) -> None:
    """Raise UserError if one of the texts names a file of keypoints that cannot be opened."""
    for path in map(_file_of, texts):
        if path.suffix.lower() in KEYPOINTS:
            require_readable(path)


def require_sequence(text: str) -> None:
    """Raise UserError if a pose sequence is neither bundled nor a folder nor a file that can be opened."""
    path = Path(text)
    if path.suffix and not path.is_dir():
        require_readable(path)
    elif not path.exists() and text not in sequence_names():
        raise unknown_name("sequence", text, sequence_names())


def require_data(folder: str, pairs: str | None = None) -> None:
    """Raise UserError if there is no such folder of a data set, or if the list of its pairs cannot be opened."""
    if folder != "synthetic":
        require_folder(Path(folder), DATA_REMEDY)
    if pairs is not None:
        require_readable(Path(pairs), PAIRS_REMEDY)


def print_left_out(sentences: Sequence[str], which: str) -> None:
    """Print the first sentences on files that were left out, and how many more there are, `which` say what they are."""
    for sentence in sentences[:SHOWN]:
        print(f"left out: {sentence}")
    if len(sentences) > SHOWN:
        print(f"left out: {len(sentences) - SHOWN:,} more {which}")


def _stored(kind: str) -> list[str]:
    text = (resources.files("posegan") / "assets" / f"{kind}.json").read_text(encoding="utf-8")
    return list(json.loads(text)[kind])


def _file_of(text: str) -> Path:
    """Return the file that a pose is in, also that of `file.csv:row`."""
    head, mark, _ = text.partition(".csv:")
    return Path(f"{head}.csv" if mark else text)


def _is_picture(path: Path) -> bool:
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning), Image.open(path):
            return True
    except (*BROKEN_PICTURE, Image.DecompressionBombError):
        return False
