"""`posegan detect`: parse, call `annotate`, print what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posegan.cli.detecting import add_detector_options, add_person_options, chosen_finder
from posegan.cli.inputs import SHOWN, print_left_out
from posegan.cli.parser import Parser, command_parser
from posegan.errors import UserError
from posegan.files import require_readable
from posegan.places import ANNOTATIONS, require_file_place, require_folder_place


def run(argv: Sequence[str]) -> None:
    """Find the joints of the people in photos."""
    chosen = _parser().parse_args(argv)
    if not any(Path(image).exists() for image in chosen.images):  # one of several that is missing is left out
        require_readable(Path(chosen.images[0]))
    require_file_place(chosen.out, ANNOTATIONS)
    if chosen.pictures:
        require_folder_place(chosen.pictures)

    from posegan.images import tell_unread
    from posegan.inference.annotate import annotate

    done = annotate(
        chosen.images, chosen.out, chosen_finder(chosen), pictures=chosen.pictures, progress=not chosen.no_progress
    )
    if done.known:
        print(
            f"{done.known:,} photos had a row in {chosen.out} already; to look at them again delete it, or give "
            "another --out"
        )
    print_left_out(done.unreadable, "that cannot be read")
    print_left_out(done.too_few, f"without person {chosen.person}")
    if done.unread:
        print(f"left out: {tell_unread(done.unread)}")
    if done.nobody:
        more = f" and {len(done.nobody) - SHOWN:,} more" if len(done.nobody) > SHOWN else ""
        print(f"nobody found in {', '.join(done.nobody[:SHOWN])}{more}")
    if not done.known and not done.looked_at and done.too_few:
        raise UserError(
            f"None of the photos shows a person {chosen.person}, so {chosen.out} was not written: give another "
            "--person; --pictures DIR shows everybody's number."
        )
    if not done.known and not done.looked_at:
        raise UserError(f"No photo is left, so {chosen.out} was not written: see above what is wrong with each.")
    print(f"{done.looked_at - len(done.nobody):,} of {done.looked_at:,} photos with a person; rows are in {chosen.out}")


def _parser() -> Parser:
    parser = command_parser("detect", "Find the joints of the people in photos and write them as an annotation CSV.")
    parser.add_argument(
        "--images", required=True, nargs="+", metavar="DIR_OR_FILE", help="a folder of photos, or photo files"
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="CSV",
        help="annotation file; photos that have a row are not looked at again",
    )
    parser.add_argument(
        "--pictures", metavar="DIR", help="folder for pictures of what was found, with everybody's number for --person"
    )
    add_detector_options(parser)
    add_person_options(parser)
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")
    return parser
