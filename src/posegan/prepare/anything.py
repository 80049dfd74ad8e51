"""What `posegan prepare` was given and which preparation that needs: an archive, a raw data set, photos with or without
keypoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from posegan.data import DataReport
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.files import PHOTOS_REMEDY, require_folder
from posegan.inference.open_data import kind_of
from posegan.places import lies_in
from posegan.prepare.prepare import prepare, prepare_photos
from posegan.prepare.raw import Piece, is_flat_fashion, is_raw, pieces_of, unpack


@dataclass(frozen=True)
class Prepared:
    """Where the data set is, what was found of each part, and which pieces a known data set has or lacks."""

    folder: Path
    reports: dict[str, DataReport]
    pieces: tuple[Piece, ...] = ()


def prepare_anything(
    where: str | Path,
    out: str | Path | None,
    open_detector: Callable[[], Detector],
    *,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    progress: bool = False,
    shard_megabytes: float | None = None,
) -> Prepared:
    """Make a data set for training of whatever is given.

    where: Market-1501 or DeepFashion In-shop as a zip or a folder, with or without keypoints; or `photos/<person>/
    <image>`, with annotations.csv or without. out: by default the folder itself where nothing but packs and lists is
    added, else a new one beside it. shard_megabytes: as `prepare`. The others as `prepare_photos`, which takes photos
    without keypoints.
    Raises UserError naming all that is missing.
    """
    path = Path(where)
    if path.is_file() and path.suffix.lower() != ".zip":
        raise UserError(f"{path} is no data set: {PHOTOS_REMEDY}.")
    if not path.exists() and str(where) != "synthetic":
        require_folder(path, PHOTOS_REMEDY)
    if path.is_file() or is_raw(path) == "deepfashion":
        target = _beside(path) if out is None else Path(out)
        if path.is_dir() and lies_in(target, path):
            raise UserError(f"{target} lies among the photos, which would mix with their copies: give another folder.")
        unpack(path, target, progress)
        return _known(target, target, shard_megabytes)
    if not path.is_dir() or str(where) == "synthetic":
        return Prepared(path, prepare(where, out, shard_megabytes))
    inner = path / "Market-1501-v15.09.15"
    path = inner if is_raw(path) is None and is_raw(inner) == "market" else path
    if is_raw(path) == "market" or is_flat_fashion(path) or kind_of(path) != "folder":
        return _known(path, path if out is None else Path(out), shard_megabytes)
    if (path / "annotations.csv").is_file():
        return Prepared(Path(out or path), prepare(path, out, shard_megabytes))
    target = _beside(path) if out is None else Path(out)
    reports = prepare_photos(
        path,
        target,
        open_detector,
        settings=settings,
        workers=workers,
        progress=progress,
        shard_megabytes=shard_megabytes,
    )
    return Prepared(target, reports)


def _known(root: Path, out: Path, shard_megabytes: float | None) -> Prepared:
    market = is_raw(root) == "market" or kind_of(root) == "market"
    pieces = tuple(pieces_of("market" if market else "deepfashion", root))
    keypoints = [piece for piece in pieces if "keypoints" in piece.name]
    if not any(piece.there for piece in keypoints):
        lines = "".join(f"\n  {piece.text()}" for piece in pieces)
        raise UserError(f"{root} holds no keypoints, without which nothing can be prepared.{lines}")
    return Prepared(out, prepare(root, out, shard_megabytes), pieces)


def _beside(path: Path) -> Path:
    """Return a folder for results beside a folder or an archive."""
    path = path.resolve()
    return path.with_name(f"{path.stem if path.is_file() else path.name}-prepared")
