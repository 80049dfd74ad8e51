"""Config text to dataclass: what is accepted, and that every mistake is one sentence naming the key."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from posegan.config import build, dump, read_tree, to_tree
from posegan.errors import UserError


@dataclass(frozen=True)
class Settings:
    size: tuple[int, int] = (128, 64)
    """Height and width."""
    lr: float = 2e-4
    """Learning rate."""
    warp: Literal["none", "mask"] = "mask"
    """Kind of warp."""
    out: str = "runs"
    """Folder."""
    steps: int = 10
    """Steps."""
    flip: bool = False
    """Mirror."""
    path: str | None = None
    """File."""


@pytest.fixture
def config(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refusal(tree: Any) -> str:
    with pytest.raises(UserError) as caught:
        build(Settings, tree, "training")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("tree", [{}, None])
def test_an_empty_section_is_all_defaults(tree):
    assert build(Settings, tree, "training") == Settings()


def test_values_of_every_kind_arrive_typed():
    tree = {"size": [256, 176], "lr": 1, "warp": "none", "out": "x", "steps": 3, "flip": True, "path": "f"}
    built = build(Settings, tree, "training")
    assert built == Settings((256, 176), 1.0, "none", "x", 3, True, "f")
    assert isinstance(built.size, tuple)
    assert isinstance(built.lr, float)


def test_a_number_that_yaml_takes_for_text_is_a_number(config):
    assert yaml.safe_load("1e-4") == "1e-4"  # YAML 1.1 wants a point
    assert build(Settings, read_tree(config("lr: 1e-4")), "training").lr == 1e-4


def test_none_is_accepted_where_the_type_says_so():
    assert build(Settings, {"path": None}, "training").path is None


def test_a_typo_names_the_key_its_section_and_the_nearest_key():
    assert refusal({"stesp": 3}) == "Unknown key in section 'training': 'stesp'; did you mean 'steps'?"


def test_a_key_like_none_lists_them_all():
    assert refusal({1: 2}).endswith("choose one of: flip, lr, out, path, size, steps, warp.")


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("lr", "fast", "a number"),
        ("steps", 1.5, "a whole number"),
        ("steps", True, "a whole number"),
        ("flip", 3, "true or false"),
        ("out", ["a"], "text"),
        ("warp", "masks", "one of none, mask"),
        ("size", [1], "a list of 2 values, each a whole number"),
        ("size", ["a", 2], "a list of 2 values, each a whole number"),
        ("size", 256, "a list of 2 values, each a whole number"),
        ("path", {"a": 1}, "text or null"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(key, value, wanted):
    assert refusal({key: value}) == f"training.{key} is {value!r}: it must be {wanted}."


@pytest.mark.parametrize("key", ["steps", "out", "warp"])
def test_a_key_without_value_is_refused_where_none_is_no_value(key):
    assert (
        refusal({key: None})
        == f"Section 'training' is not valid: {key!r} is empty; give it a value or delete the line."
    )


@pytest.mark.parametrize("tree", [[], "x", 3])
def test_a_section_that_is_no_mapping_is_refused(tree):
    assert "'training' must be a section with keys" in refusal(tree)


def test_overrides_are_laid_over_the_file_in_both_forms(config):
    path = config("model:\n  name: posegan\n  width: 4\n")
    tree = read_tree(path, ["--model.name", "deformable", "--training.out=a=b", "--new.deep.key", "[1, 2]"])
    assert tree["model"] == {"name": "deformable", "width": 4}
    assert tree["training"] == {"out": "a=b"}
    assert tree["new"] == {"deep": {"key": [1, 2]}}


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("--t.steps=7", "steps", 7),
        ("--t.lr=1e-3", "lr", 1e-3),
        ("--t.lr=-3", "lr", -3.0),
        ("--t.flip=true", "flip", True),
        ("--t.out=2024", "out", "2024"),  # a folder named like a number
        ("--t.out=007", "out", "007"),
        ("--t.out=no", "out", "no"),
        ("--t.flip=no", "flip", False),
        ("--t.out=2024-01-02", "out", "2024-01-02"),
        ("--t.path=12", "path", "12"),
        ("--t.path=null", "path", None),
        ("--t.size=[256, 176]", "size", (256, 176)),
        ("--t.out=runs/ü", "out", "runs/ü"),
    ],
)
def test_an_override_takes_the_type_of_its_field(config, override, field, value):
    built = build(Settings, read_tree(config(""), [override])["t"], "t")
    assert getattr(built, field) == value


def test_an_override_fills_a_section_that_the_file_leaves_empty(config):
    assert read_tree(config("training:\n"), ["--training.out", "x"]) == {"training": {"out": "x"}}


def test_the_last_override_wins(config):
    assert read_tree(config("a: b"), ["--a", "c", "--a", "d"]) == {"a": "d"}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["out"], "'out' is not expected here"),
        (["-x", "1"], "'-x' is not expected here"),
        (["--a"], "--a has no value"),
        (["--b", "--c", "1"], "--b has no value"),
        (["--=1"], "names no key"),
        (["--b..c=1"], "names no key"),
        (["--a.b", "1"], "'a' is a value, not a section"),
        (["--b", "{x"], "--b is not valid YAML"),
    ],
)
def test_a_bad_override_is_a_sentence(config, overrides, sentence):
    with pytest.raises(UserError, match=sentence):
        read_tree(config("a: text"), overrides)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [1", "is not valid YAML: line 1, column 6, expected"),
        ("a: 1\n b: 2", "is not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]", "is not valid YAML"),
        ("- a\n- b", "must hold sections .* not list"),
        ("[]", "must hold sections .* not list"),
        ("just text", "must hold sections .* not str"),
        ("0", "must hold sections .* not int"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_a_bad_file_is_a_sentence_with_its_path(config, text, sentence):
    path = config(text)
    with pytest.raises(UserError, match=sentence) as caught:
        read_tree(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_an_empty_tree(config):
    assert read_tree(config("# nothing\n")) == {}


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path):
    for path in (tmp_path / "no.yaml", tmp_path):
        with pytest.raises(UserError, match="cannot be opened"):
            read_tree(path)


def test_a_dataclass_survives_the_way_to_yaml_and_back(config):
    settings = Settings((256, 176), 3e-5, "none", "runs/ü", 3, True, "f")
    text = dump({"training": to_tree(settings)})
    assert "ü" in text
    assert list(yaml.safe_load(text)["training"]) == ["size", "lr", "warp", "out", "steps", "flip", "path"]
    assert build(Settings, read_tree(config(text))["training"], "training") == settings


def test_paths_become_text(tmp_path: Path):
    assert to_tree({"a": 1}) == {"a": 1}
    assert to_tree((tmp_path, 1)) == [str(tmp_path), 1]


def test_the_import_needs_neither_torch_nor_jsonargparse():
    code = (
        "import sys, posegan.config, posegan.files, posegan.registry\n"
        "print({'torch', 'jsonargparse'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
