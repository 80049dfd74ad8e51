"""`posegan animate`: parse, call `animate_file`, print where the animation is and how much it flickers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from posegan.cli.detecting import add_detector_options, add_person_options, chosen_finder
from posegan.cli.inputs import print_left_out, require_keypoints, require_photos, require_sequence
from posegan.cli.parser import Parser, add_pose_options, add_source_options, add_weights_option, command_parser
from posegan.errors import UserError
from posegan.places import FILM, require_picture_place


def run(argv: Sequence[str]) -> None:
    """Put the person of a photo through a sequence of poses."""
    chosen = _parser().parse_args(argv)
    if chosen.paste and chosen.background is not None:
        raise UserError("--paste has the photo's own background: leave --background out.")
    if chosen.generated_only and not chosen.paste and chosen.background != "photo":
        raise UserError("--generated-only tells how --paste and --background photo are to work: give one of them too.")
    require_photos(chosen.source)
    require_sequence(chosen.poses)
    require_keypoints(chosen.source_pose or ())
    require_picture_place(chosen.out, FILM, [*chosen.source, chosen.poses, *(chosen.source_pose or ())])

    from posegan.data.photos import photo_size
    from posegan.inference.animate import animate_file
    from posegan.inference.predictor import Predictor

    finder = chosen_finder(chosen)  # first: a mistake in its options should not wait for the model
    made, found = animate_file(
        Predictor.load(chosen.weights, chosen.device),
        chosen.source,
        chosen.poses,
        chosen.out,
        source_pose=chosen.source_pose,
        rate=chosen.fps,
        finder=finder,
        retarget=not chosen.no_retarget,
        guess=chosen.missing == "guess",
        smoothing=chosen.smooth,
        background=chosen.background or "steady",
        paste=chosen.paste,
        carry=not chosen.generated_only,
        beside=chosen.beside,
        metadata=not chosen.no_metadata,
    )
    print_left_out(found.unreadable, "that cannot be read")
    if found.bridged:
        print(f"{found.bridged:,} frames in which nobody was found show poses between those before and after")
    if found.left_out:
        print(f"{found.left_out:,} frames left out: nobody found in them")
    if made.guessed:
        print(f"guessed: {', '.join(made.guessed)}")
    if made.cut:
        print(f"cut off: in {made.cut:,} of {len(made.frames):,} frames joints lie outside the picture")
    if made.flicker:
        outside, inside = made.flicker
        print(f"flicker, in levels of 0 to 255: {outside:.1f} beside the body, {inside:.1f} on it")
    print(f"{len(made.frames):,} frames, {made.seconds:.1f} seconds")
    print(f"wrote {chosen.out}")
    height, width = made.frames.shape[-2:]
    if not chosen.paste and photo_size(chosen.source[0])[0] >= 2 * height:
        print(
            f"its frames have {width}x{height} pixels; with --paste the person moves in the full photo, as sharp as it "
            "where body parts only move"
        )


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0.1 <= rate <= 120:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of frames a second from 0.1 to 120")
    return rate


def _parser() -> Parser:
    parser = command_parser(
        "animate", "Put the person of a photo through a sequence of poses. Use it with the person's consent."
    )
    add_weights_option(parser)
    add_source_options(parser, required=True)
    parser.add_argument(
        "--poses",
        required=True,
        help="folder of photos or of OpenPose .json files, a .json file with a list of them, a video, or a "
        "bundled walk: walk (the way the person faces), walk-front, walk-away, walk-left, walk-right",
    )
    parser.add_argument("--out", required=True, help="animation to write: .gif, or .mp4 with posegan[video]")
    add_detector_options(parser)
    add_person_options(parser)
    parser.add_argument("--fps", type=_rate, help="frames a second; default: the video's own, 12 for files")
    add_pose_options(parser)
    parser.add_argument(
        "--smooth",
        action=argparse.BooleanOptionalAction,
        help="smooth the keypoints over time; default: all but bundled walks, which are smooth",
    )
    parser.add_argument(
        "--background",
        choices=("steady", "photo", "generated"),
        help="the same in all frames, made up by the model (steady, the default) or the photo's own, or a new one in "
        "each frame (generated)",
    )
    parser.add_argument(
        "--paste",
        action="store_true",
        help="in the full photo, shrunk to fit into 1280x720 if it is larger, with its own pixels where body parts "
        "only move",
    )
    parser.add_argument(
        "--generated-only",
        action="store_true",
        help="with --paste or --background photo: take nothing of the person from the photo itself",
    )
    parser.add_argument("--beside", action="store_true", help="show the photo and the pose beside each frame")
    parser.add_argument(
        "--no-metadata", action="store_true", help="leave out that the frames are AI-generated and from what"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
