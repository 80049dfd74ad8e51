"""What the parsers of all commands share: the program's name and mistakes told in one sentence."""

from __future__ import annotations

import argparse
from typing import NoReturn

from posegan.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`s, so that they look like every other mistake."""

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
