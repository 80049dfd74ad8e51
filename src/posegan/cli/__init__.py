"""The command line: a flat table of commands. Nothing heavy is imported before a command is known, so help is instant.

Each command is a module with `run(argv)`, which parses, calls one function and prints.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from posegan import __version__
from posegan.errors import UserError, unknown_name

COMMANDS = {
    "demo": ("posegan.cli.demo", "re-pose bundled people; needs no input"),
    "train": ("posegan.cli.train", "train a model from a recipe; goes on where a run was stopped"),
    "generate": ("posegan.cli.generate", "re-pose the person of a photo"),
    "animate": ("posegan.cli.animate", "put the person of a photo through a sequence of poses"),
    "sample": ("posegan.cli.sample", "draw people at random, or mix those of several photos"),
    "augment": ("posegan.cli.augment", "new pictures of each person of a re-identification set"),
    "evaluate": ("posegan.cli.evaluate", "score weights on pairs of photos"),
    "benchmark": ("posegan.cli.benchmark", "all weights in one table, with ceilings, floors and published rows"),
    "inspect": ("posegan.cli.inspection", "draw what a model does inside: scales, flows, masks, attention"),
    "detect": ("posegan.cli.detect", "find the joints of the people in photos"),
    "prepare": ("posegan.cli.prepare", "check a data set, split its people, pair and pack its photos"),
    "blend": ("posegan.cli.blend", "weights between two others, for example between smooth and sharp"),
    "export": ("posegan.cli.export", "weights as ONNX files for other programs, compared with torch"),
    "serve": ("posegan.cli.serve", "a page in the browser: drag the joints, see the person move"),
    "speed": ("posegan.cli.speed", "time training steps and generation, beside what the device could do"),
    "models": ("posegan.cli.models", "list the models and their weights"),
}
"""Name of each command: its module and one line of what it does."""

DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG)
"""What a user can mend and no check can foresee."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 for a user's mistake, 130 for Ctrl-C."""
    _speak_utf8()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()  # here, where a closed pipe is caught
        return status
    except UserError as error:
        print(f"posegan: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("posegan: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may the flush at exit complain
        return 141
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's own, which is not imported here
            raise
        print("posegan: the device has too little memory for this: use a smaller batch size or size.", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in DENIED:
            raise
        name = error.filename or "A file"
        print(f"posegan: {name} cannot be used ({error.strerror}): give another.", file=sys.stderr)
        return 2


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(_version())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    try:
        return int(importlib.import_module(COMMANDS[name][0]).run(rest) or 0)
    except SystemExit as done:  # argparse after --help
        return done.code if isinstance(done.code, int) else 0


def _help() -> str:
    lines = [
        "usage: posegan COMMAND [options]",
        "",
        "Re-pose people: one photo of a person and a target pose in, a photo of the same person in that pose out.",
        "",
        "commands:",
        *(f"  {name:<10}{line}" for name, (_, line) in COMMANDS.items()),
        "",
        "`posegan COMMAND --help` tells the options of a command, `posegan --version` the version.",
    ]
    return "\n".join(lines)


def _version() -> str:
    return f"posegan {__version__}"


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
