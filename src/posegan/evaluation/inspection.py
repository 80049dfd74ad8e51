"""`posegan inspect`: what a model does inside for a few pairs, everything it hands out besides its photo, in one PNG.

How a tensor becomes a picture is in inside.py, how pictures become a sheet in strips.py. Nothing is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.evaluation.inside import inside
from posegan.evaluation.strips import Cell, Strip, lay_out_strips
from posegan.files import sha256_of
from posegan.images import to_bytes, write_png
from posegan.inference.finder import JOINTS_REMEDY, PersonFinder
from posegan.inference.generate import require_all_pairs
from posegan.inference.open_data import open_data
from posegan.inference.output import out_picture, provenance
from posegan.inference.poses import FramedPose
from posegan.inference.predictor import Predictor
from posegan.layers.adapn import STATISTICS
from posegan.models import Output
from posegan.pose import Pose, Size, draw_poses
from posegan.spread import evenly_spread

HEIGHT = 256  # pixels of a cell, about: smaller photos are enlarged by a whole factor
MOST_PAIRS = 32  # of a sheet
ADAPN = "adapn"  # the entry of aux that holds statistics as layers/adapn.py makes them
RISE, FALL = (0.70, 0.09, 0.17), (0.13, 0.40, 0.67)  # colours of the largest positive and negative value

Pictures = dict[str, Tensor]  # name -> (B, 3, H, W) float in [-1, 1] or uint8


def inspect_photo(
    predictor: Predictor,
    photo: str | Path,
    pose: Pose | FramedPose | str | Path,
    out: str | Path,
    *,
    source_pose: Pose | FramedPose | str | Path | None = None,
    metadata: bool = True,
) -> bool:
    """Write the sheet of one photo and one target pose as a PNG; arguments as `Predictor.generate`.

    Returns whether the model handed out anything besides its photo. Raises UserError as `Predictor.generate`, or if
    `out` is a folder, one of the inputs, or not named as a PNG.
    """
    inputs = [Path(part) for part in (photo, pose, source_pose) if isinstance(part, str | Path)]
    path = out_picture(out, inputs=[part for part in inputs if part.is_file()])
    finder = PersonFinder(remedy=JOINTS_REMEDY.format(pose="source pose"))
    source, found = predictor.prepare(photo, source_pose, finder)
    poses = Pose.stack([found]), Pose.stack([predictor.aim(pose, found)])
    said = provenance(predictor, sha256_of(Path(photo))) if metadata else None
    return _write(predictor, path, source[None], poses, {}, [Path(photo).name], said)


def inspect_data(
    predictor: Predictor,
    data: str | Path,
    out: str | Path,
    *,
    pairs: str | Path | None = None,
    count: int = 3,
    metadata: bool = True,
) -> bool:
    """Write the sheet of `count` pairs of a data set, at even distances in its list; data, pairs: as `open_data`.

    Returns whether the model handed out anything besides its photos. Raises UserError as `open_data`, if the pairs name
    photos that are not there, if there are more than MOST_PAIRS, or for `out` as `inspect_photo`.
    """
    if count > MOST_PAIRS:
        raise UserError(f"A sheet of {count} pairs is too tall to look at: give a count of {MOST_PAIRS} or less.")
    path = out_picture(out, inputs=[pairs])
    dataset = open_data(data, predictor.size, pairs)
    if pairs is not None:
        require_all_pairs(dataset, pairs)
    batch = dataset.batch(evenly_spread(len(dataset), count))
    names = [f"{a} -> {b}" for a, b in zip(batch.source_names, batch.target_names, strict=True)]
    said = provenance(predictor, ", ".join(batch.source_names)) if metadata else None
    poses = batch.source_pose, batch.target_pose
    return _write(predictor, path, batch.source_image, poses, {"target": batch.target_image}, names, said)


def _write(
    predictor: Predictor,
    path: Path,
    source: Tensor,
    poses: tuple[Pose, Pose],
    known: Pictures,
    names: Sequence[str],
    said: dict[str, str] | None,
) -> bool:
    output = predictor.output(source, *poses)
    size: Size = (source.shape[-2], source.shape[-1])
    drawn = {name: draw_poses(pose, size) for name, pose in zip(("source pose", "target pose"), poses, strict=True)}
    photos = {"source": source} | drawn | known | {"generated": output.image}
    factor = max(1, HEIGHT // size[0])
    stages = stage_strips(output, (factor * size[0], factor * size[1]))
    sheet = []
    for i, name in enumerate(names):
        cells = [Cell(_enlarged(picture[i], factor), (label,)) for label, picture in photos.items()]
        sheet += [Strip(name, cells), *stages[i]]
    write_png(path, lay_out_strips(sheet), said)
    return bool(stages[0])


def stage_strips(output: Output, size: Size) -> list[list[Strip]]:
    """Return for each of B photos the strips of its intermediate results, in cells of (H, W).

    A strip is an entry of aux; entries of one picture stand together in the first. Below a picture stands the size of
    its map and, since maps are drawn from their least to their largest value, what these are; for flows the length of
    the longest vector in pixels of the map.
    """
    sheets: list[list[Strip]] = [[] for _ in output.image]
    for name, entries in output.aux.items():
        if name == ADAPN:
            for strips, more in zip(sheets, adapn_strips(entries, size), strict=True):
                strips += more
            continue
        flat = [part for entry in entries for part in (entry.unbind(1) if entry.dim() == 5 else [entry])]
        for i, strips in enumerate(sheets):
            cells = []
            for entry in flat:
                one = Output(output.image[i : i + 1], {name: [entry[i : i + 1]]})
                if entry is not output.image:
                    cells += [Cell(picture[0], _facts(entry[i])) for picture in inside(one, size).values()]
            strips += [Strip(name, cells)] if cells else []
    return [_singles_together(strips) for strips in sheets]


def _singles_together(strips: Sequence[Strip]) -> list[Strip]:
    singles = [strip for strip in strips if len(strip.cells) == 1]
    if len(singles) < 2:
        return list(strips)
    cells = [Cell(strip.cells[0].picture, (strip.title, *strip.cells[0].lines)) for strip in singles]
    return [Strip(", ".join(strip.title for strip in singles), cells), *(s for s in strips if s not in singles)]


def adapn_strips(statistics: Sequence[Tensor], size: Size) -> list[list[Strip]]:
    """Return for each of B photos a strip for each of the STATISTICS, with a cell for each modulation (B, 4, h, w).

    All cells of a strip share one scale: white is 0, red positive, blue negative.
    """
    sheets: list[list[Strip]] = [[] for _ in statistics[0]]
    for s, name in enumerate(STATISTICS):
        for i, strips in enumerate(sheets):
            maps = [entry[i, s].float().cpu() for entry in statistics]
            most = max(float(values.abs().max()) for values in maps)
            cells = []
            for m, values in enumerate(maps):
                facts = f"{m // 2 + 1} {'after' if m % 2 else 'before'} conv", _range(values)
                cells.append(Cell(_signed_colours(values / max(most, 1e-6), size), facts))
            colours = f"white 0, red {most:.2f}" + ("" if "deviation" in name else f", blue -{most:.2f}")
            strips.append(Strip(f"AdaPN: {name} over channels, a value per patch ({colours})", cells))
    return sheets


def _signed_colours(values: Tensor, size: Size) -> Tensor:
    """Return values (h, w) in [-1, 1] as a picture (3, H, W) uint8, enlarged pixel by pixel."""
    colour = torch.where(values > 0, torch.tensor(RISE)[:, None, None], torch.tensor(FALL)[:, None, None])
    picture = 1 - values.abs() * (1 - colour)
    enlarged = torch.nn.functional.interpolate(picture[None], size, mode="nearest")[0]
    return to_bytes(enlarged * 2 - 1)


def _enlarged(picture: Tensor, factor: int) -> Tensor:
    return to_bytes(picture).cpu().repeat_interleave(factor, -2).repeat_interleave(factor, -1)


def _facts(values: Tensor) -> tuple[str, ...]:
    channels, height, width = values.shape
    size, values = f"{height}x{width}", values.float()
    if channels == 3:
        return (size,)
    if channels == 2:
        return size, f"longest {float(values.norm(dim=0).max()):.2g} px"
    grey = values.mean(0)
    return size if channels == 1 else f"{size}, {channels} channels", _range(grey)


def _range(values: Tensor) -> str:
    low, high = (f"{float(value):z.3f}" for value in values.aminmax())  # z: no "-0.000"
    return f"{low} to {high}"
