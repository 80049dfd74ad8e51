"""What the library tells has no command-line options in it: whoever calls it from Python has none of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import posegan

ROOT = Path(posegan.__file__).parent
OF_COMMANDS = ("cli", "app")  # nobody else meets their messages
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
OTHERS = re.compile(
    r"`[^`]*`|\(posegan [^)]*\)|(OpenPose|torchrun)'s --\w+|its --\w+"
)  # whole commands, other programs


def told(tree: ast.Module) -> Iterator[str]:
    """Yield the text of each `UserError(...)`, values left out, and of each constant that such texts are made of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
            yield "".join(part.value for part in ast.walk(node) if is_text(part))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and "REMEDY" in node.targets[0].id:
            yield "".join(part.value for part in ast.walk(node.value) if is_text(part))


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def options_in(source: str) -> list[str]:
    return [option for text in told(ast.parse(source)) for option in OPTION.findall(OTHERS.sub("", text))]


FILES = [file for file in ROOT.rglob("*.py") if file.relative_to(ROOT).parts[0] not in OF_COMMANDS]


def test_the_library_names_no_options() -> None:
    found = {str(file.relative_to(ROOT)): options_in(file.read_text(encoding="utf-8")) for file in FILES}
    found["config.py"] = []  # it reads such words, from Python too
    assert {file: options for file, options in found.items() if options} == {}


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ('raise UserError(f"{path} is there: give another --out.")', ["--out"]),
        ('MY_REMEDY = "cut it out with --box L,T," "R,B"', ["--box"]),
        ('raise UserError("write it with OpenPose\'s --keypoint_scale 0, or `posegan detect --out CSV`")', []),
        ('"""A docstring may name --out."""', []),
    ],
)
def test_that_options_are_seen(source: str, options: list[str]) -> None:
    assert options_in(source) == options
