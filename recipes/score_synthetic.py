"""Score weights on synthetic people whom no training saw: other seeds than those of any recipe.

    python recipes/score_synthetic.py posegan-synthetic runs/synthetic/posegan-cpu --features-dir ../shared/weights

512 pairs of 64 people before one background each, of the size of the first weights' photos. Half a minute for each.
"""

import argparse
import statistics

import torch

from posegan.data import SyntheticPeople, SyntheticPoseDataset
from posegan.errors import UserError
from posegan.evaluation.scorers import available_scorers
from posegan.evaluation.scorers.base import REAL
from posegan.evaluation.scores import score
from posegan.images import to_bytes
from posegan.inference import Predictor
from posegan.pose.mask import body_mask

SEED = 1  # of the people; recipes leave it at 0
PEOPLE, PAIRS, BATCH = 64, 512, 16
SCORERS = ("lpips_squeeze_caffe", "movenet")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--features-dir", help="folder of the metric networks' files")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    predictors = {weights: Predictor.load(weights, "cpu") for weights in chosen.weights}
    scorers, missing = available_scorers(PAIRS, chosen.features_dir, names=SCORERS, download=False)
    for sentence in sorted(set(missing.values())):
        print(sentence)
    size = next(iter(predictors.values())).size
    people = SyntheticPeople(PEOPLE, size, seed=SEED, one_background=True)
    data = SyntheticPoseDataset(people, "train+validation", maps=False)
    found: dict[str, dict[str, list[float]]] = {}
    for first, part in zip(
        range(0, PAIRS, BATCH), torch.linspace(0, len(data) - 1, PAIRS).long().split(BATCH), strict=True
    ):
        pairs = data.batch(part)
        mask = body_mask(pairs.target_pose, pairs.size)
        images = {REAL: pairs.target_image} | {
            name: predictor.repose(pairs.source_image, pairs.source_pose, pairs.target_pose)
            for name, predictor in predictors.items()
        }
        for name, image in images.items():
            rows = score(image, pairs.target_image, mask)
            for scorer in scorers:
                rows |= scorer.add(name, to_bytes(image), pairs, mask, first)
            for key, values in rows.items():
                found.setdefault(name, {}).setdefault(key, []).extend(values.tolist())
    for name, columns in found.items():
        means = {key: statistics.fmean(values) for key, values in columns.items()}
        means |= {key: value for scorer in scorers for key, value in scorer.summary(name).items()}
        print(name, "  ".join(f"{key} {value:.4f}" for key, value in means.items()))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from error
