"""Small data sets in the layouts that the data sets expect: noise for photos, one pose moved about."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

JOINTS_Y = [14, 28, 28, 44, 58, 28, 44, 58, 64, 90, 116, 64, 90, 116, 12, 12, 13, 13]
JOINTS_X = [32, 32, 22, 18, 16, 42, 46, 48, 26, 26, 26, 38, 38, 38, 29, 35, 26, 38]
HEADER = "name:keypoints_y:keypoints_x"


def market_names(people: int = 3, photos: int = 3) -> list[str]:
    return [f"{p:04d}_c{c}s1_{c:06d}_01.jpg" for p in range(1, people + 1) for c in range(1, photos + 1)]


def write_photo(path: Path, size: tuple[int, int] = (128, 64), seed: int = 0) -> None:
    """Write smooth noise of that (H, W) in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC).save(path)


def row(name: str, dx: int = 0, missing: Sequence[int] = ()) -> str:
    ys = [-1 if j in missing else y for j, y in enumerate(JOINTS_Y)]
    xs = [-1 if j in missing else x + dx for j, x in enumerate(JOINTS_X)]
    return f"{name}: {ys}: {xs}"


def make_market(root: Path, people: int = 3, photos: int = 3, part: str = "train") -> Path:
    names = market_names(people, photos)
    for seed, name in enumerate(names):
        write_photo(root / f"bounding_box_{part}" / name, seed=seed)
    rows = [row(name, dx=i % 5 - 2) for i, name in enumerate(names)]
    (root / f"market-annotation-{part}.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return root
