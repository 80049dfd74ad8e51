"""Every recipe parses, names only keys that exist, holds no default twice, and builds its model."""

from pathlib import Path

import pytest
import torch
import yaml

from posegan.training import load_recipe

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "recipes"))


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipe_builds(path: Path) -> None:
    recipe = load_recipe(path)
    with torch.device("meta"):
        recipe.new_model()
    assert recipe.training.out == f"runs/{path.relative_to(ROOT / 'recipes').with_suffix('')}"


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipe_holds_only_departures_from_the_defaults(path: Path) -> None:
    recipe = load_recipe(path)
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    sections = {"model": type(recipe.model_config)(), "data": type(recipe.data)(), "training": type(recipe.training)()}
    for section, defaults in sections.items():
        for key, value in written.get(section, {}).items():
            if (section, key) != ("model", "name") and key != "name":
                assert value != getattr(defaults, key), f"{section}.{key} repeats its default"


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_recipe_tells_its_command(path: Path) -> None:
    header = path.read_text(encoding="utf-8").split("model:")[0]
    assert f"posegan train recipes/{name(path)}" in header
