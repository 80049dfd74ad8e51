"""`posegan benchmark`: parse, call `benchmark`, print the table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from posegan.cli.inputs import require_data
from posegan.cli.parser import Parser, add_measured_options, command_parser, positive
from posegan.places import require_folder_place


def run(argv: Sequence[str]) -> None:
    """Measure any set of weights between ceilings and floors and write the report."""
    chosen = _parser().parse_args(argv)
    require_data(chosen.data, chosen.pairs)
    require_folder_place(chosen.out, chosen.data)

    from posegan.evaluation.benchmark import benchmark
    from posegan.evaluation.report import text_table
    from posegan.evaluation.scores import METRICS

    result = benchmark(
        chosen.data,
        chosen.weights,
        chosen.out,
        pairs=chosen.pairs,
        split=chosen.split,
        models=chosen.models,
        limit=chosen.limit,
        processes=chosen.processes,
        features_dir=chosen.features_dir,
        framing=chosen.framing,
        device=chosen.device,
        download=not chosen.no_download,
        progress=True,
    )
    print(text_table({row.name: {m: row.values.get(m, math.nan) for m in METRICS} for row in result.rows}))
    for name, reason in result.left_out.items():
        print(f"left out: {name}: {reason}")
    for reason in dict.fromkeys(result.not_measured.values()):
        print(reason)
    print(f"{len(result.pairs):,} pairs; benchmark.html, benchmark.md and benchmark.json are in {chosen.out}")


def _parser() -> Parser:
    parser = command_parser(
        "benchmark", "Measure any set of weights on one list of pairs, between ceilings and floors; goes on if stopped."
    )
    add_measured_options(parser)
    parser.add_argument(
        "--weights",
        nargs="+",
        default=(),
        metavar="W",
        help="bundled names, .safetensors files, run folders or folders of them, each also as LABEL=PATH; "
        "default: all bundled weights",
    )
    parser.add_argument("--models", nargs="+", default=(), metavar="M", help="only weights of these models")
    parser.add_argument(
        "--out", required=True, help="folder for benchmark.html, .md, .json and what is kept to go on with (parts/)"
    )
    parser.add_argument("--limit", type=positive, help="measure only the first so many pairs")
    parser.add_argument("--processes", type=positive, help="at a time; default: one a core, or one on a GPU")
    parser.add_argument("--features-dir", metavar="F", help="folder with weight files of the metrics' networks")
    parser.add_argument("--no-download", action="store_true", help="do not fetch weight files of metrics")
    parser.add_argument(
        "--framing",
        default="plain",
        help="plain, or white_256: 256x176 padded with white to 256x256 as PATN and APS did (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
