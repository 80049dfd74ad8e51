"""`prepare`: a data set is checked, its people are split and paired, and its photos packed into one file or shards.

The folder it writes is a data set of its own: keypoints, pairs and packs; files that are not its own are not replaced
(own.py). Photos without keypoints are looked at first
(photos.py), archives and folders as downloaded are unpacked first (raw.py).
"""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from posegan.data import DataReport, NoPairsError, PosePairDataset, pack_photos, write_pairs, write_shards
from posegan.data.assemble import Split
from posegan.data.cache import is_pack, list_photos, list_unread
from posegan.data.deepfashion import CROPPED, FULL
from posegan.data.photos import photo_size
from posegan.data.shards import SUFFIX, is_shards
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.files import write_bytes
from posegan.inference.open_data import Kind, kind_of, open_data
from posegan.inference.output import out_folder
from posegan.lock import sole_writer
from posegan.places import lies_in
from posegan.pose import Size
from posegan.pose.io import load_annotations
from posegan.prepare.own import OwnFiles, foreign
from posegan.prepare.photos import UNREAD, cut_people, default_workers, list_people
from posegan.prepare.sheet import kind_of_reason, write_sheet


@dataclass(frozen=True)
class Part:
    """A part of a data set: where its photos may be, the files that describe it, and the splits cut from it."""

    folders: tuple[str, ...]
    pack: str
    annotations: tuple[str, ...]  # the first that exists
    pairs: tuple[str, ...]  # files copied as they are
    splits: tuple[Split, ...]  # pairs made and written


def _stem(part: Part) -> str:
    return part.pack.removesuffix(".pack")


def _parts(kind: Kind) -> tuple[Part, ...]:
    if kind == "folder":
        return (Part((".",), "photos.pack", ("annotations.csv",), (), ("train", "validation")),)
    names = ("market",) if kind == "market" else ("fashion", "fasion", "fashion-resize", "fasion-resize")

    def part(name: str, splits: tuple[Split, ...]) -> Part:
        return Part(
            (f"bounding_box_{name}", name, *(() if kind == "market" else ("img",))),
            f"{name}.pack",
            tuple(f"{prefix}-annotation-{name}.csv" for prefix in names),
            tuple(f"{prefix}-pairs-{name}.csv" for prefix in names) if name == "test" else (),
            splits,
        )

    return part("train", ("train", "validation")), part("test", ())


def prepare(
    where: str | Path, out: str | Path | None = None, shard_megabytes: float | None = None
) -> dict[str, DataReport]:
    """Write the packs and the pairs of a data set into `out`, by default into its own folder; returns {part: report}.

    where: a folder in the layout of Market-1501, DeepFashion or one folder a person, with keypoints.
    shard_megabytes: write shards of this size instead of packs, for sets that no single disk holds.
    Raises UserError if the keypoints or all photos of every part are missing, if a file is malformed, if one would be
    replaced that is not `prepare`'s own, or if another process writes into `out`.
    """
    kind = kind_of(where)
    if kind == "synthetic":
        raise UserError("Synthetic people need no preparation: give the folder of a data set.")
    root = Path(where)
    present = list(_present(kind, root))
    if not present:
        wanted = " or ".join(pattern for part in _parts(kind) for pattern in part.annotations[:1])
        raise UserError(f"{root} holds no keypoints: put {wanted} there.")
    target = out_folder(root if out is None else out)
    with sole_writer(target):
        own = OwnFiles(target)
        for part in present:
            _claim(part, root, own, shard_megabytes)
        reports = {_stem(part): _prepare(kind, part, root, own, shard_megabytes) for part in present}
        own.save(_told(reports))
    return reports


def prepare_photos(
    photos: str | Path,
    out: str | Path,
    open_detector: Callable[[], Detector],
    *,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    progress: bool = False,
    shard_megabytes: float | None = None,
) -> dict[str, DataReport]:
    """Make a data set in `out` of photos without keypoints, `photos/<person>/<image>`; returns {"photos": report}.

    People are found and cut out, then split, paired and packed as by `prepare`; `report.html` shows what was kept and
    what was rejected and why. The same call goes on where it was stopped. open_detector: called once in each of the
    worker processes, so it must be picklable; settings: what tells detectors apart, for the same reason as `workers`:
    a folder filled by another detector is refused. workers: processes, by default one a core.
    Raises UserError if no photo lies in a person's folder, if nobody can be used, if `out` lies in the photos, and as
    `prepare` on files that are not its own.
    """
    root, target = Path(photos), Path(out)
    if lies_in(target, root):
        raise UserError(f"{out} lies in the folder of the photos, which would mix with the cuts: give another folder.")
    said = {"detector": "builtin", **(settings or {})}
    listed = list_people(root)
    (part,) = _parts("folder")
    with sole_writer(out_folder(target)):
        own = OwnFiles(target, (target / "looked.json").is_file())
        for name in ("annotations.csv", "report.html"):
            own.claim(name)
        _claim(part, target, own, shard_megabytes)
        lines = cut_people(root, own, listed, open_detector, said, workers or default_workers(), progress)
        reports = {"photos": DataReport()}
        for line in lines:
            if not line.cut:
                reports["photos"].add(f"rejected, {kind_of_reason(line.reason)}", [line.photo])
        _add(reports["photos"], _prepare("folder", part, target, own, shard_megabytes))
        counts = {name: count for name, count in reports["photos"].totals.items() if name.endswith("pairs")}
        write_sheet(target / "report.html", target, lines, counts, str(said["detector"]))
        own.note("report.html")
        rejected = {line.photo: line.reason for line in lines if not line.cut}
        own.save(_told(reports) | {"rejected": rejected, "kept": {line.photo: line.cut for line in lines if line.cut}})
    return reports


