"""What every picture that posegan makes says of itself, and where pictures may be written. It makes no picture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posegan import __version__
from posegan.errors import UserError
from posegan.files import require_writable
from posegan.places import PICTURE, require_file_place, require_folder_place, require_picture_place

if TYPE_CHECKING:
    from posegan.inference.predictor import Predictor


GENERATED = {"Software": f"posegan {__version__}", "Description": "AI-generated: a person re-posed by posegan"}
CARRIED = "where body and background only moved, pixels are those of the photo"


def provenance(
    predictor: Predictor, source: str | None = None, *, others: Sequence[str] = (), carried: bool = False
) -> dict[str, str]:
    """Return the metadata of a generated picture: that it is generated, by what, and from which photo.

    source: the source photo's sha256 or, for a data set, its name. others: those of more photos of the person.
    carried: pixels of the photos themselves may be in it.
    """
    said = GENERATED | {
        "posegan:weights-sha256": predictor.sha256 or "none",
        "posegan:source": source or "unknown",
    }
    if predictor.info is not None and predictor.info.licence:
        said["posegan:weights-licence"] = predictor.info.licence
    if others:
        said["posegan:other-sources"] = " ".join(others)
    if carried:
        said["posegan:carried"] = CARRIED
    return said


def out_folder(path: str | Path) -> Path:
    """Return a folder for results, made if it is not there; raises UserError if that cannot be, or no file in it."""
    path = Path(path)
    require_folder_place(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"{path} cannot be used ({error.strerror}): give a folder that you may write to.") from error
    return path


def out_file(path: str | Path, endings: Sequence[str] = (), inputs: Iterable[str | Path | None] = ()) -> Path:
    """Return the path of a result file, its folder made; raises UserError as `require_file_place`, or if that fails."""
    path = Path(path)
    require_file_place(path, endings, inputs)
    out_folder(path.parent)
    require_writable(path)
    return path


def out_picture(path: str | Path, endings: Sequence[str] = PICTURE, inputs: Iterable[str | Path | None] = ()) -> Path:
    """Return the path of a picture or film to write, as `out_file`; raises UserError as `require_picture_place` too."""
    require_picture_place(path, endings, inputs)
    return out_file(path, endings, inputs)


def photo_paths(photo: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files of one photo or of several."""
    return [Path(photo)] if isinstance(photo, str | Path) else [Path(one) for one in photo]


def files_among(*inputs: object) -> tuple[Path, ...]:
    """Return which of the inputs of a command, or of the members of those that are lists, are files."""
    flat = [one for part in inputs for one in (part if isinstance(part, list | tuple) else [part])]
    return tuple(Path(one) for one in flat if isinstance(one, str | Path) and Path(one).is_file())


def require_distinct_names(pairs: Sequence[tuple[str, str]]) -> None:
    """Raise UserError if the photos of two pairs would be written to one file: one would be lost."""
    taken: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        other = taken.setdefault(pair_name(*pair).lower(), pair)  # some file systems know no upper case
        if other != pair:  # published lists hold some pairs twice
            both = " and ".join(",".join(p) for p in (other, pair))
            raise UserError(f"The pairs {both} would both be {pair_name(*pair)}.png: drop one or rename its photos.")


def pair_name(source: str, target: str) -> str:
    """Return the file name, without ending, of the photo made from a pair: both names without their endings."""
    return "_".join(str(Path(name).with_suffix("")).replace("/", "-").replace("\\", "-") for name in (source, target))
