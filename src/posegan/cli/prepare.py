"""`posegan prepare`: parse, call `prepare`, print its report."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.parser import command_parser


def run(argv: Sequence[str]) -> None:
    """Check, split, pair and pack a data set."""
    parser = command_parser("prepare", "Check an annotated data set, split its people, pair its photos and pack them.")
    parser.add_argument("dataset", help="folder of Market-1501, DeepFashion, or PERSON/PHOTO with annotations.csv")
    parser.add_argument("--out", help="folder for packs and pairs; default: the data set's own folder")
    chosen = parser.parse_args(argv)

    from posegan.prepare import prepare

    for name, report in prepare(chosen.dataset, chosen.out).items():
        print(f"{name}: {report.text()}")
    print(f"packs and pairs are in {chosen.out or chosen.dataset}")