def _told(reports: Mapping[str, DataReport]) -> dict[str, object]:
    return {name: asdict(report) for name, report in reports.items()}


def _present(kind: Kind, root: Path) -> Iterator[Part]:
    for part in _parts(kind):
        if any((root / name).is_file() for name in part.annotations):
            yield part


def _claim(part: Part, root: Path, own: OwnFiles, shard_megabytes: float | None) -> None:
    """Raise UserError if preparing a part of `root` would replace a file that is not `prepare`'s."""
    pack = own.folder / part.pack
    if pack.exists() and not (pack.is_file() and is_pack(pack)):
        raise foreign(pack)
    if shard_megabytes is not None:
        index = own.folder / (_stem(part) + SUFFIX)
        known = index.is_file() and is_shards(index)
        tars = sorted(own.folder.glob(f"{_stem(part)}-[0-9][0-9][0-9][0-9][0-9].tar"))
        if index.exists() and not known:
            raise foreign(index)
        if tars and not known and not own.begun:  # without an index they are of a run that was stopped, or nobody's
            raise foreign(tars[0])
    for name in _copied(part, root, own):
        own.claim(name, root / name)
    annotations = next((name for name in part.annotations if (root / name).is_file()), part.annotations[0])
    for split in part.splits:
        own.claim(_pairs_file(annotations, split))


def _copied(part: Part, root: Path, own: OwnFiles) -> list[str]:
    """Return the files that another folder for the results needs too."""
    elsewhere = own.folder.resolve() != root.resolve()
    return [name for name in (*part.annotations, *part.pairs) if elsewhere and (root / name).is_file()]


def _prepare(kind: Kind, part: Part, root: Path, own: OwnFiles, shard_megabytes: float | None) -> DataReport:
    folder, target = next((root / name for name in part.folders if (root / name).is_dir()), None), own.folder
    if folder is None:
        raise UserError(f"{root} holds no photos: put them into {root / part.folders[0]}.")
    annotations = next(root / name for name in part.annotations if (root / name).is_file())
    size, report = _size(kind, root), DataReport()
    names = _usable(list(load_annotations(annotations)), folder, _photo_sizes(kind, size), report)
    if not names:
        raise UserError(f"No photo in {folder} can be used with {annotations}. {report.text()}")
    if shard_megabytes is None:
        _add(report, pack_photos(folder, target / part.pack, names))
    else:
        own.save()
        shards = target / (_stem(part) + SUFFIX)
        _add(report, write_shards(folder, shards, shard_megabytes, names))
        (target / part.pack).unlink(missing_ok=True)  # it would go before the shards
    for name in _copied(part, root, own):
        if not (target / name).is_file() or not filecmp.cmp(root / name, target / name, shallow=False):
            write_bytes(target / name, (root / name).read_bytes())
            own.note(name)
    listed = any((target / name).is_file() for name in part.pairs)
    for split in (*part.splits, *(("test",) if listed else ())):
        pairs = _pairs_of(target, size, split)
        report.totals[f"{split} pairs"] = len(pairs)
        if split != "test":
            write_pairs(target / _pairs_file(annotations.name, split), pairs)
            own.note(_pairs_file(annotations.name, split))
    return report


def _usable(annotated: list[str], folder: Path, sizes: tuple[Size, ...], report: DataReport) -> list[str]:
    """Return the annotated photos that are there and have one of `sizes`, none: any; counts the others."""
    there = set(list_photos(folder))
    report.add("annotated photos missing, left out", [name for name in annotated if name not in there])
    report.add("photos without annotation, left out", sorted(there.difference(annotated)))
    report.add(f"pictures {UNREAD}, left out", list_unread(folder))
    names = [name for name in annotated if name in there]
    if not sizes:
        return names
    others = {name for name in names if not _has_size(folder / name, sizes)}
    report.add("photos of another size, left out", sorted(others))
    return [name for name in names if name not in others]


def _has_size(photo: Path, sizes: tuple[Size, ...]) -> bool:
    try:
        return photo_size(photo) in sizes
    except UserError:
        return True  # packing tells why it cannot be read


def _add(report: DataReport, other: DataReport) -> None:
    report.totals |= other.totals
    report.counts |= other.counts
    report.examples |= other.examples


def _pairs_of(root: Path, size: Size, split: Split) -> list[tuple[str, str]]:
    try:
        dataset: PosePairDataset = open_data(root, size, split=split)
    except NoPairsError:
        return []
    return dataset.pair_names()


def _pairs_file(annotations: str, split: Split) -> str:
    prefix, mark, _ = annotations.partition("-annotation-")
    return f"{prefix}-pairs-{split}.csv" if mark else f"pairs-{split}.csv"


def _photo_sizes(kind: Kind, size: Size) -> tuple[Size, ...]:
    """Return the sizes of photos that a data set of `size` reads; none: any."""
    if kind == "folder":
        return ()
    return (FULL, CROPPED) if size == CROPPED else (size,)  # DeepFashion's are cropped when they are read


def _size(kind: Kind, root: Path) -> Size:
    """Return the size under which a data set's own keypoints are found; the photos are packed as they are."""
    if kind == "market":
        return 128, 64
    plain = any(root.glob("fashion-annotation-*.csv")) or any(root.glob("fasion-annotation-*.csv"))
    return FULL if plain or kind == "folder" else CROPPED
