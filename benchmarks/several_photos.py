"""Measures what further photos of a person gain: test pairs of Market-1501, whose source photo is always the first.

    python benchmarks/several_photos.py --data ../shared/data/market1501 --features-dir ../shared/weights

Writes results/several_photos.json; a quarter of an hour on one thread. Pairs are drawn with a fixed seed. The further
photos are others of the person among those of the split, drawn at random: of any camera, or of any but the target's,
which otherwise may show the target's very background and light. The target itself is never among them. "nearest" takes
each picture from the one photo that fits best, as models do that cannot mix.
`--split validation` is for choosing settings, `--picture FILE` draws docs/images/several_photos.png instead.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.data import PosePairDataset, SyntheticPeople
from posegan.evaluation.scorers import available_scorers
from posegan.evaluation.scores import score
from posegan.files import write_text
from posegan.hardware import processor_name
from posegan.images import to_bytes, to_signed, write_png
from posegan.inference import EncodedPhotos, FramedPose, Predictor
from posegan.inference.open_data import open_data
from posegan.inference.paste import aim_in_photo, paste_person
from posegan.inference.several import photo_shares
from posegan.models.base import Generator
from posegan.people import market_identity
from posegan.pose import Pose
from posegan.pose.mask import body_mask
from posegan.pose.view import torso_width

RESULT = Path(__file__).parent / "results" / "several_photos.json"
SCORERS = ("lpips_squeeze_caffe", "osnet", "movenet")
KEPT = ("ssim_paper", "ssim_standard", "mask_ssim_paper", "l1", "mask_l1", "lpips_squeeze_caffe")
KEPT_TOO = ("identity_source_osnet", "identity_target_osnet", "pckh_paper_movenet")


def camera(name: str) -> str:
    """Return which camera took a photo of Market-1501: "c3" of 0002_c3s1_000076_01.jpg."""
    return name.split("_")[1][:2]


def photos_of(data: PosePairDataset, indices: list[int]) -> tuple[Tensor, Pose]:
    photos = torch.tensor(indices)
    return to_signed(data.photos.read(photos)), data.poses[photos]


def nearest(predictor: Predictor, encoded: EncodedPhotos, target: Pose) -> Tensor:
    """Return what a generator makes that cannot mix photos."""
    shares = photo_shares(encoded.pose, target, encoded.size)
    with torch.inference_mode():
        return Generator.render_together(predictor.generator, encoded.features, encoded.pose, target, shares).image


def picture(predictor: Predictor) -> Tensor:
    """Return a sheet (3, H, W): two people from before and behind, and turned round in the first photo.

    By the first photo alone, then by both.
    """
    frame = (384, 320)
    world = SyntheticPeople(40, frame, seed=5)
    rows = []
    for person in (6, 3):
        samples = [world.render(*world.seeds([8 * person + i])) for i in range(8)]
        samples.sort(key=lambda sample: float(torso_width(sample.pose)))
        (photo, pose), (other, behind) = (
            (to_bytes(to_signed(sample.image[0])), sample.pose[0]) for sample in (samples[-1], samples[0])
        )
        target = aim_in_photo(FramedPose(behind, frame), pose)
        made = [paste_person(predictor, photo, pose, target, others=more) for more in ([], [(other, behind)])]
        rows.append(torch.cat([photo, other, *made], -1))
    sheet = F.interpolate(torch.cat(rows, -2)[None].float(), scale_factor=0.6, mode="area")[0]
    return sheet.round().to(torch.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of Market-1501")
    parser.add_argument("--features-dir", type=Path, help="folder of the metric networks' files")
    parser.add_argument("--weights", default="posegan-market-research", help="(default: %(default)s)")
    parser.add_argument("--split", choices=("test", "validation"), default="test", help="(default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=400, help="(default: %(default)s)")
    parser.add_argument("--photos", type=int, nargs="+", default=[2, 4], help="(default: %(default)s)")
    parser.add_argument("--picture", type=Path, help="draw the sheet of the docs into this PNG, measure nothing")
    parser.add_argument("--out", type=Path, default=RESULT, help="(default: %(default)s)")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.picture:
        write_png(chosen.picture, picture(Predictor.load("posegan-synthetic", "cpu")), None)
        return
    if not chosen.data:
        parser.error("give --data, the folder of Market-1501, or --picture")
    predictor = Predictor.load(chosen.weights, "cpu")
    data = open_data(chosen.data, predictor.size, split=chosen.split)
    scorers, _ = available_scorers(chosen.pairs, chosen.features_dir, names=SCORERS, download=False)
    drawn = random.Random(0)
    used = set(data.pairs.flatten().tolist())  # photos of the split; `names` has those of other people too
    people = defaultdict(list)
    for photo in sorted(used):
        if bool(data.poses.valid[photo]):
            people[market_identity(data.names[photo])].append(photo)
    scores: dict[str, list[dict[str, float]]] = defaultdict(list)
    counts: dict[str, list[int]] = defaultdict(list)
    for number, index in enumerate(drawn.sample(range(len(data)), min(chosen.pairs, len(data)))):
        source, target = data.pairs[index].tolist()
        further = [p for p in people[market_identity(data.names[source])] if p not in (source, target)]
        drawn.shuffle(further)
        away = [p for p in further if camera(data.names[p]) != camera(data.names[target])]
        pair = data.batch(torch.tensor([index]))
        mask = body_mask(pair.target_pose, pair.size)
        ways: dict[str, tuple[list[int], bool]] = {"1 photo": ([source], False)}
        for count in chosen.photos:
            for where, photos in (("any camera", further), ("other cameras", away)):
                ways[f"{count} photos, {where}"] = [source, *photos[: count - 1]], False
                ways[f"{count} photos, {where}, nearest"] = [source, *photos[: count - 1]], True
        for name, (photos, only_nearest) in ways.items():
            encoded = predictor.encode(*photos_of(data, photos))
            render = nearest if only_nearest else Predictor.render_person
            image = render(predictor, encoded, pair.target_pose)
            row = {key: float(value) for key, value in score(image, pair.target_image, mask).items()}
            for scorer in scorers:
                found = scorer.add(name, to_bytes(image), pair, mask, number)
                row |= {key: float(value) for key, value in found.items()}
            scores[name].append(row)
            counts[name].append(len(photos))
    rows = {}
    for name, found in scores.items():
        sums = {key: value for scorer in scorers for key, value in scorer.summary(name).items()}
        means = {key: statistics.fmean(row[key] for row in found) for key in found[0]} | sums
        rows[name] = {"photos": round(statistics.fmean(counts[name]), 2)}
        rows[name] |= {key: round(means[key], 4) for key in (*KEPT, *KEPT_TOO) if key in means}
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor_name(),
        "weights": chosen.weights,
        "sha256": predictor.sha256,
        "split": chosen.split,
        "pairs": len(scores["1 photo"]),
        "rows": rows,
    }
    write_text(chosen.out, json.dumps(result, indent=1) + "\n")
    for name, row in rows.items():
        print(f"{name:36s}", "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
