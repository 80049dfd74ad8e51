"""`MarketPoseDataset`: where things lie in a Market-1501 folder. The work is done by assemble.py and dataset.py."""

from __future__ import annotations

from pathlib import Path

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
from posegan.people import market_identity


class MarketPoseDataset(PosePairDataset):
    """Pairs of Market-1501 photos, 128x64, with keypoints from the annotation CSVs of the released Deformable GAN code.

    root: holds `bounding_box_train` and `bounding_box_test` (or `train` and `test`), `market-annotation-train.csv`,
    `market-annotation-test.csv` and `market-pairs-test.csv`; packs `train.pack` and `test.pack` go before the folders.
    split: "train+validation" is all 741 people with a pair (263,632 pairs); "validation" is 2,000 fixed pairs of 50 of
    them and "train" the other 691 people; "test" is the published list.
    pairs: a CSV to use instead of the split's own pairs. pack: a pack to use instead of the folder.
    maps: whether items carry heatmaps. memory: bytes of decoded photos to keep in RAM. check: decode all photos first.
    Raises UserError naming what is missing or malformed.
    """

    def __init__(
        self,
        root: str | Path,
        split: Split = "train",
        pairs: str | Path | None = None,
        maps: bool = True,
        pack: str | Path | None = None,
        memory: int = MEMORY,
        check: bool = False,
    ) -> None:
        check_split(split)
        part, root, size, report = "test" if split == "test" else "train", Path(root), (128, 64), DataReport()
        store = PhotoStore.find(root, (f"bounding_box_{part}", part), pack, f"{part}.pack")
        remedy = "download the keypoints published with Deformable GAN or PATN."
        annotations = first_existing(root, (f"market-annotation-{part}.csv",), "Keypoints", remedy)
        if split == "test" and pairs is None:
            pairs = first_existing(root, ("market-pairs-test.csv",), "Test pairs", "download them, or pass `pairs`.")
        names, poses = annotated_photos(annotations, store, report)
        poses = keep_inside(poses, names, size, report)
        chosen = choose_pairs(names, poses, market_identity, split, pairs, report)
        super().__init__(in_memory(store.open(names, size), memory), poses, chosen, maps=maps, report=report)
        if check:
            self.verify()
