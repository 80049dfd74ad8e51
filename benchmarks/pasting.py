"""Measures what a pasted person gains from the photo itself: pairs of photos with the target at hand, both ways.

    python benchmarks/pasting.py --features-dir ../shared/weights [--deepfashion ../shared/data/deepfashion_sample]

Writes results/pasting.json; three minutes on one thread. `--picture FILE` draws docs/images/paste.png instead.
"generated" is `paste_person(carry=False)`, "carried" the default. Synthetic people, 384x192 pixels, a person's two
pictures before one background, by `posegan-synthetic`: "other stance" from the same side, "any view" from any.
DeepFashion: the 96 pairs of the sample, 256x256, by `posegan-market-research`, which saw neither these people
nor such photos.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.batch import Batch
from posegan.data import DeepFashionPoseDataset, SyntheticPeople
from posegan.evaluation.scorers.lpips_squeeze import LpipsSqueezeCaffe
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.hardware import processor_name
from posegan.images import to_bytes, to_signed, write_png
from posegan.inference import Predictor
from posegan.inference.paste import paste_person
from posegan.metrics.pixels import l1
from posegan.metrics.similarity import ssim
from posegan.pose import Pose

RESULT = Path(__file__).parent / "results" / "pasting.json"
Pair = tuple[Tensor, Tensor, Pose, Pose]  # photos (3, H, W) uint8 of source and target, and their poses


def synthetic(same_view: bool, people: int) -> Iterator[Pair]:
    world = SyntheticPeople(people, (384, 192), poses_per_identity=4, seed=77, one_background=True)
    for person in range(people):
        identity, pose, view, background = world.seeds([4 * person, 4 * person + 1])
        sample = world.render(identity, pose, view[:1].expand(2) if same_view else view, background)
        photos = to_bytes(to_signed(sample.image))
        yield photos[0], photos[1], sample.pose[0], sample.pose[1]


def deepfashion(root: Path) -> Iterator[Pair]:
    data = DeepFashionPoseDataset(root, split="test", maps=False)
    for index in range(len(data)):
        batch = data.batch(torch.tensor([index]))
        yield (
            to_bytes(batch.source_image)[0],
            to_bytes(batch.target_image)[0],
            batch.source_pose[0],
            batch.target_pose[0],
        )


def turned(pose: Pose, pivot: int, joints: list[int], degrees: float) -> Pose:
    """Return the pose with joints turned around another one, clockwise in the picture."""
    angle = math.radians(degrees)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    xy = pose.xy.clone()
    xy[joints] = (xy[joints] - xy[pivot]) @ turn.T + xy[pivot]
    return Pose(xy, pose.visible)


def picture(predictor: Predictor) -> Tensor:
    """Return a sheet (3, H, W): two people, and each in two edited poses, generated alone and carried."""
    world = SyntheticPeople(40, (480, 360), seed=5)
    rows = []
    for person in (6, 22):
        sample = world.render(*world.seeds([8 * person]))
        photo, pose = to_bytes(to_signed(sample.image[0])), sample.pose[0]
        waving = turned(turned(pose, 5, [6, 7], -70), 2, [3, 4], 50)
        striding = turned(turned(turned(pose, 11, [12, 13], -25), 8, [9, 10], 15), 1, [0, 14, 15, 16, 17], 10)
        made = [paste_person(predictor, photo, pose, p, carry=c) for p in (waving, striding) for c in (False, True)]
        rows.append(torch.cat([photo, *made], -1))
    sheet = F.interpolate(torch.cat(rows, -2)[None].float(), scale_factor=0.5, mode="area")[0]
    return sheet.round().to(torch.uint8)


def measure(predictor: Predictor, pairs: Iterator[Pair], perceptual: LpipsSqueezeCaffe) -> dict[str, object]:
    """Return means over pairs, for both ways."""
    found: dict[str, list[dict[str, float]]] = {"generated": [], "carried": []}
    for source, target, pose, wanted in pairs:
        batch = Batch(*(to_signed(photo)[None] for photo in (source, target)), Pose.stack([pose]), Pose.stack([wanted]))
        for way, scores in found.items():
            start = time.perf_counter()
            made = paste_person(predictor, source, pose, wanted, carry=way == "carried")
            seconds = time.perf_counter() - start
            scores.append(
                {
                    "lpips_squeeze_caffe": float(
                        perceptual.add(way, made[None], batch, torch.empty(0), 0)["lpips_squeeze_caffe"]
                    ),
                    "ssim_standard": float(ssim(made[None], target[None], "standard")),
                    "l1": float(l1(made[None], target[None])),
                    "seconds": seconds,
                }
            )
    means = {way: {key: statistics.fmean(row[key] for row in rows) for key in rows[0]} for way, rows in found.items()}
    rounded = {way: {key: round(value, 4) for key, value in row.items()} for way, row in means.items()}
    return {"pairs": len(found["carried"])} | rounded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features-dir", type=Path, help="folder of the metric networks' files")
    parser.add_argument("--deepfashion", type=Path, help="folder of DeepFashion photos with keypoints and test pairs")
    parser.add_argument("--people", type=int, default=64, help="synthetic people (default: %(default)s)")
    parser.add_argument("--picture", type=Path, help="draw the sheet of the docs into this PNG, measure nothing")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    drawn = Predictor.load("posegan-synthetic", "cpu")
    if chosen.picture:
        write_png(chosen.picture, picture(drawn), None)
        return
    perceptual = LpipsSqueezeCaffe.load(WeightFolder(chosen.features_dir), 0, torch.device("cpu"))
    rows = {
        "synthetic people, other stance": measure(drawn, synthetic(True, chosen.people), perceptual),
        "synthetic people, any view": measure(drawn, synthetic(False, chosen.people), perceptual),
    }
    if chosen.deepfashion:
        real = Predictor.load("posegan-market-research", "cpu")
        rows["DeepFashion sample"] = measure(real, deepfashion(chosen.deepfashion), perceptual)
    result = {"date": time.strftime("%Y-%m-%d"), "processor": processor_name(), "threads": 1, "rows": rows}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
