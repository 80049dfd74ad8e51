"""Config text to dataclass: YAML and dotted overrides in, typed values out, or one sentence that names the wrong key.

The dataclasses live beside the classes that use them; each default is written once, there.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from posegan.errors import UserError, unknown_name
from posegan.files import read_text

T = TypeVar("T")
Tree = dict[str, Any]


def read_tree(path: str | Path, overrides: Sequence[str] = ()) -> Tree:
    """Return a YAML file as nested dicts with `--a.b value` (or `--a.b=value`) overrides laid over it.

    Raises UserError if the file cannot be read, is not a mapping, or an override is not of that form.
    """
    path = Path(path)
    try:
        tree = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"Config {path} is not valid YAML: {_place(error)}.") from error
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise UserError(
            f"Config {path} must hold sections such as 'model:' and 'training:', not {type(tree).__name__}."
        )
    for key, value in _pairs(overrides):
        _lay_over(tree, key.split("."), value, key)
    return tree


def _pairs(overrides: Sequence[str]) -> list[tuple[str, Any]]:
    words, pairs = list(overrides), []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise UserError(f"{word!r} is not expected here: overrides are written --section.key value.")
        key, equals, text = word[2:].partition("=")
        if not all(key.split(".")):
            raise UserError(f"{word!r} names no key: overrides are written --section.key value.")
        if not equals:
            if not words or words[0].startswith("--"):
                raise UserError(f"--{key} has no value: write --{key} value.")
            text = words.pop(0)
        pairs.append((key, _parse(key, text)))
    return pairs


def _parse(key: str, text: str) -> Any:
    """Read an override as YAML, but leave numbers, dates and yes or no as text: `build` knows what the field takes."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--{key} is not valid YAML: {text!r}; put the value in quotes.") from error
    return value if value is None or isinstance(value, (str, list, dict)) else text


def _lay_over(tree: Tree, keys: list[str], value: Any, dotted: str) -> None:
    for key in keys[:-1]:
        if tree.get(key) is None:  # not there, or a section without any key
            tree[key] = {}
        tree = tree[key]
        if not isinstance(tree, dict):
            raise UserError(f"--{dotted} cannot be set: {key!r} is a value, not a section.")
    tree[keys[-1]] = value


def build(kind: type[T], tree: Any, section: str) -> T:
    """Return the dataclass `kind` from a nested dict; raises UserError naming the key for a typo or a wrong type."""
    import jsonargparse  # slow to import, and `posegan --help` needs none of it

    if tree is None:
        tree = {}
    if not isinstance(tree, Mapping):
        raise UserError(f"{section!r} must be a section with keys, not {tree!r}.")
    fields = {f.name for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    types = get_type_hints(kind)
    for key, value in tree.items():
        if key not in fields:
            raise unknown_name(f"key in section {section!r}:", str(key), fields)
        if value is None and type(None) not in get_args(types[key]):  # jsonargparse lets None pass for any type
            raise UserError(f"Section {section!r} is not valid: {key!r} is empty; give it a value or delete the line.")
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, section)
    try:
        parsed = parser.parse_object({section: dict(tree)})
        return parser.instantiate(parsed)[section]  # type: ignore[no-any-return]
    except jsonargparse.ArgumentError as error:
        raise UserError(_complaint(str(error), section, tree, types)) from error


def require_at_least(section: str, config: object, least: int, *keys: str) -> None:
    """Raise UserError naming the first of the keys whose number is below `least`."""
    for key in keys:
        value = getattr(config, key)
        if value < least:
            raise UserError(f"{section}.{key} is {value}: it must be at least {least}.")


def require_above_zero(section: str, config: object, *keys: str) -> None:
    """Raise UserError naming the first of the keys whose number is not above 0."""
    for key in keys:
        value = getattr(config, key)
        if not value > 0:
            raise UserError(f"{section}.{key} is {value}: it must be above 0.")


def _place(error: yaml.YAMLError) -> str:
    """Return where a YAML file is wrong and what is wrong there, as far as the parser says."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}, {getattr(error, 'problem', None) or 'cannot be read'}"


def _complaint(message: str, section: str, tree: Mapping[str, Any], types: Mapping[str, Any]) -> str:
    """Return what is wrong with the value that the parser's message names, in words of the user's."""
    for key, value in tree.items():
        if f'"{section}.{key}"' in message:
            return f"{section}.{key} is {value!r}: it must be {_wanted(types[key])}."
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    return f"Section {section!r} is not valid: {' '.join(lines[:3])}"


def _wanted(kind: Any) -> str:
    """Return in words what values a type stands for."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (Union, UnionType):
        return " or ".join("null" if part is type(None) else _wanted(part) for part in inner)
    if origin in (tuple, list):
        many = f"{len(inner)} values, " if origin is tuple and Ellipsis not in inner else ""
        return f"a list of {many}each {_wanted(inner[0])}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words.get(kind, str(getattr(kind, "__name__", kind)))


def describe(sections: Mapping[str, type]) -> str:
    """Return every key of the sections' dataclasses with its values, default and meaning, for people."""
    import jsonargparse

    jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = jsonargparse.ArgumentParser(usage=argparse.SUPPRESS, add_help=False)
    for section, kind in sections.items():
        parser.add_class_arguments(kind, section)
    lines = parser.format_help().strip().splitlines()
    return "\n".join(line for line in lines if "CONFIG" not in line)


def to_tree(value: Any) -> Any:
    """Return a dataclass as plain dicts, lists and scalars that YAML and JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_tree(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, (tuple, list)):
        return [to_tree(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def changed_keys(path: Path, tree: Tree) -> list[str]:
    """Return "section.key was OLD, is NEW" for every value of `tree` that differs from the YAML file's."""
    before = read_tree(path) if path.is_file() else tree
    return [
        f"{section}.{key} was {before.get(section, {}).get(key)}, is {value}"
        for section, values in tree.items()
        for key, value in values.items()
        if before.get(section, {}).get(key) != value
    ]


def dump(tree: Tree) -> str:
    """Return a nested dict as YAML in its own order."""
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
