"""`posegan sample`: parse, call `sample_sheet`, print where the sheet is."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.inputs import require_photos, require_pose
from posegan.cli.parser import Parser, command_parser, positive
from posegan.errors import UserError
from posegan.places import require_picture_place

FACTORS = ("foreground", "background")  # what can be taken from photos


def run(argv: Sequence[str]) -> None:
    """Draw people whom no photo shows, or mix those of photos."""
    chosen = _parser().parse_args(argv)
    for factor in FACTORS:
        if getattr(chosen, f"{factor}_pose") and not getattr(chosen, factor):
            raise UserError(f"--{factor}-pose belongs to a photo: give --{factor} PHOTO, or leave it out.")

    photos = [factor for factor in FACTORS if getattr(chosen, factor)]
    require_photos([getattr(chosen, factor) for factor in photos])
    if chosen.pose:
        require_pose(chosen.pose)
    poses = [chosen.pose, *(getattr(chosen, f"{factor}_pose") for factor in FACTORS)]
    require_picture_place(chosen.out, inputs=[*(getattr(chosen, factor) for factor in FACTORS), *poses])

    from posegan.inference.predictor import Predictor
    from posegan.inference.sample import Taken, sample_sheet

    predictor = Predictor.load(chosen.weights, chosen.device)
    taken = {factor: Taken(getattr(chosen, factor), getattr(chosen, f"{factor}_pose")) for factor in photos}
    sample_sheet(
        predictor,
        chosen.out,
        chosen.count,
        pose=chosen.pose,
        seed=chosen.seed,
        metadata=not chosen.no_metadata,
        **taken,
    )
    print(f"wrote {chosen.out}")


def _parser() -> Parser:
    parser = command_parser("sample", "Draw people at random; what is given by a photo or a pose is not drawn.")
    parser.add_argument("--weights", required=True, help="weights of a model that samples: .safetensors or run folder")
    parser.add_argument("--count", type=positive, default=8, help="number of people (default: %(default)s)")
    parser.add_argument("--out", required=True, help="sheet to write (PNG)")
    parser.add_argument("--foreground", metavar="PHOTO", help="take the person from this photo")
    parser.add_argument("--background", metavar="PHOTO", help="take the background from this photo")
    parser.add_argument("--pose", help="target pose of all: as in `posegan generate`")
    for factor in FACTORS:
        parser.add_argument(
            f"--{factor}-pose", metavar="POSE", help=f"joints of the {factor}'s photo, if there is no file beside it"
        )
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other people (default: %(default)s)")
    parser.add_argument("--no-metadata", action="store_true", help="leave out that the people are AI-generated")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
