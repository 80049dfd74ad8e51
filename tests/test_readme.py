"""The README's commands exist and its two promises are what .ci/run runs and what the demo does."""

import re
from pathlib import Path

from posegan.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_are_there() -> None:
    assert "pip install . && posegan demo" in README
    assert 'pip install -e ".[test]" && pytest -n auto' in README
    assert "\npytest -n auto\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"posegan ([a-z]+)\b", README))
    said = {word for word in named if f"`posegan {word}" in README or f"    posegan {word}" in README}
    assert said
    assert said <= COMMANDS.keys(), said - COMMANDS.keys()


def test_every_linked_file_exists() -> None:
    for page in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "recipes" / "README.md",
    ):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
