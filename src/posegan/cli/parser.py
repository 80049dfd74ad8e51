"""What the parsers of all commands share: the program's name and mistakes told in one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from posegan.errors import UserError, unknown_name

DEFAULT_WEIGHTS = "posegan-market-research (for research only)"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`s, so that they look like every other mistake."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse as argparse does, but name an option that does not exist before one that is missing.

        Raises UserError with the nearest options.
        """
        for argument in args or ():
            option = argument.partition("=")[0]
            if option.startswith("--") and option not in ("--", *self._option_string_actions):
                raise unknown_name("option", option, [o for o in self._option_string_actions if o.startswith("--")])
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise UserError with argparse's message and where to find help."""
        raise UserError(f"{message}; see `{self.prog} --help`.")


def command_parser(name: str, description: str) -> Parser:
    """Return the parser of a command; options may not be abbreviated."""
    return Parser(prog=f"posegan {name}", description=description, allow_abbrev=False)


def positive(text: str) -> int:
    """Return a positive whole number; an argparse type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def between(low: float, high: float) -> Callable[[str], float]:
    """Return an argparse type of numbers from low to high."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return number


def add_weights_option(parser: Parser) -> None:
    """Add --weights, for commands that use one model."""
    parser.add_argument(
        "--weights",
        metavar="W",
        help=f"bundled weights by name, .safetensors file or run folder; default: {DEFAULT_WEIGHTS}",
    )


def add_measured_options(parser: Parser) -> None:
    """Add the options that say which pairs are measured: --data, --pairs and --split."""
    parser.add_argument(
        "--data", required=True, help="folder of a data set (Market-1501, DeepFashion, photos) or 'synthetic'"
    )
    parser.add_argument("--pairs", help="CSV with the header from,to; default: the data set's own pairs")
    parser.add_argument(
        "--split",
        choices=("test", "validation"),
        help="whose pairs: choose models by validation, report test (default: test, where the data set has it)",
    )


def add_pose_options(parser: Parser) -> None:
    """Add the options that say what becomes of another person's pose: --no-retarget and --missing."""
    parser.add_argument(
        "--no-retarget",
        action="store_true",
        help="keep the limb lengths of the pose; default: those of the photo's person",
    )
    parser.add_argument(
        "--missing",
        choices=("leave", "guess"),
        default="leave",
        help="joints that the pose lacks: leave them out, or guess them and say which (default: %(default)s)",
    )


def add_source_options(parser: Parser, *, required: bool) -> None:
    """Add the options that say whose photos are re-posed: --source and --source-pose."""
    parser.add_argument(
        "--source",
        required=required,
        nargs="+",
        action="extend",
        metavar="PHOTO",
        help="photo of the person; further photos of them show other sides, the picture is made for the first",
    )
    parser.add_argument(
        "--source-pose",
        nargs="+",
        action="extend",
        metavar="POSE",
        help="joints of each source photo: OpenPose .json or .csv, one .csv may be for all; default: found in it",
    )
