"""Measure the identity embedding and the pose detectors on the validation people, and set the limits of the verdicts.

    python recipes/calibrate_scores.py ../shared/data/market1501 --weights runs/embedding.safetensors \\
        --osnet ../shared/weights/osnet_x0_25_msmt17.onnx \\
        --movenet ../shared/weights/movenet_singlepose_lightning_int8_4.tflite --generated 500

It writes the shipped weights of the embedding (only with --weights) and the offsets of real photos, pose_offsets.json,
into src/posegan/assets, and all numbers to benchmarks/results/picture_scores.json. Real photos set the limits; the
verdicts on generated pictures of validation pairs are counted afterwards, next to those on other people's photos.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from train_embedding import photos_by_person

from posegan.data import MarketPoseDataset
from posegan.detect import Detector, MoveNet
from posegan.errors import UserError
from posegan.evaluation.scorers.osnet import OSNet
from posegan.files import write_text
from posegan.identity import IdentityEmbedding
from posegan.identity.embedding import Limits, save_embedding, shipped_file
from posegan.images import to_bytes
from posegan.inference.judge import Judge, pose_offset
from posegan.inference.predictor import Predictor
from posegan.pose import Pose
from posegan.weights import read_info

ROOT = Path(__file__).resolve().parent.parent
ASSETS, RESULTS = ROOT / "src" / "posegan" / "assets", ROOT / "benchmarks" / "results" / "picture_scores.json"
NOBODY = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))


def ranks(vectors: Tensor, people: Tensor, cameras: Tensor) -> dict[str, float]:
    """Return rank-1 and mAP: each photo asks for its person among the photos of all other cameras."""
    similarity = vectors @ vectors.T
    first, precision = [], []
    for i in range(len(vectors)):
        right = people == people[i]
        gallery = ~(right & (cameras == cameras[i]))
        gallery[i] = False
        if not (right & gallery).any():
            continue
        order = similarity[i][gallery].argsort(descending=True)
        hits = right[gallery][order].float()
        first.append(hits[0].item())
        precision.append(float((hits * hits.cumsum(0) / torch.arange(1, len(hits) + 1)).sum() / hits.sum()))
    return {
        "queries": len(first),
        "rank1": round(sum(first) / len(first), 4),
        "map": round(sum(precision) / len(precision), 4),
    }


def quantiles(values: Tensor, *points: float) -> dict[str, float]:
    """Return quantiles under names such as p05."""
    return {f"p{round(100 * p):02d}": round(float(values.quantile(p)), 4) for p in points}


def similarities(
    vectors: Tensor, names: list[str], people: Tensor, pairs: list[tuple[str, str]]
) -> tuple[Tensor, Tensor]:
    """Return the cosines of the validation pairs, and those of every two photos of different people."""
    place = {name: i for i, name in enumerate(names)}
    a, b = torch.tensor([(place[source], place[target]) for source, target in pairs]).T
    others = torch.triu(people[:, None] != people, diagonal=1)
    return (vectors[a] * vectors[b]).sum(1), (vectors @ vectors.T)[others]


def measure(
    embed: Callable[[Tensor], Tensor], names: list[str], photos: Tensor, people: Tensor, pairs: list[tuple[str, str]]
) -> dict[str, Any]:
    """Return ranks and similarities of one embedding on the validation people."""
    vectors = torch.cat([torch.nn.functional.normalize(embed(chunk), dim=1) for chunk in photos.split(128)])
    same, different = similarities(vectors, names, people, pairs)
    likely, unlikely = float(different.quantile(0.95)), float(same.quantile(0.05))
    return {
        **ranks(vectors, people, torch.tensor([int(name[6]) for name in names])),
        "same_person": quantiles(same, 0.01, 0.05, 0.5, 0.95),
        "different_people": quantiles(different, 0.05, 0.5, 0.95, 0.99),
        "likely": round(likely, 4),
        "unlikely": round(unlikely, 4),
        "same_person_called_likely": round(float((same >= likely).float().mean()), 4),
    }


def offsets(detector: Detector, photos: Tensor, poses: Pose) -> Tensor:
    """Return the detector's offset (N,) from the annotation on each photo."""
    found = []
    for photo, pose in zip(photos, poses, strict=True):
        people = detector(photo)
        found.append(pose_offset(people.pose[0] if len(people) else NOBODY, pose))
    return torch.tensor(found)


