"""Weights between two others, as a file: part of the way from one end of a run to a later one, or to a run from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from posegan.errors import UserError
from posegan.inference.onnx_generator import is_exported
from posegan.inference.open_data import open_data, require_size
from posegan.inference.output import out_file
from posegan.models.batch_norm import batch_norms, measure_batch_norm
from posegan.places import WEIGHTS, require_new_file_place
from posegan.weights import WeightsInfo, fill, find_weights, load_model, read_weights, save_weights
from posegan.weights_difference import between


@dataclasses.dataclass(frozen=True)
class Blended:
    """What was written, and whether it holds statistics of batch norm that nothing has measured."""

    path: Path
    unmeasured: bool


def blend(start: str | Path, end: str | Path, share: float, out: str | Path, data: str | Path | None = None) -> Blended:
    """Write the weights that are `share`, 0 to 1, of the way from `start` to `end`; licences and data add up.

    start, end: as `posegan.weights.find_weights`, no exports. They should be of one run, or of two of one origin: the
    weights between others make no pictures.
    data: as `open_data`, whose training pairs give batch norm its statistics, as in training; without it they are
    blended too.
    Raises UserError if either cannot be read, they are not of one architecture, `out` is there or cannot be written,
    or `data` cannot be read, do not fit, or are not needed.
    """
    if not 0 <= share <= 1:
        raise UserError(f"The share {share:g} is not between 0 and 1: give 0.5 for half of the way.")
    paths = find_weights(start), find_weights(end)
    for path in paths:
        if is_exported(path):
            raise UserError(f"{path} is an export: give the .safetensors file that it was made from.")
    require_new_file_place(out, WEIGHTS)
    first, tensors = read_weights(paths[0])
    model, second = load_model(paths[1])
    if first.model != second.model:
        raise UserError(f"{paths[0]} holds {first.model!r}, {paths[1]} {second.model!r}: give two of one model.")
    try:
        fill(model, between(tensors, model.generator.state_dict(), share), Path(out))
    except ValueError as error:
        raise UserError(
            f"{paths[0]} and {paths[1]} are of two architectures ({error} differs): give two of one run."
        ) from error
    normed = bool(batch_norms(model.generator))
    if data is not None:
        if not normed:
            raise UserError(f"{paths[1]} holds no batch norm that would have to be measured on {data}: leave it out.")
        height, width = second.config["size"]
        pairs = open_data(data, (height, width), split=None if str(data) == "synthetic" else "train")
        require_size(pairs, (height, width))
        measure_batch_norm(model.generator, pairs)
    written = out_file(out)
    save_weights(written, model.generator.state_dict(), _description(first, second))
    return Blended(written, normed and data is None)


def _description(first: WeightsInfo, second: WeightsInfo) -> WeightsInfo:
    data, licence = _joined(first.data, second.data), _joined(first.licence, second.licence)
    return dataclasses.replace(second, data=data, licence=licence, base="", base_sha256="", share=None)


def _joined(*texts: str) -> str:
    return " ".join(dict.fromkeys(filter(None, texts)))
