"""`posegan demo`: parse, call `demo`, print where the pictures are."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.parser import command_parser
from posegan.places import require_folder_place


def run(argv: Sequence[str]) -> None:
    """Re-pose synthetic people with the weights that come with posegan."""
    parser = command_parser("demo", "Re-pose bundled synthetic people; needs no input and no download.")
    parser.add_argument("--out", default="posegan-demo", help="folder for the pictures (default: %(default)s)")
    parser.add_argument("--weights", help="other weights: .safetensors file or run folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    chosen = parser.parse_args(argv)
    require_folder_place(chosen.out)

    from posegan.inference.demo import demo, demo_weights
    from posegan.inference.predictor import Predictor

    for path in demo(Predictor.load(chosen.weights or demo_weights(), chosen.device), chosen.out):
        print(f"wrote {path}")
