"""`posegan evaluate`: parse, call `evaluate`, print the table."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.inputs import require_data
from posegan.cli.parser import add_measured_options, add_weights_option, command_parser, positive
from posegan.places import require_folder_place


def run(argv: Sequence[str]) -> None:
    """Score weights on a data set and write the report."""
    parser = command_parser("evaluate", "Score weights on pairs of photos, beside the rows 'real' and 'source copied'.")
    add_weights_option(parser)
    add_measured_options(parser)
    parser.add_argument("--out", required=True, help="folder for metrics.json, scores.csv and sheet.png")
    parser.add_argument("--limit", type=positive, help="score only the first so many pairs")
    parser.add_argument("--save-images", action="store_true", help="also write every generated photo")
    parser.add_argument("--batch-size", type=positive, default=32, help="pairs at a time (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    chosen = parser.parse_args(argv)
    require_data(chosen.data, chosen.pairs)
    require_folder_place(chosen.out, chosen.data)

    from posegan.evaluation.report import text_table
    from posegan.evaluation.scores import evaluate
    from posegan.inference.predictor import Predictor

    result = evaluate(
        Predictor.load(chosen.weights, chosen.device),
        chosen.data,
        chosen.out,
        pairs=chosen.pairs,
        split=chosen.split,
        limit=chosen.limit,
        batch_size=chosen.batch_size,
        save_images=chosen.save_images,
        progress=True,
    )
    print(text_table(result.rows))
    for kind, count in result.run["left_out"].items():
        print(f"{count:,} {kind}")
    print(f"{len(result.pairs):,} pairs; metrics.json, scores.csv and sheet.png are in {chosen.out}")
