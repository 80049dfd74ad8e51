"""Market-1501 and DeepFashion as they are downloaded, zip or folder: unpacked, renamed, and what is still missing.

Keypoints come with neither: whoever lacks them is told where they are published and which command makes them. An
archive's own paths are never used: every file is written under a name made here, inside the target folder.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import track

from posegan.data.cache import list_photos
from posegan.errors import UserError
from posegan.files import atomic_writer
from posegan.inference.open_data import Kind
from posegan.inference.output import out_folder
from posegan.lock import sole_writer

MARKET = re.compile(r"(?:^|/)(bounding_box_(?:train|test))/([\w-][\w.-]*\.(?:jpe?g|png))$", re.ASCII)
FASHION = re.compile(r"(?:^|/)(WOMEN|MEN)/(\w+)/id_(\d{8})/(\d\d)_(\d)_(\w+)(\.(?:jpe?g|png))$", re.ASCII)
PLAIN, DEFORMABLE = "fashion", "fasion"  # Deformable GAN's names lack the h, and the _ of categories

MOST_FILES, MOST_BYTES, LARGEST = 400_000, 24 * 2**30, 64 * 2**20  # of an archive, and bytes of one photo

KEYPOINTS = (
    "keypoints are published with Deformable GAN (github.com/AliaksandrSiarohin/pose-gan) and PATN "
    "(github.com/tengteng95/Pose-Transfer), or made by `posegan detect --images {photos} --out {file}`"
)
PAIRS = "published with the keypoints; without it there is no test split, training needs none"


@dataclass(frozen=True)
class Piece:
    """A part of a raw data set: what it is, whether it is there, and if not, where it comes from."""

    name: str
    there: bool
    remedy: str = ""

    def text(self) -> str:
        """Return the piece as a line."""
        return f"{self.name}: {'there' if self.there else f'missing ({self.remedy})'}"


Entry = tuple[str, int, Callable[[], bytes]]  # name with /, bytes, and what reads it


def is_raw(root: Path) -> Kind | None:
    """Return which data set a folder is in the layout of its download, None if neither."""
    if any((root / f"bounding_box_{part}").is_dir() for part in ("train", "test")):
        return "market"
    if any((root / top).is_dir() and any((root / top).glob("*/id_*")) for top in _FASHION_TOPS):
        return "deepfashion"
    return None


def is_flat_fashion(root: Path) -> bool:
    """Return whether a folder holds DeepFashion photos under the field's flat names."""
    flat = re.compile(rf"(?:{PLAIN}|{DEFORMABLE})(?:WOMEN|MEN)\w+id\d{{10}}_\w+\.(?:jpe?g|png)", re.ASCII)
    for folder in (root / name for name in ("img", "train", "test")):
        if folder.is_dir() and any(flat.fullmatch(file.name) for file in folder.iterdir()):
            return True
    return False


_FASHION_TOPS = ("WOMEN", "MEN", "img/WOMEN", "img/MEN")


def unpack(where: Path, out: Path, progress: bool = False) -> Kind:
    """Write the photos of an archive, or of a DeepFashion folder, into `out` under the field's names; returns the kind.

    Photos that are there already are left. Raises UserError if the archive is neither data set, is damaged, wants a
    password, or is larger than any of them, if another photo has the name of one of its, if another process writes
    there, and if the disk is too full.
    """
    with _entries(where) as entries:
        kind: Kind = "market" if any(MARKET.search(name) for name, _, _ in entries) else "deepfashion"
        rename = _market_name if kind == "market" else _fashion_name(entries, out)
        wanted = [(target, size, read) for name, size, read in entries if (target := rename(name))]
        if not wanted:
            raise UserError(
                f"{where} holds photos of neither Market-1501 (bounding_box_train/...) nor DeepFashion In-shop "
                "(img/WOMEN/.../id_.../...): unpack it yourself and give the folder."
            )
        _check_size(where, wanted, out)
        console = Console(stderr=True)
        shown = progress and console.is_terminal
        with sole_writer(out):
            missing = _missing(where, wanted, out)
            for target, _, read in track(missing, "unpacking", console=console, disable=not shown):
                data = read()
                with atomic_writer(out / target, flush=False) as file:
                    file.write(data)
    return kind


def _market_name(name: str) -> str:
    match = MARKET.search(name)
    return f"{match[1]}/{match[2]}" if match else ""


