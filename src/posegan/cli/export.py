"""`posegan export`: parse, call `export_onnx`, print the files and how far they are from torch."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.parser import Parser, command_parser


def run(argv: Sequence[str]) -> None:
    """Write weights as ONNX."""
    chosen = _parser().parse_args(argv)
    from posegan.inference.export import TOLERANCE, export_onnx
    from posegan.inference.predictor import shipped_weights

    made = export_onnx(chosen.weights or shipped_weights(), chosen.out, split=chosen.split)
    for file in made.files:
        print(f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)")
    print(f"largest difference from torch: {made.difference:.1g} of pictures in [-1, 1] (allowed: {TOLERANCE:g})")


def _parser() -> Parser:
    parser = command_parser("export", "Write a generator as ONNX, compared with torch before it is written.")
    parser.add_argument(
        "--weights", metavar="W", help="bundled weights by name, a .safetensors file or a run folder; default: shipped"
    )
    parser.add_argument("--out", metavar="PATH", required=True, help="the .onnx file; with --split a folder")
    parser.add_argument(
        "--split",
        action="store_true",
        help="two files, encode.onnx and render.onnx: the photo is encoded once for all poses, as serve does it",
    )
    return parser
