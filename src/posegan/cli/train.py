"""`posegan train`: parse, call `train`, print where the run is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from posegan.cli.parser import command_parser


def run(argv: Sequence[str]) -> None:
    """Train a recipe; the same command goes on from the newest saved state."""
    parser = command_parser("train", "Train a model from a recipe; the same command goes on where the run was stopped.")
    parser.add_argument("config", help="recipe file; any of its keys can be overridden: --training.steps 100")
    parser.add_argument(
        "--resume", choices=("auto", "never"), default="auto", help="never: refuse a folder with a run (default: auto)"
    )
    parser.add_argument("--keys", action="store_true", help="list every key of this recipe with its meaning, and end")
    chosen, overrides = parser.parse_known_args(argv)

    from posegan.training import load_recipe, train

    recipe = load_recipe(chosen.config, overrides)
    if chosen.keys:
        print(recipe.describe())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        folder = train(recipe, resume=chosen.resume == "auto")
    print(f"weights.safetensors, metrics.jsonl and what else the run has written are in {folder}")
