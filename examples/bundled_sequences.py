"""Makes the pose sequences that come with posegan (src/posegan/assets/sequences.json) from a synthetic walker.

Run it from the repository root: python examples/bundled_sequences.py [OUT]
The walker was chosen by eye among sixty: both arms swing. "left" and "right" say which way the person walks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from posegan import SyntheticPeople
from posegan.files import write_text

SIZE = (128, 64)
WALKER, FRAMES, SECONDS = 4, 16, 1.1  # of one walk cycle
VIEWS = {"walk-front": 8528, "walk-left": 98013, "walk-right": 54309, "walk-away": 58484}  # name: view seed


def main(out: Path) -> None:
    """Write one line a frame: 18 joints [x, y, visible]."""
    people, parts = SyntheticPeople(1, SIZE), []
    for name, view in VIEWS.items():
        pose = people.walk(WALKER, FRAMES, view=view, background=0).pose.inside(SIZE)
        frames = [
            json.dumps([[round(x, 1), round(y, 1), int(seen)] for (x, y), seen in zip(xy, visible, strict=True)])
            for xy, visible in zip(pose.xy.tolist(), pose.visible.tolist(), strict=True)
        ]
        body = ",\n    ".join(frames)
        parts.append(f'  {json.dumps(name)}: {{"seconds": {SECONDS}, "frames": [\n    {body}\n  ]}}')
    stored = ",\n".join(parts)
    write_text(out, f'{{"size": {list(SIZE)}, "skeleton": "coco18", "sequences": {{\n{stored}\n}}}}\n')


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/posegan/assets/sequences.json"))
