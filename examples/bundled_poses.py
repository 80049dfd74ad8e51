"""Makes the poses that come with posegan (src/posegan/assets/poses.json) from synthetic people.

Run it from the repository root: python examples/bundled_poses.py [OUT]
The seeds were chosen by eye among a thousand; "left" and "right" say which way the person looks in the picture.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from posegan import Pose, SyntheticPeople
from posegan.files import write_text

SIZE = (128, 64)
IDENTITY = 3
SEEDS = {  # name: (pose seed, view seed)
    "front": (12835, 8528),
    "back": (39490, 58484),
    "left": (41110, 98013),
    "right": (97540, 54309),
    "three-quarter": (97841, 9963),
    "walking": (18503, 88812),
    "running": (31663, 51980),
    "sitting": (38119, 63122),
    "arms-up": (69349, 47707),
    "waving": (30916, 91326),
    "reaching": (59096, 1899),
    "hands-on-hips": (31086, 40654),
    "dancing": (41860, 82862),
}


def make_poses() -> Pose:
    """Return the poses in the order of SEEDS, in pixels of a SIZE frame."""
    pose, view = torch.tensor(list(SEEDS.values())).T
    identity = torch.full_like(pose, IDENTITY)
    return SyntheticPeople(1, SIZE).render(identity, pose, view, torch.zeros_like(pose)).pose.inside(SIZE)


def main(out: Path) -> None:
    """Write one line a pose: 18 joints [x, y, visible]."""
    poses = make_poses()
    lines = []
    for name, xy, visible in zip(SEEDS, poses.xy.tolist(), poses.visible.tolist(), strict=True):
        joints = [[round(x, 1), round(y, 1), int(seen)] for (x, y), seen in zip(xy, visible, strict=True)]
        lines.append(f"  {json.dumps(name)}: {json.dumps(joints)}")
    body = ",\n".join(lines)
    write_text(out, f'{{"size": {list(SIZE)}, "skeleton": "coco18", "poses": {{\n{body}\n}}}}\n')


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/posegan/assets/poses.json"))
