"""What retargeting brings on real people, and how much animations flicker. Needs the photos of ../shared.

Run from the repository root: python benchmarks/poses_of_others.py [MARKET_FOLDER]
Retargeting: of Market-1501's training people with six whole photos or more, a photo's person takes the pose of another
person's photo; the reference is what the other photos of both show. A figure is the mean absolute error of the
logarithm of a limb's share of the height, before and after. Flicker: test photos whose person faces the camera walk
for one cycle, medians over photos; synthetic people, drawn walking, are the reference.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import torch

from posegan import Predictor, SyntheticPeople, load_annotations
from posegan.files import write_text
from posegan.hardware import processor_name
from posegan.inference.animate import animate
from posegan.inference.demo import IDENTITIES
from posegan.inference.sequence_files import find_sequence, walk_for
from posegan.metrics.flicker import flicker
from posegan.people import market_identity
from posegan.pose import Pose
from posegan.pose.retarget import UPRIGHT, _seen_lengths, estimate_build
from posegan.pose.smooth import smooth

LIMBS = ("torso", "head", "upper arm", "forearm", "thigh", "shin")
PHOTOS, DONORS, LEAST = 12, 4, 6


def retargeting(root: Path) -> dict[str, dict[str, float]]:
    rows = load_annotations(root / "market-annotation-train.csv")
    whole = {n: p for n, p in rows.items() if market_identity(n) and bool(p.visible[:14].all())}
    people = defaultdict(list)
    for i, name in enumerate(whole):
        people[market_identity(name)].append(i)
    people = {person: photos for person, photos in people.items() if len(photos) >= LEAST}
    poses = Pose.stack(list(whole.values()))

    def shares(lengths: torch.Tensor) -> torch.Tensor:
        return (lengths / lengths[:, UPRIGHT].sum(1, keepdim=True)).log()

    seen, estimated = shares(_seen_lengths(poses)[0]), shares(estimate_build(poses).lengths)
    generator, names = torch.Generator().manual_seed(0), list(people)
    before, after = [], []
    for person in names:
        for i in people[person][:DONORS]:
            other = names[int(torch.randint(len(names), (1,), generator=generator))]
            if other == person:
                continue
            j = people[other][int(torch.randint(len(people[other]), (1,), generator=generator))]
            rest = [seen[[k for k in people[p] if k != used]].mean(0) for p, used in ((person, i), (other, j))]
            before.append((rest[0] - rest[1]).abs())
            after.append((rest[0] - rest[1] - estimated[i] + estimated[j]).abs())
    errors = [torch.stack(part).mean(0).tolist() for part in (before, after)]
    figures = {limb: {"before": round(b, 4), "after": round(a, 4)} for limb, b, a in zip(LIMBS, *errors, strict=True)}
    return {"people": {"count": len(names)}, **figures}


def flickering(root: Path, weights: str) -> dict[str, dict[str, float]]:
    predictor = Predictor.load(weights, "cpu")
    rows = load_annotations(root / "market-annotation-test.csv")
    facing = [n for n, p in rows.items() if bool(p.visible.all()) and walk_for(p) == "walk-front"]
    facing = [n for n in facing if (root / "bounding_box_test" / n).is_file()]
    chosen = facing[:: len(facing) // PHOTOS][:PHOTOS]
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    noise = torch.Generator().manual_seed(0)
    for name in chosen:
        source, pose = predictor.prepare(root / "bounding_box_test" / name, rows[name])
        walk = find_sequence("walk-front", pose).sequence
        for kind in ("generated", "steady", "photo"):
            made = animate(predictor, source, pose, walk, smoothing=False, background=kind)
            found[f"background {kind}"].append(made.flicker or (0, 0))
        jitter = Pose(walk.poses.xy + torch.randn(walk.poses.xy.shape, generator=noise), walk.poses.visible)
        shaky = type(walk)(jitter, walk.size, walk.seconds)
        for smoothing in (False, True):
            made = animate(predictor, source, pose, shaky, smoothing=smoothing)
            found[f"joints off by 1 px, {'smoothed' if smoothing else 'as they are'}"].append(made.flicker or (0, 0))
    for identity in IDENTITIES:
        drawn = SyntheticPeople(1, (128, 64)).walk(identity, 16, view=8528, background=identity)
        found["drawn synthetic people"].append(flicker(drawn.image, drawn.pose))
    return {
        kind: {side: round(float(torch.tensor(values)[:, i].median()), 2) for i, side in enumerate(("beside", "on"))}
        for kind, values in found.items()
    }


def smoothing() -> dict[str, float]:
    walk = SyntheticPeople(1, (128, 64)).walk(4, 32, view=8528, background=0).pose
    noisy = Pose(walk.xy + torch.randn(walk.xy.shape, generator=torch.Generator().manual_seed(0)), walk.visible)
    errors = [(p.xy - walk.xy)[walk.visible].norm(dim=-1).mean() for p in (noisy, smooth(noisy, 29))]
    return {"pixels off": round(float(errors[0]), 2), "pixels off, smoothed": round(float(errors[1]), 2)}


def main(root: Path) -> None:
    torch.set_num_threads(1)
    weights = "posegan-market-research"
    result = {
        "date": str(date.today()),
        "machine": f"{processor_name()}, one thread",
        "weights": weights,
        "retargeting, mean absolute error of log shares": retargeting(root),
        "flicker, levels of 0 to 255": flickering(root, weights),
        "one-euro filter on a walk with noise of 1 px": smoothing(),
    }
    print(json.dumps(result, indent=2))
    write_text(Path("benchmarks/results/poses_of_others.json"), json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/market1501"))
