"""How good detectors are, side by side in one run: how near to the annotations of Market-1501, on how many photos with
one person in a wide scene they find them, and on how many without anybody they see somebody.

    python recipes/detector/evaluate.py --market ../shared/data/market1501 --movenet ../shared/weights/movenet_*.tflite

The split is that of the validation people, by which settings are chosen; `--split test` is for reporting. Photos
without people are those that come with scikit-image and scikit-learn, cut at random.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from pictures import VALIDATION_SEED, Examples, market_examples
from torch import Tensor

from posegan.data import MarketPoseDataset
from posegan.data.synthetic import SyntheticPeople
from posegan.detect import Builtin, Detector, MoveNet
from posegan.files import write_text
from posegan.images import read_photo
from posegan.pose import Pose

EMPTY = (
    "brick", "chelsea", "clock_motion", "coffee", "coins", "grass", "gravel", "hubble_deep_field", "ihc", "moon",
    "motorcycle_left", "page", "retina", "rocket", "text", "china", "flower",
)  # fmt: skip
SCENE = (192, 256)  # (H, W) of the synthetic scenes, which a person fills to two thirds or more
CLOSE = 5.0  # pixels of a photo of 128x64


@dataclass(frozen=True)
class Looked:
    """What a detector made of N photos. xy: (N, 18, 2). seen: (N, 18). score: (N,), 0 where it saw nobody."""

    xy: Tensor
    seen: Tensor
    score: Tensor
    seconds: float


def look(detector: Detector, photos: list[Tensor]) -> Looked:
    """Return the surest person of every photo (3, h, w) uint8, and the processor's seconds for each photo."""
    xy, seen, score = torch.zeros(len(photos), 18, 2), torch.zeros(len(photos), 18), torch.zeros(len(photos))
    start = time.process_time()
    for i, photo in enumerate(photos):
        people = detector(photo)
        if len(people):
            best = int(people.score.argmax())
            xy[i], seen[i], score[i] = people.pose.xy[best], people.confidence[best], people.score[best]
    return Looked(xy, seen, score, (time.process_time() - start) / len(photos))


def near(looked: Looked, pose: Pose, threshold: float, unit: float = 1.0) -> dict[str, float]:
    """Return how near the joints come to a pose (N,), over its visible joints; unit: pixels of the photo for one."""
    error = ((looked.xy - pose.xy).norm(dim=-1) / unit)[pose.visible]
    seen = looked.seen >= threshold
    return {
        "median_px": round(float(error.median()), 3),
        "mean_px": round(float(error.mean()), 3),
        "within_5_px": round(float((error <= CLOSE).float().mean()), 4),
        "annotated_joints_seen": round(float(seen[pose.visible].float().mean()), 4),
        "seen_joints_annotated": round(float(pose.visible[seen].float().mean()), 4),
        "seconds_a_photo": round(looked.seconds, 4),
    }


def spread(looked: Looked) -> list[float]:
    """Return the scores that are exceeded by 99, 95, 50, 5 and 1 % of the photos."""
    shares = torch.tensor([0.01, 0.05, 0.5, 0.95, 0.99])
    return [round(value, 3) for value in looked.score.quantile(shares).tolist()]


def test_examples(root: Path) -> Examples:
    """Return the photos of the test pairs that have a joint."""
    data = MarketPoseDataset(root, "test", maps=False)
    index = data.pairs.unique().long()
    index = index[data.poses[index].visible.any(1)]
    return Examples(data.photos.read(index), data.poses[index])


def some(examples: Examples, count: int) -> Examples:
    """Return `count` of the examples, drawn at random, always the same."""
    rows = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))[:count]
    return Examples(examples.photos[rows], examples.pose[rows])


def empty_photos(count: int) -> list[Tensor]:
    """Return `count` cuts of photos without people."""
    import skimage.data
    import sklearn.datasets

    folders = [Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images"]
    files = [file for folder in folders for file in sorted(folder.iterdir()) if file.stem in EMPTY]
    generator, cuts = torch.Generator().manual_seed(0), []
    for i in range(count):
        photo = read_photo(files[i % len(files)])
        share = torch.rand(4, generator=generator)
        tall = int(photo.shape[-2] * (0.3 + 0.7 * share[0]))
        wide = min(photo.shape[-1], int(tall * (0.4 + share[1])))
        top, left = int((photo.shape[-2] - tall) * share[2]), int((photo.shape[-1] - wide) * share[3])
        cuts.append(photo[:, top : top + tall, left : left + wide])
    return cuts


def main() -> None:
    """Look with every detector, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--market", type=Path, required=True)
    parser.add_argument("--movenet", type=Path)
    parser.add_argument("--weights", nargs="*", default=["detector-market-research", "detector-synthetic"])
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--photos", type=int, default=1000, help="of Market-1501")
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    real = market_examples(chosen.market)[1] if chosen.split == "validation" else test_examples(chosen.market)
    real = some(real, chosen.photos)
    seed = VALIDATION_SEED + (chosen.split == "test")
    scenes = SyntheticPeople(chosen.scenes, SCENE, 1, seed).sample(range(chosen.scenes))
    rows = scenes.pose.xy[..., 1]
    tall = rows.masked_fill(~scenes.pose.visible, -1).amax(1) - rows.masked_fill(~scenes.pose.visible, 999).amin(1)
    empty = empty_photos(chosen.scenes)
    detectors: dict[str, tuple[Detector, float, float]] = {}  # each shown raw, with its threshold and least score
    if chosen.movenet:
        detectors["movenet"] = MoveNet(chosen.movenet, 0.0), MoveNet(chosen.movenet).threshold, 0.0
    for weights in chosen.weights:
        usual = Builtin(weights)
        name = Path(weights).parent.name if Path(weights).stem == "weights" else Path(weights).stem
        detectors[name] = Builtin(weights, 0.0, 0.0), usual.threshold, usual.least
    table: dict[str, object] = {"split": chosen.split, "photos": len(real), "scenes": chosen.scenes}
    for name, (detector, threshold, least) in detectors.items():
        crops, wide, nobody = (look(detector, list(found)) for found in (real.photos, scenes.image, empty))
        one = float(tall.median()) / 105  # the extent of the joints of people in Market-1501
        table[name] = {
            "market": near(crops, real.pose, threshold),
            "market_found": round(float((crops.score >= least).float().mean()), 4),
            "scenes": near(wide, scenes.pose, threshold, one),
            "scenes_found": round(float((wide.score >= least).float().mean()), 4),
            "empty_found": round(float((nobody.score >= least).float().mean()), 4),
            "scores": {"market": spread(crops), "scenes": spread(wide), "empty": spread(nobody)},
        }
        print(name, json.dumps(table[name], indent=1), flush=True)
    if chosen.out:
        write_text(chosen.out, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
