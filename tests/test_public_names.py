"""The public names: all there, from where type checkers see them, and nothing heavy loaded before they are used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import posegan

PROMISED = [
    "Pose",
    "COCO18",
    "Predictor",
    "create_model",
    "model_names",
    "MarketPoseDataset",
    "DeepFashionPoseDataset",
    "PhotoFolderDataset",
    "SyntheticPeople",
    "load_annotations",
    "make_pairs",
    "render_heatmap",
    "part_affines",
    "part_masks",
    "body_mask",
    "nearest_neighbour_loss",
    "offset_smoothness_loss",
    "perceptual_loss",
    "ssim",
    "masked_ssim",
    "pckh",
    "train",
    "evaluate",
]


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_there(name: str) -> None:
    home = importlib.import_module(posegan._HOME[name])
    assert getattr(posegan, name) is getattr(home, name)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(posegan.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("posegan.")
        for alias in node.names
    }
    assert seen == posegan._HOME
    assert set(posegan.__all__) == set(PROMISED)
    assert set(PROMISED) <= set(dir(posegan))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="'Preditor'"):
        posegan.Preditor  # noqa: B018


def test_version_is_the_packages() -> None:
    assert posegan.__version__ == metadata.version("posegan")


def test_nothing_heavy_is_imported_for_help() -> None:
    code = (
        "import sys, posegan\nfrom posegan.cli import main\n"
        "assert main(['--help']) == 0 and main(['--version']) == 0 and main(['trian']) == 2\n"
        "print(sorted({'torch', 'numpy', 'jsonargparse', 'PIL', 'rich', 'argparse'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "did you mean 'train'" in done.stderr


def test_torchvision_waits_until_it_is_needed() -> None:
    code = "import sys, posegan.detect, posegan.inference.generate\nprint('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
