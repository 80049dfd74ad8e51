"""`posegan prepare`: parse, call `prepare_anything`, print its report."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from posegan.cli.detecting import add_detector_options, detector_choice
from posegan.cli.parser import Parser, command_parser, positive
from posegan.files import PHOTOS_REMEDY, require_folder
from posegan.places import require_folder_place


def run(argv: Sequence[str]) -> None:
    """Make a data set of photos, or of an archive: detect, cut out, check, split, pair and pack."""
    chosen = _parser().parse_args(argv)
    name, weights = detector_choice(chosen)
    if chosen.dataset != "synthetic" and not Path(chosen.dataset).is_file():
        require_folder(Path(chosen.dataset), PHOTOS_REMEDY)
    if chosen.out:
        require_folder_place(chosen.out)

    from posegan.detect import open_detector
    from posegan.prepare import prepare_anything

    made = prepare_anything(
        chosen.dataset,
        chosen.out,
        functools.partial(open_detector, name, weights),
        settings={"detector": name, "detector_weights": weights},
        workers=chosen.workers,
        progress=not chosen.no_progress,
        shard_megabytes=chosen.shards,
    )
    for piece in made.pieces:
        print(piece.text())
    for part, report in made.reports.items():
        print(f"{part}: {report.text()}")
        if report.totals.get("validation pairs") == 0:
            print(
                "no validation pairs: a tenth of the people is held out, from ten people with a pair on; training then "
                "shows training pairs and takes no scores"
            )
    if (made.folder / "report.html").is_file():
        print(f"pictures of what was kept and rejected: {made.folder / 'report.html'}")
    print(f"packs and pairs are in {made.folder}")


def _parser() -> Parser:
    parser = command_parser(
        "prepare",
        "Make a data set to train on. Photos without keypoints: people are found and cut out first, so put each "
        "person's photos into a folder of their own, photos/<person>/<image>.",
    )
    parser.add_argument(
        "dataset", help="folder of photos, with annotations.csv or without; Market-1501 or DeepFashion, zip or folder"
    )
    parser.add_argument("--out", help="folder for what is made; default: the data set's own, or a new one beside it")
    add_detector_options(parser)
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="processes that look for people (default: one a core)"
    )
    parser.add_argument(
        "--shards",
        type=positive,
        metavar="MB",
        help="write WebDataset tar files of this size instead of one pack, for sets that no single disk holds",
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")
    return parser
