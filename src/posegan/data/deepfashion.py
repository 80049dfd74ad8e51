"""`DeepFashionPoseDataset`: where things lie in a DeepFashion In-shop folder, and the 256x176 crop.

The work is done by assemble.py and dataset.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from posegan.data.assemble import (
    PhotoStore,
    Split,
    annotated_photos,
    check_split,
    choose_pairs,
    first_existing,
    keep_inside,
)
from posegan.data.dataset import PosePairDataset
from posegan.data.photos import MEMORY, in_memory
from posegan.data.report import DataReport
from posegan.errors import UserError
from posegan.people import deepfashion_identity
from posegan.pose import Size

FULL: Size = (256, 256)
CROPPED: Size = (256, 176)
LEFT = 40  # first of the 176 columns that PATN and APS keep

PLAIN = ("fashion", "fasion")  # Deformable GAN spells it without the h
RESIZED = ("fashion-resize", "fasion-resize")  # keypoints already shifted into the 256x176 frame


@dataclass(frozen=True)
class CropColumns:
    """Cuts the middle columns out of 256x256 photos; photos that are 256x176 already pass."""

    def __call__(self, index: int, photo: Tensor) -> Tensor:
        """Return (3, 256, 176) of (3, 256, 256); any other photo unchanged."""
        return photo[:, :, LEFT : LEFT + CROPPED[1]] if photo.shape[-2:] == FULL else photo


class DeepFashionPoseDataset(PosePairDataset):
    """Pairs of DeepFashion In-shop photos with the keypoints of Deformable GAN, PATN or APS.

    root: holds `train` and `test` folders (or `img`) of flattened names, `fashion-annotation-<train|test>.csv` and
    `fashion-pairs-test.csv`; also under the names `fasion-*`, `fashion-resize-*` and `fasion-resize-*`. A pack
    `train.pack` or `test.pack` is used before a folder.
    size: (256, 256), or (256, 176): columns 40..215, joints shifted, those cut off not visible.
    split, pairs, pack, maps, memory, check: as in `MarketPoseDataset`; a pair is one person in one garment.
    Raises UserError naming what is missing or malformed.
    """

    def __init__(
        self,
        root: str | Path,
        size: Size = FULL,
        split: Split = "train",
        pairs: str | Path | None = None,
        maps: bool = True,
        pack: str | Path | None = None,
        memory: int = MEMORY,
        check: bool = False,
    ) -> None:
        check_split(split)
        size = (size[0], size[1])
        if size not in (FULL, CROPPED):
            raise UserError(
                f"DeepFashion has photos of 256x256 and 256x176 (height x width), not {size[0]}x{size[1]}: give "
                "weights, or a model.size, of one of these."
            )
        part, root, report = "test" if split == "test" else "train", Path(root), DataReport()
        folders = (part, f"fashion_resize/{part}", f"fashion/{part}", f"fasion/{part}", "img")
        store = PhotoStore.find(root, folders, pack, f"{part}.pack")
        spellings = PLAIN if size == FULL else RESIZED + PLAIN
        remedy = "download the keypoints published with Deformable GAN or PATN, or make them with `posegan prepare`."
        csvs = [f"{spelling}-annotation-{part}.csv" for spelling in spellings]
        annotations = first_existing(root, csvs, "Keypoints", remedy)
        if split == "test" and pairs is None:
            lists = [f"{spelling}-pairs-test.csv" for spelling in RESIZED + PLAIN]
            pairs = first_existing(root, lists, "Test pairs", "download them, or pass `pairs`.")
        names, poses = annotated_photos(annotations, store, report)
        if size == CROPPED and not annotations.name.startswith(RESIZED):
            poses = poses.crop(LEFT, 0)
        poses = keep_inside(poses, names, size, report)
        chosen = choose_pairs(names, poses, deepfashion_identity, split, pairs, report)
        fit = CropColumns() if size == CROPPED else None
        super().__init__(in_memory(store.open(names, size, fit), memory), poses, chosen, maps=maps, report=report)
        if check:
            self.verify()
