"""`posegan augment`: parse, call `augment`, print how many pictures there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posegan.cli.parser import Parser, command_parser, positive
from posegan.errors import UserError

if TYPE_CHECKING:
    import argparse

    from posegan.inference.picture_score import PictureScore


def run(argv: Sequence[str]) -> None:
    """Make new pictures of each person of a re-identification set."""
    chosen = _parser().parse_args(argv)
    for threshold, network in (("min_pose", "movenet"), ("min_identity", "osnet")):
        if getattr(chosen, threshold) is not None and not getattr(chosen, network):
            raise UserError(f"--{threshold.replace('_', '-')} needs --{network} FILE, the network that scores it.")

    from posegan.inference.augment import augment
    from posegan.inference.predictor import Predictor

    scores, least = _scores(chosen)
    made = augment(
        Predictor.load(chosen.weights, chosen.device),
        chosen.data,
        chosen.out,
        count=chosen.count,
        split=chosen.split,
        people=chosen.people,
        seed=chosen.seed,
        scores=scores,
        least=least,
        retarget=not chosen.no_retarget,
        batch_size=chosen.batch_size,
        metadata=not chosen.no_metadata,
        progress=True,
    )
    if made.dropped:
        print(f"{made.dropped:,} pictures dropped for their scores")
    print(f"{made.pictures:,} pictures of {made.people:,} people; manifest.csv is in {chosen.out}")


def _scores(chosen: argparse.Namespace) -> tuple[list[PictureScore], dict[str, float]]:
    """Return the scores whose networks are given, and the thresholds."""
    scores: list[PictureScore] = []
    least: dict[str, float] = {}
    if chosen.movenet:
        from posegan.detect import MoveNet
        from posegan.inference.picture_score import PoseAgreement

        scores.append(PoseAgreement(MoveNet(chosen.movenet)))
        if chosen.min_pose is not None:
            least[PoseAgreement.name] = chosen.min_pose
    if chosen.osnet:
        from posegan.evaluation.picture_scores import IdentityScore

        scores.append(IdentityScore.load(chosen.osnet))
        if chosen.min_identity is not None:
            least[IdentityScore.name] = chosen.min_identity
    return scores, least


def _parser() -> Parser:
    parser = command_parser(
        "augment", "Make new pictures of each person of a re-identification set, in poses of others, in its layout."
    )
    parser.add_argument("--weights", help="bundled weights by name, .safetensors file or run folder; default: shipped")
    parser.add_argument("--data", required=True, help="folder of Market-1501, or of a folder for each person")
    parser.add_argument("--out", required=True, help="folder for the pictures, their annotations and manifest.csv")
    parser.add_argument("--count", type=positive, default=4, help="pictures of each person (default: %(default)s)")
    parser.add_argument(
        "--split",
        choices=("train", "train+validation"),
        default="train",
        help="whose people; test people are always refused (default: %(default)s)",
    )
    parser.add_argument("--people", nargs="+", metavar="ID", help="only these people, as 0002 0007")
    parser.add_argument("--seed", type=int, default=0, help="another seed chooses other poses (default: %(default)s)")
    parser.add_argument("--movenet", metavar="FILE", help="MoveNet (.tflite): scores whether the pose is right")
    parser.add_argument("--osnet", metavar="FILE", help="OSNet (.onnx): scores whether it is the same person")
    parser.add_argument(
        "--min-pose", type=float, metavar="SHARE", help="drop pictures with a smaller share of joints found, 0 to 1"
    )
    parser.add_argument(
        "--min-identity", type=float, metavar="COSINE", help="drop pictures less like their source photo, -1 to 1"
    )
    parser.add_argument("--no-retarget", action="store_true", help="keep the limb lengths of whom the pose comes from")
    parser.add_argument("--batch-size", type=positive, default=32, help="pictures at a time (default: %(default)s)")
    parser.add_argument(
        "--no-metadata", action="store_true", help="leave out that the pictures are AI-generated and from what"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
