"""`posegan export`: parse, call `export_onnx` or `export_web`, print the files and how far they are from torch."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.parser import DEFAULT_WEIGHTS, Parser, command_parser
from posegan.errors import UserError
from posegan.places import EXPORT, require_file_place, require_folder_place


def run(argv: Sequence[str]) -> None:
    """Write weights as ONNX, or the page with them."""
    chosen = _parser().parse_args(argv)
    if (chosen.out is None) == (chosen.web is None):
        raise UserError("Give either --out for ONNX files or --web for the page.")
    if chosen.web is not None and chosen.split:
        raise UserError("--split is for --out: the page takes two files of each model anyway.")
    if chosen.web is not None:
        _web(chosen.weights or [], chosen.web, chosen.ort, not chosen.no_detector)
        return
    if len(chosen.weights or ()) > 1 or chosen.ort is not None or chosen.no_detector:
        raise UserError("--out writes one model alone: several --weights, --ort and --no-detector are for --web.")
    if chosen.split:
        require_folder_place(chosen.out)
    else:
        require_file_place(chosen.out, EXPORT)

    from posegan.inference.export import TOLERANCE, export_onnx
    from posegan.inference.predictor import shipped_weights

    print("A minute or two of work: tracing, then comparing with torch.", flush=True)
    made = export_onnx(chosen.weights[0] if chosen.weights else shipped_weights(), chosen.out, split=chosen.split)
    for file in made.files:
        print(f"wrote {file} ({file.stat().st_size / 1e6:.1f} MB)")
    print(f"largest difference from torch: {made.difference:.1g} of pictures in [-1, 1] (allowed: {TOLERANCE:.2g})")


def _web(weights: list[str], folder: str, runtime: str | None, detector: bool) -> None:
    require_folder_place(folder)

    from posegan.app.web_export import export_web

    print("A minute or two of work for each model.", flush=True)
    files = export_web(weights, folder, runtime, detector=detector)
    print(f"wrote {len(files)} files, {sum(files.values()) / 1e6:.0f} MB, into {folder}")
    print(f"Any web server can show them; on this machine: python -m http.server --bind 127.0.0.1 -d {folder}")


def _parser() -> Parser:
    parser = command_parser(
        "export", "Write a generator as ONNX, compared with torch before it is written, or a page that runs it."
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        metavar="W",
        help="bundled weights by name, a .safetensors file or a run folder; for --web also several; "
        f"default: {DEFAULT_WEIGHTS}",
    )
    parser.add_argument("--out", metavar="PATH", help="the .onnx file; with --split a folder")
    parser.add_argument(
        "--split",
        action="store_true",
        help="two files, encode.onnx and render.onnx: the photo is encoded once for all poses, as serve does it",
    )
    parser.add_argument(
        "--web",
        metavar="DIR",
        help="the page of `posegan serve` as files that need no posegan: all runs in the browser",
    )
    parser.add_argument("--ort", metavar="PATH", help="for --web: the npm package onnxruntime-web, unpacked or as .tgz")
    parser.add_argument(
        "--no-detector", action="store_true", help="for --web: leave out what finds the joints of the visitors' photos"
    )
    return parser