def generated(data: MarketPoseDataset, count: int, judge: Judge) -> dict[str, dict[str, dict[str, float]]]:
    """Return the shares of the verdicts on pictures of validation pairs, and on photos put in their place."""
    predictor = Predictor.load(device="cpu")
    batch = data.batch(torch.arange(count))
    made = to_bytes(torch.cat([
        predictor.repose(batch.source_image[i : i + 50], batch.source_pose[i : i + 50], batch.target_pose[i : i + 50])
        for i in range(0, count, 50)
    ]))  # fmt: skip
    source, target = to_bytes(batch.source_image), to_bytes(batch.target_image)
    strangers = [
        next(j % count for j in range(i + 1, i + count) if batch.target_names[j % count][:4] != name[:4])
        for i, name in enumerate(batch.target_names)
    ]
    shown = {"generated": made, "target photo": target, "source photo": source, "a stranger": target[strangers]}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, pictures in shown.items():
        said = [judge(source[i], batch.source_pose[i], pictures[i], batch.target_pose[i]) for i in range(count)]
        found[name] = {
            kind: {str(word): round(n / count, 3) for word, n in Counter(words).most_common()}
            for kind, words in (("person", [j.person for j in said]), ("pose", [j.pose for j in said]))
        }
    return found


def detectors(movenet: Path | None) -> list[Detector]:
    """Return the built-in detector and, if its file is given, MoveNet."""
    found: list[Detector] = []
    try:
        from posegan.detect import open_detector

        found.append(open_detector("builtin"))
    except (ImportError, UserError):
        print("this version has no built-in detector")
    if movenet:
        found.append(MoveNet(movenet))
    return found


def main() -> None:
    """Measure, write the weights and the limits, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of Market-1501 with its training annotations")
    parser.add_argument("--weights", type=Path, help="what recipes/train_embedding.py wrote")
    parser.add_argument("--osnet", type=Path, help="OSNet (.onnx), to compare with")
    parser.add_argument("--movenet", type=Path, help="MoveNet (.tflite), to calibrate too")
    parser.add_argument("--photos", type=int, default=10_000, help="real photos to calibrate detectors with, at most")
    parser.add_argument("--generated", type=int, default=0, help="validation pairs to generate and judge")
    options = parser.parse_args()
    data = MarketPoseDataset(options.data, "validation", maps=False)
    pairs = data.pair_names()
    names, photos, people = photos_by_person(options.data, validation=True)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    if options.weights:
        info = read_info(options.weights)
        network = IdentityEmbedding.load(options.weights).network
        scores = measure(IdentityEmbedding(network, Limits(1, -1)), names, photos, people, pairs)
        limits = Limits(scores["likely"], scores["unlikely"])
        save_embedding(shipped_file(), network, limits, info.data, info.step, info.licence)
        results["embedding"] = scores
    if options.osnet:
        results["osnet_x0_25_msmt17"] = measure(OSNet(options.osnet)._embed, names, photos, people, pairs)
    shown = torch.unique(data.pairs[:, 1].long())
    shown = shown[torch.randperm(len(shown), generator=torch.Generator().manual_seed(0))[: options.photos]]
    offsets_file = ASSETS / "pose_offsets.json"
    known = json.loads(offsets_file.read_text(encoding="utf-8")) if offsets_file.is_file() else {}
    ready = detectors(options.movenet)
    for detector in ready:
        off = offsets(detector, data.photos.read(shown), data.poses[shown])
        lost, off = float((~off.isfinite()).float().mean()), off[off.isfinite()]
        known[detector.name] = {
            "as_asked": round(float(off.quantile(0.9, interpolation="higher")), 4),
            "doubtful": round(float(off.quantile(0.97, interpolation="higher")), 4),
            "median": round(float(off.median()), 4),
            "not_found": round(lost, 4),
            "photos": len(off),
        }
    write_text(offsets_file, json.dumps(known, indent=2) + "\n")
    results["pose_offsets"] = known
    if options.generated:
        judge = Judge(IdentityEmbedding.load(), ready[0] if ready else None)
        kind = ready[0].name if ready else "none"
        results["verdicts"] = {"pairs": options.generated, "detector": kind} | generated(data, options.generated, judge)
    write_text(RESULTS, json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
