"""Where results may be written, as far as can be told without making anything: before torch is loaded and work is done.

What else can go wrong there is told when the folder is made, see posegan.inference.output and posegan.files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from posegan.errors import UserError

PICTURE = (".png",)
FILM = (".gif", ".mp4")
ANNOTATIONS = (".csv",)
EXPORT = (".onnx",)
WEIGHTS = (".safetensors",)
"""The endings of what the commands write."""
SAID = 2**26  # bytes of a file in which its metadata are looked for


def require_folder_place(path: str | Path, data: str | Path | None = None) -> None:
    """Raise UserError if a folder for results cannot be at a path, or would lie in the data set `data`."""
    path = Path(path)
    if data is not None and str(data) != "synthetic" and lies_in(path, data):
        raise UserError(f"{path} lies in the data set {data}, with whose photos it would mix: give another folder.")
    there = next((place for place in (path, *path.parents) if place.exists()), None)
    if there == path and not path.is_dir():
        raise UserError(f"{path} is a file: give a folder for the results, or delete it.")
    if there is not None and not there.is_dir():
        raise UserError(f"{path} cannot be made, {there} is a file: give another folder.")
    if there is not None and not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{path} cannot be used ({os.strerror(errno.EACCES)}): give a folder that you may write to.")


def require_file_place(path: str | Path, endings: Sequence[str] = (), inputs: Iterable[str | Path | None] = ()) -> None:
    """Raise UserError if a result file cannot be at a path, has none of the endings, or is one of the inputs."""
    path = Path(path)
    if path.is_dir():
        example = f", for example {path / ('result' + endings[0])}" if endings else ""
        raise UserError(f"{path} is a folder: give a file name in it{example}.")
    if endings and path.suffix.lower() not in endings:
        raise UserError(
            f"{path} has another ending than what is written there: give a file name that ends in "
            f"{' or '.join(endings)}."
        )
    if path.exists() and any(used is not None and Path(used).exists() and path.samefile(used) for used in inputs):
        raise UserError(f"{path} is an input of this command and would be lost: give another output file.")
    require_folder_place(path.parent)


def require_picture_place(
    path: str | Path, endings: Sequence[str] = PICTURE, inputs: Iterable[str | Path | None] = ()
) -> None:
    """Raise UserError as `require_file_place`, or if a file is there that does not say that posegan made it."""
    require_file_place(path, endings, inputs)
    require_replaceable(Path(path))


def require_replaceable(path: Path) -> None:
    """Raise UserError if a picture or film of that name is there and does not say that posegan made it."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        made_here = b"posegan" in file.read(SAID)
    if not made_here:
        raise UserError(
            f"{path} is there and does not say that posegan made it: give another name, or move it away first."
        )


def require_new_file_place(path: str | Path, endings: Sequence[str] = ()) -> None:
    """Raise UserError as `require_file_place`, or if there is a file already: its content may be all there is of it."""
    require_file_place(path, endings)
    if Path(path).exists():
        raise UserError(f"{path} is there already and would be lost: give another name, or move it away first.")


def lies_in(path: str | Path, folder: str | Path) -> bool:
    """Return whether a path is a folder, or lies somewhere below it."""
    inner, outer = Path(path).resolve(), Path(folder).resolve()
    return inner == outer or outer in inner.parents
