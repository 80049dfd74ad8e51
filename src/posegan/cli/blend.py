"""`posegan blend`: parse, call `blend`, print what was written."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.inputs import require_data
from posegan.cli.parser import Parser, between, command_parser
from posegan.places import WEIGHTS, require_new_file_place


def run(argv: Sequence[str]) -> None:
    """Write the weights between two others."""
    chosen = _parser().parse_args(argv)
    require_new_file_place(chosen.out, WEIGHTS)
    if chosen.data is not None:
        require_data(chosen.data)

    from posegan.inference.blend import blend

    made = blend(chosen.start, chosen.end, chosen.share, chosen.out, chosen.data)
    print(f"wrote {made.path}")
    if made.unmeasured:
        print("The statistics of batch norm are blended too: with --data they are measured, which is better.")


def _parser() -> Parser:
    parser = command_parser(
        "blend",
        "Write the weights between two others of one run, or of two runs of one origin: between smooth and sharp, or "
        "between what there was and what further training on other photos made of it.",
    )
    named = "bundled weights by name, a .safetensors file or a run folder"
    parser.add_argument("start", metavar="START", help=named)
    parser.add_argument("end", metavar="END", help="the same")
    parser.add_argument(
        "--share", type=between(0, 1), required=True, help="how much of the way from START to END, 0 to 1"
    )
    parser.add_argument(
        "--data", metavar="DATA", help="for weights with batch norm: the data set on whose training pairs to measure it"
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="the .safetensors file to write")
    return parser
