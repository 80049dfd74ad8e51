"""`posegan augment`: parse, call `augment`, print how many pictures there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posegan.cli.detecting import add_detector_options, chosen_detector
from posegan.cli.inputs import require_data
from posegan.cli.parser import Parser, add_weights_option, between, command_parser, positive
from posegan.errors import UserError
from posegan.places import require_folder_place

if TYPE_CHECKING:
    import argparse

    from posegan.inference.picture_score import PictureScore
    from posegan.weights import WeightsInfo


def run(argv: Sequence[str]) -> None:
    """Make new pictures of each person of a re-identification set."""
    chosen = _parser().parse_args(argv)
    for threshold in ("min_pose", "min_identity"):
        if getattr(chosen, threshold) is not None and chosen.no_scores:
            raise UserError(f"--{threshold.replace('_', '-')} needs scores: leave --no-scores out.")
    if chosen.osnet and chosen.no_scores:
        raise UserError("--osnet is for scores: leave --no-scores or --osnet out.")
    require_data(chosen.data)
    require_folder_place(chosen.out, chosen.data)

    from posegan.inference.augment import augment
    from posegan.inference.predictor import Predictor

    predictor = Predictor.load(chosen.weights, chosen.device)
    scores, least = _scores(chosen, predictor.info)
    made = augment(
        predictor,
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


def _scores(chosen: argparse.Namespace, info: WeightsInfo | None) -> tuple[Sequence[PictureScore], dict[str, float]]:
    """Return the scores to compute and the least values of those for which there is a threshold."""
    if chosen.no_scores:
        return (), {}
    from posegan.inference.finder import builtin
    from posegan.inference.picture_score import EmbeddingSimilarity, PoseAgreement

    scores: list[PictureScore] = [PoseAgreement(chosen_detector(chosen) or builtin())]
    least = {} if chosen.min_pose is None else {scores[0].name: chosen.min_pose}
    free = info is not None and info.synthetic  # beside such weights nothing is for research only unasked
    if chosen.osnet:
        from posegan.evaluation.picture_scores import IdentityScore

        scores.append(IdentityScore.load(chosen.osnet))
    elif not free or chosen.min_identity is not None:
        from posegan.identity import IdentityEmbedding

        scores.append(EmbeddingSimilarity(IdentityEmbedding.load()))
    if chosen.min_identity is not None:
        least[scores[-1].name] = chosen.min_identity
    return scores, least


def _parser() -> Parser:
    parser = command_parser(
        "augment", "Make new pictures of each person of a re-identification set, in poses of others, in its layout."
    )
    add_weights_option(parser)
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
    add_detector_options(parser)
    parser.add_argument(
        "--osnet", metavar="FILE", help="OSNet (.onnx) instead of the embedding that ships, to score who is seen"
    )
    parser.add_argument("--no-scores", action="store_true", help="do not score pose and identity, which takes longer")
    parser.add_argument(
        "--min-pose",
        type=between(0, 1),
        metavar="SHARE",
        help="drop pictures with a smaller share of joints found, 0 to 1",
    )
    parser.add_argument(
        "--min-identity",
        type=between(-1, 1),
        metavar="COSINE",
        help="drop pictures less like their source photo, -1 to 1",
    )
    parser.add_argument("--no-retarget", action="store_true", help="keep the limb lengths of whom the pose comes from")
    parser.add_argument("--batch-size", type=positive, default=32, help="pictures at a time (default: %(default)s)")
    parser.add_argument(
        "--no-metadata", action="store_true", help="leave out that the pictures are AI-generated and from what"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
