"""`PhotoFolderDataset`: anybody's photos, of any size, as pairs of one size. It detects no keypoints.

Each photo is cut around its person: the box of the visible joints, grown by a margin for crown, hands and feet and to
the aspect of the wanted size, moved into the photo where it fits. Where it does not, the rest is filled with the
median colour of the photo's edge.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from posegan.data.assemble import (
    PhotoStore,
    Split,
    annotated_photos,
    check_split,
    choose_pairs,
    count_lost_joints,
    first_existing,
)
from posegan.data.dataset import PosePairDataset
from posegan.data.photos import MEMORY, in_memory
from posegan.data.report import DataReport
from posegan.errors import UserError
from posegan.people import folder_identity
from posegan.pose import Pose, Size

MARGIN = 0.3  # of the torso's length, on each side: the crown is about that far above the eyes
MOSTLY_OUTSIDE = 4  # times the photo's pixels: of somebody who lies, or a panorama


@dataclass(frozen=True)
class PersonCrop:
    """Cuts box i out of photo i and resizes it.

    boxes: (N, 4) int64, (left, top, width, height) in pixels of the photo; may reach beyond it. size: (H, W) to make.
    """

    boxes: Tensor
    size: Size

    def __call__(self, index: int, photo: Tensor) -> Tensor:
        """Return (3, H, W) uint8 of a photo (3, h, w) uint8."""
        left, top, width, height = self.boxes[index].tolist()
        x, y = max(left, 0), max(top, 0)
        inner = photo[:, y : max(top + height, y), x : max(left + width, x)]
        edge = torch.cat([photo[:, 0], photo[:, -1], photo[:, :, 0], photo[:, :, -1]], 1)
        fill = edge.median(1).values[:, None, None]
        if height * width > MOSTLY_OUTSIDE * photo.shape[1] * photo.shape[2]:
            rows = resize_weights(height, self.size[0])[:, y - top : y - top + inner.shape[1]]
            columns = resize_weights(width, self.size[1])[:, x - left : x - left + inner.shape[2]]
            made = fill + rows @ ((inner - fill.float()) @ columns.T)
        else:
            cut = fill.repeat(1, height, width)
            cut[:, y - top : y - top + inner.shape[1], x - left : x - left + inner.shape[2]] = inner
            made = functional.interpolate(cut.float()[None], self.size, mode="bilinear", antialias=True)[0]
        return made.round_().clamp_(0, 255).to(torch.uint8)

    def poses(self, poses: Pose) -> Pose:
        """Return the poses (N,) of the photos in the frames that they are cut to."""
        corner, extent = self.boxes[:, None, :2], self.boxes[:, None, 2:]
        scale = torch.tensor([self.size[1], self.size[0]]) / extent
        return Pose((poses.xy - corner + 0.5) * scale - 0.5, poses.visible)


def resize_weights(length: int, made: int) -> Tensor:
    """Return what each of `length` pixels gives to each of `made` under antialiased bilinear resizing: (made, length).

    For boxes that lie mostly outside their photo, of which only the part inside is then ever held in memory.
    """
    scale = length / made
    centres = (torch.arange(made)[:, None] + 0.5) * scale
    weights = (1 - (torch.arange(length) + 0.5 - centres).abs() / max(scale, 1.0)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def person_boxes(poses: Pose, frames: Tensor, size: Size) -> Tensor:
    """Return the boxes (N, 4) to cut people out with; frames: (N, 2) int, (width, height) of each photo."""
    seen = poses.visible[..., None]
    low = torch.where(seen, poses.xy, torch.inf).amin(1)
    high = torch.where(seen, poses.xy, -torch.inf).amax(1)
    some = poses.visible.any(1, keepdim=True)
    low, high = torch.where(some, low, 0.0), torch.where(some, high, frames - 1.0)  # nobody seen: the whole photo
    torso = (poses.xy[:, [2, 5]].mean(1) - poses.xy[:, [8, 11]].mean(1)).square().sum(1).sqrt() * poses.valid
    margin = MARGIN * torch.maximum(torso, 0.3 * (high - low).amax(1))[:, None]
    extent = torch.where(some, high - low + 1 + 2 * margin, frames.float())
    height = torch.maximum(extent[:, 1], extent[:, 0] * (size[0] / size[1]))
    extent = torch.stack([height * (size[1] / size[0]), height], 1).round().clamp(min=1)
    corner = ((low + high + 1 - extent) / 2).round()
    fits = extent <= frames
    corner = torch.where(fits, corner.clamp(min=0).minimum(frames - extent), corner)
    return torch.cat([corner, extent], 1).long()


class PhotoFolderDataset(PosePairDataset):
    """Pairs of photos from `root/<person>/<image>` with keypoints in `root/annotations.csv`, all cut to one size.

    root: the folder of the people's folders, all below which is that person's; a pack `photos.pack` in it is used
    before the photos.
    size: (H, W) of the images made. annotations: another keypoint CSV, rows `<person>/<image>: [18 y]: [18 x]`.
    split: "train", "validation" (a tenth of the people, at most 50) or "train+validation".
    pairs, pack, maps, memory, check: as in `MarketPoseDataset`.
    Raises UserError naming what is missing or malformed.
    """

    def __init__(
        self,
        root: str | Path,
        size: Size = (128, 64),
        split: Split = "train+validation",
        pairs: str | Path | None = None,
        maps: bool = True,
        pack: str | Path | None = None,
        memory: int = MEMORY,
        check: bool = False,
        annotations: str | Path | None = None,
    ) -> None:
        check_split(split)
        if split == "test" and pairs is None:
            raise UserError("A folder of photos has no test split: give a list of pairs, or the split 'validation'.")
        root, report = Path(root), DataReport()
        store = PhotoStore.find(root, (".",), pack, "photos.pack")
        if annotations is None:
            detect = f"posegan detect --images {root} --out {root / 'annotations.csv'}"
            remedy = f"make a data set with keypoints with `posegan prepare {root}`, or find them with `{detect}`."
            annotations = first_existing(root, ("annotations.csv",), "Keypoints", remedy)
        names, poses = annotated_photos(Path(annotations), store, report)
        names, poses, frames = _measured(names, poses, store, report)
        fit = PersonCrop(person_boxes(poses, frames, size), size)
        poses = fit.poses(poses)
        _tell_if_nested(root, names)
        chosen = choose_pairs(names, poses, folder_identity, split, pairs, report)
        super().__init__(in_memory(store.open(names, size, fit), memory), poses, chosen, maps=maps, report=report)
        if check:
            self.verify()


def _tell_if_nested(root: Path, names: Sequence[str]) -> None:
    """Say so if all photos are in folders of one folder, which is then taken for one person."""
    persons = {folder_identity(name) for name in names}
    below = {name.split("/")[1] for name in names if name.count("/") > 1}
    if len(persons) == 1 and len(below) > 1:
        _tell_one_person(root, str(*persons))


@functools.cache
def _tell_one_person(root: Path, person: str) -> None:
    sys.stderr.write(
        f"All photos of {root} are in the folder {person!r} and so of one person; if it has a folder for each person, "
        f"put the annotations into {root / person}, with names from there.\n"
    )


def _measured(
    names: Sequence[str], poses: Pose, store: PhotoStore, report: DataReport
) -> tuple[list[str], Pose, Tensor]:
    """Return names, poses and (width, height) of the photos whose size can be read; joints outside are not visible."""
    sizes = store.sizes(names, report)
    rows = [i for i, size in enumerate(sizes) if size is not None]
    frames = torch.tensor([size[::-1] for size in sizes if size is not None]).view(-1, 2)
    kept, poses = [names[i] for i in rows], poses[torch.tensor(rows, dtype=torch.int64)]
    within = ((poses.xy > -0.5) & (poses.xy < frames[:, None] - 0.5)).all(-1)
    inside = Pose(poses.xy, poses.visible & within)
    count_lost_joints(poses, inside, kept, report)
    return kept, inside, frames
