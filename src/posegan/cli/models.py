"""`posegan models`: the registered models, their size, and the weights at hand."""

from __future__ import annotations

from collections.abc import Sequence

from posegan.cli.parser import command_parser


def run(argv: Sequence[str]) -> None:
    """Print one line for each model, then one for each bundled weight file."""
    command_parser("models", "List the models: paper, parameters, weights and their licence.").parse_args(argv)

    from posegan.inference.catalogue import catalogue

    table = [("model", "generator", "discriminators", "weights", "paper")]
    models = catalogue()
    for entry in models:
        names = ", ".join(w.name for w in entry.weights) or "-"
        counts = (f"{entry.generator / 1e6:.2f} M", f"{entry.discriminators / 1e6:.2f} M")
        table.append((entry.name, *counts, names, entry.paper))
    widths = [max(len(row[c]) for row in table) for c in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()
    found = [(weights, entry.name) for entry in models for weights in entry.weights]
    for weights, model in found:
        height, width = weights.size
        print(f"{weights.name} ({model}, {height}x{width}): {weights.licence or 'no licence note'}")
    if not found:
        print("No weights are bundled: `posegan train` makes some.")