def _fashion_name(entries: Iterable[Entry], out: Path) -> Callable[[str], str]:
    """Return what gives photos their flat names, spelt as in the keypoints that lie in `out`, else as PATN does."""
    text = "".join(
        file.read_text(encoding="utf-8", errors="replace")[:100_000]
        for prefix in (DEFORMABLE, PLAIN)
        for file in sorted(out.glob(f"{prefix}-*annotation-*.csv"))
    )
    old = f"\n{DEFORMABLE}WOMEN" in text or f"\n{DEFORMABLE}MEN" in text

    def rename(name: str) -> str:
        match = FASHION.search(name)
        if not match:
            return ""
        gender, category, person, garment, number, view, ending = match.groups()
        prefix, category = (DEFORMABLE, category.replace("_", "")) if old else (PLAIN, category)
        return f"img/{prefix}{gender}{category}id{person}{garment}_{number}{view.replace('_', '')}{ending}"

    return rename


def _check_size(where: Path, wanted: Sequence[Entry], out: Path) -> None:
    total, largest = sum(size for _, size, _ in wanted), max(size for _, size, _ in wanted)
    if len(wanted) > MOST_FILES or total > MOST_BYTES or largest > LARGEST:
        raise UserError(
            f"{where} unpacks to {len(wanted):,} photos of {total / 2**30:.1f} GiB, the largest of "
            f"{largest / 2**20:.0f} MiB, more than the data set has: get the archive again."
        )
    out_folder(out)
    free = shutil.disk_usage(out).free
    if total > free:
        raise UserError(f"{out} has {free / 2**30:.1f} GiB free, {total / 2**30:.1f} are needed: give another folder.")


def _missing(where: Path, wanted: Sequence[Entry], out: Path) -> list[Entry]:
    """Return what is not in a folder yet; raises UserError if another file has the name of one of the photos."""
    there = {entry[0]: (out / entry[0]).stat().st_size for entry in wanted if (out / entry[0]).is_file()}
    others = [name for name, size, _ in wanted if there.get(name, size) != size]
    if others:
        raise UserError(
            f"{out / others[0]} is another file than that of {where} and would be lost: move it away, or give another "
            "folder."
        )
    return [entry for entry in wanted if entry[0] not in there]


@contextmanager
def _entries(where: Path) -> Iterator[list[Entry]]:
    if where.is_dir():
        files = [(name, where / name) for name in list_photos(where)]
        yield [(name, file.stat().st_size, file.read_bytes) for name, file in files]
        return
    try:
        with zipfile.ZipFile(where) as archive:
            yield [_entry(archive, info, where) for info in archive.infolist() if _is_photo(info)]
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UserError(f"{where} is not a readable zip archive ({error}): get it again.") from error
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise UserError(f"{where} wants a password: unpack it yourself and give the folder.") from error


def _is_photo(info: zipfile.ZipInfo) -> bool:
    link = stat.S_ISLNK(info.external_attr >> 16)
    return not link and PurePosixPath(info.filename).suffix.lower() in (".jpg", ".jpeg", ".png")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: Path) -> Entry:
    def read() -> bytes:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise UserError(f"{where} is damaged: {info.filename} has another size than it says; get it again.")
        return data

    return info.filename, info.file_size, read


def pieces_of(kind: Kind, root: Path) -> list[Piece]:
    """Return the parts that Market-1501 or DeepFashion should have in a folder, and which of them are there."""
    prefixes = ("market",) if kind == "market" else ("fashion", "fasion", "fashion-resize", "fasion-resize")
    found = []
    for part in ("train", "test"):
        folders = (f"bounding_box_{part}", part) if kind == "market" else (part, "img")
        photos = next((root / name for name in folders if (root / name).is_dir()), None)
        packed = (root / f"{part}.pack").is_file()
        if kind == "market" or part == "train":
            name = "photos" if photos and photos.name == "img" else f"{part} photos"
            here = photos.name if photos else f"{part}.pack" if packed else folders[0]
            found.append(Piece(f"{name}, {here}", photos is not None or packed, "from the data set's own download"))
        csv = _first(root, [f"{prefix}-annotation-{part}.csv" for prefix in prefixes])
        remedy = KEYPOINTS.format(photos=photos or root / folders[0], file=root / csv)
        found.append(Piece(f"{part} keypoints, {csv}", (root / csv).is_file(), remedy))
    pairs = _first(root, [f"{prefix}-pairs-test.csv" for prefix in prefixes])
    found.append(Piece(f"test pairs, {pairs}", (root / pairs).is_file(), PAIRS))
    return found


def _first(root: Path, names: list[str]) -> str:
    return next((name for name in names if (root / name).is_file()), names[0])
