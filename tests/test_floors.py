"""Imports go down only (DESIGN 3): no upward import, none between folders of one floor, and no cycle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import posegan

ROOT = Path(posegan.__file__).parent

FLOORS = (
    ("errors", "registry", "config", "images", "files", "places", "lock", "hardware", "people", "pose", "spread"),
    ("batch", "layers"),
    ("losses", "metrics", "data"),
    ("models", "detect", "identity", "weights", "weights_difference"),
    ("inference",),
    ("evaluation", "prepare"),
    ("training", "app"),
    ("cli",),
    ("__main__",),
)
FLOOR = {unit: number for number, units in enumerate(FLOORS) for unit in units}
ROOT_NAMES = {"__version__"}  # what a module may take from the top package: anything else would hide a floor


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(("posegan", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imports(file: Path, modules: set[str]) -> set[str]:
    """Return the posegan modules that a file imports anywhere, also inside functions; unknown names as they stand."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.partition(".")[0] == "posegan"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            if (node.module or "").partition(".")[0] != "posegan":
                continue
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules or (node.module == "posegan" and alias.name not in ROOT_NAMES):
                    found.add(full)
                elif node.module != "posegan":
                    found.add(str(node.module))
    return found


def graph(root: Path) -> dict[str, set[str]]:
    files = {module_name(file, root): file for file in root.rglob("*.py")}
    del files["posegan"]  # the top package imports its names lazily, from every floor
    return {name: imports(file, {*files}) for name, file in files.items()}


def violations(root: Path) -> list[str]:
    found = []
    modules = graph(root)
    folders = {path.name for path in root.iterdir() if path.is_dir()}
    for name, targets in modules.items():
        unit = name.split(".")[1]
        for target in sorted(targets):
            other = target.split(".")[1]
            if unit not in FLOOR or other not in FLOOR:
                found.append(f"{name} -> {target}: not on any floor")
            elif FLOOR[other] > FLOOR[unit]:
                found.append(f"{name} -> {target}: upward")
            elif FLOOR[other] == FLOOR[unit] and other != unit and {unit, other} <= folders:
                found.append(f"{name} -> {target}: sideways")
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as error:
        found.append("cycle: " + " -> ".join(error.args[1]))
    return found


def test_imports_go_down_only() -> None:
    assert violations(ROOT) == []


def test_every_folder_has_a_floor() -> None:
    units = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert units - {"__init__", "__pycache__", "assets"} <= set(FLOOR)


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("pose/a.py", "from posegan.data import x", "posegan.pose.a -> posegan.data: upward"),
        ("pose/a.py", "def f():\n    import posegan.cli.b", "posegan.pose.a -> posegan.cli.b: upward"),
        ("data/a.py", "from posegan.metrics.b import x", "posegan.data.a -> posegan.metrics.b: sideways"),
        ("cli/a.py", "from posegan import Predictor", "posegan.cli.a -> posegan.Predictor: not on any floor"),
        ("data/a.py", "from posegan.data.b import x", "cycle: "),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    for folder in ("pose", "data", "metrics", "cli"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "b.py").touch()
    (tmp_path / "__init__.py").touch()
    (tmp_path / "data" / "b.py").write_text("from posegan.data import a")
    assert violations(tmp_path) == []
    (tmp_path / file).write_text(text)
    found = violations(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(complaint)
