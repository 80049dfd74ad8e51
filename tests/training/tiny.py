"""A data set in Market-1501's layout small enough to train on in a second, and recipes that do."""

import random
from pathlib import Path

from PIL import Image, ImageDraw

JOINTS_Y = (14, 28, 28, 44, 58, 28, 44, 58, 64, 90, 116, 64, 90, 116, 12, 12, 13, 13)
JOINTS_X = (32, 32, 22, 18, 16, 42, 46, 48, 26, 26, 26, 38, 38, 38, 29, 35, 26, 38)


def make_market(root: Path, people: int = 12, photos: int = 3) -> Path:
    """Write photos of coloured stick people, 128x64, with a fitting annotation CSV; returns the folder."""
    draw = random.Random(0)
    rows = ["name:keypoints_y:keypoints_x"]
    folder = root / "bounding_box_train"
    folder.mkdir(parents=True)
    for person in range(1, people + 1):
        colour = tuple(draw.randrange(256) for _ in range(3))
        for number in range(photos):
            name = f"{person:04d}_c{number + 1}s1_{number:06d}_01.jpg"
            dx, dy = draw.randrange(-8, 9), draw.randrange(-6, 7)
            xs, ys = [x + dx for x in JOINTS_X], [y + dy for y in JOINTS_Y]
            image = Image.new("RGB", (64, 128), (90, 110, 120))
            pen = ImageDraw.Draw(image)
            for a, b in (
                (0, 1),
                (1, 8),
                (1, 11),
                (8, 9),
                (9, 10),
                (11, 12),
                (12, 13),
                (2, 3),
                (3, 4),
                (5, 6),
                (6, 7),
                (2, 5),
            ):
                pen.line((xs[a], ys[a], xs[b], ys[b]), fill=colour, width=9)
            image.save(folder / name, quality=90)
            rows.append(f"{name}: {ys}: {xs}")
    (root / "market-annotation-train.csv").write_text("\n".join(rows) + "\n")
    return root


def write_recipe(path: Path, root: Path, out: Path, *, model: str = "posegan", **training: object) -> Path:
    """Write a recipe of the smallest widths; `training` overrides its training section."""
    section: dict[str, object] = {
        "out": str(out),
        "steps": 8,
        "batch_size": 2,
        "log_every": 1,
        "save_every": 3,
        "sample_every": 0,
        "validate_every": 0,
        "threads": 1,
        "accelerator": "cpu",
    }
    section |= training
    widths = {"posegan": "width: 4\n  discriminator_width: 4", "deformable": "width: 4"}[model]
    lines = "\n".join(
        f"  {key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in section.items()
    )
    path.write_text(
        f"model:\n  name: {model}\n  {widths}\n  features: none\n"
        f"data:\n  name: market\n  root: {root}\n  split: train+validation\n"
        f"training:\n{lines}\n"
    )
    return path
