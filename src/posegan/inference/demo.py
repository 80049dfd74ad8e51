"""The demo: synthetic people, re-posed through the bundled poses and through a walk cycle. It needs no input.

The people are drawn from seeds that no training uses. Pictures of real people are never involved.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from posegan.data import SyntheticPeople
from posegan.errors import UserError
from posegan.images import tile, to_bytes, to_signed, write_gif, write_png
from posegan.inference.framing import fit_pose
from posegan.inference.output import out_folder, provenance
from posegan.inference.poses import bundled_poses
from posegan.inference.predictor import Predictor
from posegan.places import require_replaceable
from posegan.pose import Pose, draw_poses
from posegan.weights import bundled_names

WEIGHTS = "posegan-synthetic"
IDENTITIES = (900_001, 900_004, 900_007, 900_010, 900_013, 900_016)  # far from the seeds of training
SOURCES = ((12835, 8528), (97841, 9963), (31086, 40654))  # pose and view seeds: the whole body, seen from the front
WALKERS = 3  # people in the animation
FRAMES = 16  # of one walk cycle


def demo_weights() -> str:
    """Return the name of the demo's weights; raises UserError if this copy of posegan does not hold them."""
    if WEIGHTS not in bundled_names():
        raise UserError(
            f"This copy of posegan holds no bundled weights ({WEIGHTS}), which the demo needs: install a release, or "
            "give weights, a file or run folder that `posegan train` wrote."
        )
    return WEIGHTS


def demo(predictor: Predictor, out: str | Path) -> list[Path]:
    """Write `sheet.png` and `walk.gif` of re-posed synthetic people into a folder and return their paths."""
    folder = out_folder(out)
    sheet, walk = folder / "sheet.png", folder / "walk.gif"
    for path in (sheet, walk):
        require_replaceable(path)
    people = SyntheticPeople(1, predictor.size)
    images, poses = _sources(people)
    said = provenance(predictor, "synthetic people, no photo")
    write_png(sheet, _sheet(predictor, images, poses), said)
    frames = _walk(predictor, people, images[:WALKERS], poses[:WALKERS])
    write_gif(walk, frames, 1.1 / FRAMES, said)
    return [sheet, walk]


def _sources(people: SyntheticPeople) -> tuple[Tensor, Pose]:
    """Return one photo (N, 3, H, W) in [-1, 1] of each person and their poses (N,)."""
    identity = torch.tensor(IDENTITIES)
    seeds = torch.tensor([SOURCES[i % len(SOURCES)] for i in range(len(IDENTITIES))])
    sample = people.render(identity, seeds[:, 0], seeds[:, 1], identity)
    return to_signed(sample.image), sample.pose.inside(people.size)


def _sheet(predictor: Predictor, images: Tensor, poses: Pose) -> Tensor:
    """Return the sheet: the target poses above, then a row a person: the photo, and the person in every pose."""
    size = predictor.size
    targets = Pose.stack([fit_pose(framed.pose, framed.size, size) for framed in bundled_poses().values()])
    blank = torch.full((1, 3, *size), 255, dtype=torch.uint8)
    rows = [blank, draw_poses(targets, size)]
    for i in range(len(images)):
        made = predictor.render(predictor.encode(images[i : i + 1], poses[i : i + 1]), targets)
        rows += [to_bytes(images[i : i + 1]), to_bytes(made.cpu())]
    return tile(torch.cat(rows), 1 + len(targets))


def _walk(predictor: Predictor, people: SyntheticPeople, images: Tensor, poses: Pose) -> list[Tensor]:
    """Return the frames of the animation: photo, target pose and generated photo of each walker side by side."""
    strips = []
    for i, identity in enumerate(IDENTITIES[: len(images)]):
        steps = people.walk(identity, FRAMES, view=SOURCES[1][1] + i, background=identity).pose.inside(people.size)
        made = predictor.render(predictor.encode(images[i : i + 1], poses[i : i + 1]), steps).cpu()
        photo = to_bytes(images[i : i + 1]).expand(FRAMES, -1, -1, -1)
        strips.append(torch.stack([photo, draw_poses(steps, people.size), to_bytes(made)], 1))  # (T, 3, 3, H, W)
    cells = torch.cat(strips, 1)
    return [tile(frame, len(frame)) for frame in cells]
