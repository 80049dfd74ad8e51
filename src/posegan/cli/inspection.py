"""`posegan inspect`: parse, call `inspect_photo` or `inspect_data`, print where the sheet is."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.inputs import require_data, require_keypoints, require_photos, require_pose
from posegan.cli.parser import Parser, add_weights_option, command_parser, positive
from posegan.errors import UserError
from posegan.places import require_picture_place

PAIRS = 3  # that are shown of a data set


def run(argv: Sequence[str]) -> None:
    """Draw what a model does inside for one photo, or for pairs of a data set."""
    chosen = _parser().parse_args(argv)
    single = (chosen.source, chosen.pose)
    if chosen.data and (any(single) or chosen.source_pose):
        raise UserError(
            "--source, --pose and --source-pose are for one photo, --data for pairs: give one or the other."
        )
    for option in ("pairs", "count"):
        if not chosen.data and getattr(chosen, option):
            raise UserError(f"--{option} is for photos of a data set: give its folder with --data.")
    if not chosen.data and not all(single):
        raise UserError("Give --source PHOTO and --pose POSE, or --data FOLDER.")
    if chosen.data:
        require_data(chosen.data, chosen.pairs)
    if all(single):
        require_photos([chosen.source])
        require_pose(chosen.pose)
        require_keypoints([chosen.source_pose] if chosen.source_pose else ())
    require_picture_place(chosen.out, inputs=[*single, chosen.source_pose, chosen.pairs])

    from posegan.evaluation.inspection import inspect_data, inspect_photo
    from posegan.inference.predictor import Predictor

    predictor = Predictor.load(chosen.weights, chosen.device)
    described = not chosen.no_metadata
    if chosen.data:
        found = inspect_data(
            predictor, chosen.data, chosen.out, pairs=chosen.pairs, count=chosen.count or PAIRS, metadata=described
        )
    else:
        found = inspect_photo(
            predictor, chosen.source, chosen.pose, chosen.out, source_pose=chosen.source_pose, metadata=described
        )
    print(f"wrote {chosen.out}")
    if not found:
        print("This model hands out nothing besides its photo.")


def _parser() -> Parser:
    parser = command_parser(
        "inspect", "Draw what a model does inside: scales, coarse pictures, flows, masks, attention."
    )
    add_weights_option(parser)
    parser.add_argument("--source", metavar="PHOTO", help="photo of the person")
    parser.add_argument("--pose", help="target pose: as in `posegan generate`")
    parser.add_argument(
        "--source-pose", metavar="POSE", help="joints of the source photo: OpenPose .json or annotations.csv"
    )
    parser.add_argument("--data", metavar="FOLDER", help="instead of a photo: a data set, or 'synthetic'")
    parser.add_argument(
        "--pairs", metavar="CSV", help="with --data: CSV with the header from,to; default: its own pairs"
    )
    parser.add_argument("--count", type=positive, help=f"with --data: how many pairs (default: {PAIRS})")
    parser.add_argument("--out", required=True, help="sheet to write (PNG)")
    parser.add_argument("--no-metadata", action="store_true", help="leave out that the photo is AI-generated")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
