"""Writes the graph files of inference/graphs.py: an export of a generator without its weights."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from posegan.files import atomic_writer
from posegan.inference.export import export_generator
from posegan.inference.graphs import INDEX, Places
from posegan.models.base import Generator
from posegan.pose import Size


def write_graphs(generator: Generator, size: Size, path: Path) -> None:
    """Write the graph file of a generator in evaluation mode for photos of (H, W), whole or not at all.

    Compare its pictures with torch's: a weight that the exporter works into another number stays in the graph.
    Raises UserError as `export_generator`.
    """
    blank = copy.deepcopy(generator)
    draw = torch.Generator().manual_seed(0)
    for value in blank.state_dict().values():  # so that each is known by its numbers, and none is folded away
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=draw) + 0.5)
    tensors = {value.numpy().tobytes(): key for key, value in blank.state_dict().items()}
    index: dict[str, Places] = {}
    files: dict[str, bytes] = {}
    for part, data in export_generator(blank, size, split=True).items():
        files[f"{part}.onnx"], index[part] = _without_weights(data, tensors)
    with atomic_writer(path) as out, zipfile.ZipFile(out, "w") as file:
        for name, content in {INDEX: json.dumps(index).encode(), **files}.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)  # ZipInfo: no time of day


def _without_weights(data: bytes, tensors: Mapping[bytes, str]) -> tuple[bytes, Places]:
    """Return an ONNX file without the tensors, which are known by their bytes, and where they belong."""
    import onnx

    proto: Any = onnx.load_from_string(data)
    places: Places = {}
    for entry in proto.graph.initializer:
        key = tensors.get(onnx.numpy_helper.to_array(entry).tobytes())
        if key is None:
            continue
        places[entry.name] = key, list(entry.dims)
        entry.ClearField("raw_data")
        entry.ClearField("float_data")
        entry.data_location = onnx.TensorProto.EXTERNAL
        entry.external_data.add(key="location", value="weights")
    made: bytes = proto.SerializeToString()
    return made, places
