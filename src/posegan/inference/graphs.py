"""ONNX graphs of bundled weights, the weights left out: they run on onnxruntime at once, without an export.

A graph file is a zip of encode.onnx, render.onnx and weights.json, which says for each part which initializer is which
tensor of the weight file, and in which shape. It lies beside the weights and serves all weights of one architecture,
those that are stored as a difference to the weights beside it among them.
How it is made is in inference/export_graphs.py.
"""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path

from posegan.errors import UserError
from posegan.inference.onnx_generator import ENCODE, RENDER, OnnxGenerator, open_session
from posegan.models.base import Generator, count_parameters
from posegan.pose import Size

INDEX = "weights.json"
Places = dict[str, tuple[str, list[int]]]  # name of an initializer -> name of the tensor, shape


def graphs_beside(weights: Path) -> Path:
    """Return where the graph file of a weight file lies, if there is one."""
    return weights.with_suffix(".graphs.zip")


def find_graphs(weights: Path) -> Path | None:
    """Return the graph file beside a weight file, None if there is none or the package onnxruntime is missing."""
    path = graphs_beside(weights)
    return path if path.is_file() and importlib.util.find_spec("onnxruntime") else None


def load_graphs(path: Path, generator: Generator, size: Size) -> OnnxGenerator:
    """Return a generator of photos (H, W) on onnxruntime, with the weights that `generator` has.

    Raises UserError if the file is damaged or made for another architecture.
    """
    tensors = generator.state_dict()
    try:
        with zipfile.ZipFile(path) as file:
            index: dict[str, Places] = json.loads(file.read(INDEX))
            sessions = {}
            for part in (ENCODE, RENDER):
                weights = {name: tensors[key].reshape(shape) for name, (key, shape) in index[part].items()}
                sessions[part] = open_session(file.read(f"{part}.onnx"), f"{path}, {part}", weights)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"{path} does not fit the weights beside it ({error}): install posegan again.") from error
    return OnnxGenerator(sessions, size, count_parameters(generator), generator)
