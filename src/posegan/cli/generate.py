"""`posegan generate`: parse, call `generate_file` or `generate_pairs`, print where the pictures are."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.detecting import add_detector_options, add_person_options, chosen_finder
from posegan.cli.inputs import pose_names, require_data, require_keypoints, require_photos, require_pose
from posegan.cli.parser import (
    Parser,
    add_pose_options,
    add_source_options,
    add_weights_option,
    command_parser,
    positive,
)
from posegan.errors import UserError
from posegan.places import require_folder_place, require_picture_place


def run(argv: Sequence[str]) -> None:
    """Re-pose one photo, or every pair of a list."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    single, many = (chosen.source, chosen.pose), (chosen.pairs, chosen.data)
    if any(many) and not all(many):
        raise UserError("--pairs and --data go together: give the pairs and the folder of their photos.")
    if any(many) and (any(single) or chosen.source_pose):
        raise UserError(
            "--source, --pose and --source-pose make one picture, --pairs makes many: give one or the other."
        )
    if any(many) and (chosen.paste or chosen.no_retarget or chosen.missing == "guess"):
        raise UserError(
            "--pairs takes the target poses as they are, in the model's frame: leave --paste, --no-retarget and "
            "--missing out."
        )
    if any(many) and any((chosen.detector, chosen.detector_weights, chosen.movenet, chosen.box, chosen.person)):
        raise UserError("--pairs needs no detector, its photos have keypoints: leave the options of detectors out.")
    if chosen.generated_only and not chosen.paste:
        raise UserError("--generated-only tells how --paste is to work: give both, or none of them.")
    if not any(many) and not all(single):
        raise UserError("Give --source PHOTO and --pose POSE, or --pairs CSV and --data FOLDER.")
    if chosen.pairs:
        require_data(chosen.data, chosen.pairs)
        require_folder_place(chosen.out, chosen.data)
    if all(single):
        require_photos(chosen.source)
        require_pose(chosen.pose)
        require_keypoints(chosen.source_pose or ())
        require_picture_place(chosen.out, inputs=[*chosen.source, chosen.pose, *(chosen.source_pose or ())])

    from posegan.data.photos import photo_size
    from posegan.inference.generate import generate_file, generate_pairs
    from posegan.inference.judge import Judge
    from posegan.inference.predictor import Predictor

    finder = chosen_finder(chosen)  # first: a mistake in its options should not wait for the model
    predictor = Predictor.load(chosen.weights, chosen.device)
    judge = None if chosen.no_scores else Judge.beside(predictor.info, finder.detector)
    described = not chosen.no_metadata
    if chosen.pairs:
        made = generate_pairs(
            predictor,
            chosen.data,
            chosen.pairs,
            chosen.out,
            batch_size=chosen.batch_size,
            judge=judge,
            metadata=described,
        )
        print(f"{made.count:,} pictures are in {chosen.out}")
        for kind, counts in made.verdicts.items():
            words = ", ".join(f"{word} {count:,}" for word, count in counts.items())
            print(f"{'same person' if kind == 'person' else kind}: {words}")
    else:
        picture = generate_file(
            predictor,
            chosen.source,
            chosen.pose,
            chosen.out,
            source_pose=chosen.source_pose,
            retarget=not chosen.no_retarget,
            paste=chosen.paste,
            carry=not chosen.generated_only,
            guess=chosen.missing == "guess",
            finder=finder,
            judge=judge,
            metadata=described,
        )
        if picture.guessed:
            print(f"guessed: {', '.join(picture.guessed)}")
        if picture.outside:
            print(f"cut off, outside the photo: {', '.join(picture.outside)}; a photo with more room shows them")
        print(f"wrote {chosen.out}")
        height, width = predictor.size
        if not chosen.paste and photo_size(chosen.source[0])[0] >= 2 * height:
            print(
                f"it has {width}x{height} pixels; with --paste the person stands in the full photo, as sharp as it "
                "where body parts only move"
            )
        for sentence in picture.judgement.sentences().values() if picture.judgement else ():
            print(sentence)


def _parser() -> Parser:
    parser = command_parser("generate", "Re-pose the person of a photo. Use it with the person's consent.")
    add_weights_option(parser)
    add_source_options(parser, required=False)
    names = ", ".join(pose_names())
    parser.add_argument("--pose", help=f"photo, OpenPose .json, annotations.csv:PHOTO, or one of: {names}")
    parser.add_argument(
        "--out",
        required=True,
        help="picture to write (PNG; one that posegan did not make is not replaced), or with --pairs a folder",
    )
    parser.add_argument(
        "--paste",
        action="store_true",
        help="put the person back into the full photo, with the photo's own pixels where body parts only move",
    )
    parser.add_argument(
        "--generated-only", action="store_true", help="with --paste: take nothing of the person from the photo itself"
    )
    add_detector_options(parser)
    add_person_options(parser)
    add_pose_options(parser)
    parser.add_argument("--pairs", metavar="CSV", help="many at once: CSV with the header from,to")
    parser.add_argument("--data", metavar="FOLDER", help="data set whose photos --pairs names")
    parser.add_argument("--batch-size", type=positive, default=32, help="pairs at a time (default: %(default)s)")
    parser.add_argument(
        "--no-metadata", action="store_true", help="leave out that the picture is AI-generated and from what"
    )
    parser.add_argument(
        "--no-scores", action="store_true", help="do not judge whether person and pose are right (docs/protocols.md)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
