"""What every picture that posegan makes says of itself, and where pictures may be written. It makes no picture."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posegan import __version__
from posegan.errors import UserError
from posegan.files import require_writable

if TYPE_CHECKING:
    from posegan.inference.predictor import Predictor


GENERATED = {"Software": f"posegan {__version__}", "Description": "AI-generated: a person re-posed by posegan"}
SAID = 2**26  # bytes of a file in which its metadata are looked for
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
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except FileExistsError as error:
        raise UserError(f"{path} is a file: give a folder for the results, or delete it.") from error
    except NotADirectoryError as error:
        raise UserError(f"{path} cannot be made, a part of it is a file: give another folder.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be used ({error.strerror}): give a folder that you may write to.") from error
    return path


def out_file(path: str | Path, inputs: tuple[str | Path | None, ...] = ()) -> Path:
    """Return the path of a result file, its folder made.

    Raises UserError if it is a folder or one of the inputs, or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder: give a file name in it, for example {path / 'result.png'}.")
    for used in inputs:
        if used is not None and path.exists() and Path(used).exists() and path.samefile(used):
            raise UserError(f"{path} is an input of this command and would be lost: give another output file.")
    out_folder(path.parent)
    require_writable(path)
    return path


def out_picture(path: str | Path, inputs: tuple[str | Path | None, ...] = ()) -> Path:
    """Return the path of a picture or film to write, as `out_file`.

    Raises UserError as it does, or if a file is there that does not say that posegan made it.
    """
    path = out_file(path, inputs)
    require_replaceable(path)
    return path


def require_replaceable(path: Path) -> None:
    """Raise UserError if a picture or film of that name is there and does not say that posegan made it."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        made_here = b"posegan" in file.read(SAID)
    if not made_here:
        raise UserError(
            f"{path} is there and does not say that posegan made it: give another --out, or move it away first."
        )


def outside_data(out: str | Path, data: str | Path) -> None:
    """Raise UserError if results are to be written into a data set, where they would count as its photos."""
    if str(data) != "synthetic" and lies_in(out, data):
        raise UserError(f"{out} lies in the data set {data}, with whose photos it would mix: give another --out.")


def lies_in(path: str | Path, folder: str | Path) -> bool:
    """Return whether a path is a folder, or lies somewhere below it."""
    inner, outer = Path(path).resolve(), Path(folder).resolve()
    return inner == outer or outer in inner.parents


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
