"""`posegan export`: a generator as ONNX, whole or as encode and render, written only if it equals torch.

It exports generation, not training. What runs the files is in inference/onnx_generator.py; the page that uses them in a
browser is in app/web_export.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from posegan import __version__
from posegan.errors import UserError
from posegan.files import sha256_of, write_bytes
from posegan.inference.onnx_generator import (
    ENCODE,
    RENDER,
    WHOLE,
    ExportInfo,
    OnnxGenerator,
    is_exported,
    open_session,
)
from posegan.inference.output import out_file, out_folder
from posegan.inference.poses import bundled_poses
from posegan.models.base import Generator, count_parameters
from posegan.places import EXPORT, require_file_place, require_folder_place
from posegan.pose import Pose, Size
from posegan.weights import find_weights, load_model

OPSET = 20
TOLERANCE = 2 / 255  # of pictures in [-1, 1]: one grey level; the shipped weights differ by 4e-6
BATCHES = (1, 3)  # sizes at which the files are compared with torch
POSE_SIZE = (128, 64)  # frame of the bundled poses

SOURCE = ("source", "source_xy", "source_visible")
TARGET = ("target_xy", "target_visible")


@dataclass(frozen=True)
class Exported:
    """Written files, and the largest difference of any of their pictures from torch's, in [-1, 1]."""

    files: tuple[Path, ...]
    difference: float


class _Part(nn.Module):
    """A part of a generator over plain tensors, in the frame of photos of one size, which the generator may change."""

    def __init__(self, generator: Generator, size: Size) -> None:
        super().__init__()
        self.generator = generator
        self.size = size


class Encode(_Part):
    """Photo and pose -> features."""

    def forward(self, source: Tensor, xy: Tensor, visible: Tensor) -> tuple[Tensor, ...]:
        """Return the features."""
        pose = self.generator.fit_pose(Pose(xy, visible), self.size)
        return self.generator.encode(self.generator.fit(source), pose)


class Render(_Part):
    """Features, their pose and the target pose -> picture."""

    def forward(
        self, features: tuple[Tensor, ...], xy: Tensor, visible: Tensor, target_xy: Tensor, target_visible: Tensor
    ) -> Tensor:
        """Return the picture."""
        poses = (self.generator.fit_pose(p, self.size) for p in (Pose(xy, visible), Pose(target_xy, target_visible)))
        return self.generator.restore(self.generator.render(features, *poses).image, self.size)


class Whole(_Part):
    """Photo, its pose and the target pose -> picture."""

    def forward(self, source: Tensor, xy: Tensor, visible: Tensor, target_xy: Tensor, target_visible: Tensor) -> Tensor:
        """Return the picture."""
        image: Tensor = self.generator(source, Pose(xy, visible), Pose(target_xy, target_visible)).image
        return image


def export_onnx(weights: str | Path, out: str | Path, *, split: bool = False) -> Exported:
    """Write a generator as the .onnx file `out`, or `split` as encode.onnx and render.onnx in the folder `out`.

    The files take any batch size and photos of the weights' size; nothing is written unless their pictures equal
    torch's to TOLERANCE. weights: as `posegan.weights.find_weights`, no export.
    Raises UserError if the weights cannot be read, `out` does not fit, a package is missing, or the model does not
    export, or not right.
    """
    path = find_weights(weights)
    if is_exported(path):
        raise UserError(f"{path} is an export already: give the .safetensors file that it was made from.")
    if split and Path(out).suffix.lower() in EXPORT:
        raise UserError(f"{out} is to be a folder for two files: give a name without an ending.")
    if split:
        require_folder_place(out)
    else:
        require_file_place(out, EXPORT, [path])
    model, info = load_model(path)
    generator = model.generator.eval()
    height, width = info.config["size"]
    if split:  # before minutes of work
        paths = {part: out_folder(out) / f"{part}.onnx" for part in (ENCODE, RENDER)}
    else:
        paths = {WHOLE: out_file(out, EXPORT, [path])}
    files = export_generator(generator, (height, width), split=split)
    difference = largest_difference(generator, on_onnxruntime(files, (height, width)), (height, width))
    if not difference <= TOLERANCE:  # nor NaN
        raise UserError(
            f"{path} as ONNX differs from torch by {difference:.2g} in [-1, 1], more than {TOLERANCE:.2g}: nothing was "
            "written."
        )
    said = ExportInfo(info, sha256_of(path), count_parameters(generator))
    for part, proto in files.items():
        write_bytes(paths[part], with_metadata(proto, said.metadata(part)))
    return Exported(tuple(paths.values()), difference)


def export_generator(generator: Generator, size: Size, *, split: bool) -> dict[str, bytes]:
    """Return a generator in evaluation mode as ONNX files by part, for photos of (H, W).

    Raises UserError if a package is missing or an operation has no ONNX form.
    """
    source, target = example(size, 2, 0)
    plain = (source[0], source[1].xy, source[1].visible)
    poses = (target.xy, target.visible)
    batch = {0: torch.export.Dim("batch", min=1)}
    if not split:
        return {WHOLE: to_onnx(Whole(generator, size), (*plain, *poses), (batch,) * 5, SOURCE + TARGET, ("image",))}
    with torch.no_grad():
        features = tuple(f.contiguous() for f in Encode(generator, size)(*plain))
    names = tuple(f"feature_{i}" for i in range(len(features)))
    given = (features, *plain[1:], *poses)
    shapes = (tuple(batch for _ in features), *(batch,) * 4)
    return {
        ENCODE: to_onnx(Encode(generator, size), plain, (batch,) * 3, SOURCE, names),
        RENDER: to_onnx(Render(generator, size), given, shapes, (*names, *SOURCE[1:], *TARGET), ("image",)),
    }


def to_onnx(
    module: nn.Module,
    given: tuple[Any, ...],
    shapes: tuple[Any, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> bytes:
    """Return the ONNX file of a module; shapes: which dimensions of its inputs are free.

    Raises UserError if a package is missing or an operation has no ONNX form.
    """
    try:
        import onnx  # noqa: F401 (torch needs both, and does not say so in a sentence)
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"Export needs the package {error.name}: pip install 'posegan[export]'.") from error
    try:
        with torch.no_grad(), _quiet():
            traced = torch.export.export(module.eval(), given, dynamic_shapes=shapes)
            program = torch.onnx.export(
                traced, (), dynamo=True, opset_version=OPSET, verbose=False, input_names=inputs, output_names=outputs
            )
    except Exception as error:  # torch's exporter raises what its many parts raise
        first = str(error).strip().partition("\n")[0]
        raise UserError(f"This model does not export to ONNX with torch {torch.__version__}: {first}") from error
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:  # where in whose files each operation was traced: hundreds of kilobytes
        del node.metadata_props[:]
    data: bytes = proto.SerializeToString()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress out of the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def with_metadata(data: bytes, said: Mapping[str, str]) -> bytes:
    """Return an ONNX file with these metadata_props, and by what it was exported."""
    import onnx

    proto = onnx.load_from_string(data)
    onnx.helper.set_model_props(proto, {**said, "exported_by": f"posegan {__version__}"})
    proto.producer_name, proto.producer_version = "posegan", __version__
    made: bytes = proto.SerializeToString()
    return made


def example(size: Size, count: int, seed: int) -> tuple[tuple[Tensor, Pose], Pose]:
    """Return `count` photos of noise with poses, and target poses, all in (H, W), the same for the same seed.

    The poses are bundled ones, shaken by two pixels, from which one joint in ten is missing.
    """
    draw = torch.Generator().manual_seed(seed)
    known = [framed.pose for framed in bundled_poses().values()]
    photos = torch.rand(count, 3, *size, generator=draw) * 2 - 1
    poses = []
    for _ in range(2):
        chosen = Pose.stack([known[i] for i in torch.randint(len(known), (count,), generator=draw).tolist()])
        chosen = chosen.resize(POSE_SIZE, size)
        shake = torch.randn(chosen.xy.shape, generator=draw) * 2
        there = torch.rand(chosen.visible.shape, generator=draw) > 0.1
        poses.append(Pose(chosen.xy + shake, chosen.visible & there).inside(size))
    return (photos, poses[0]), poses[1]


def on_onnxruntime(files: Mapping[str, bytes], size: Size) -> OnnxGenerator:
    """Return the generator of ONNX files by part, for photos of (H, W)."""
    return OnnxGenerator({part: open_session(data, part) for part, data in files.items()}, size, 0)


def largest_difference(generator: Generator, other: Generator, size: Size) -> float:
    """Return the largest difference between two generators' pictures of (H, W), at all BATCHES of `example`."""
    worst = 0.0
    for count in BATCHES:
        (photos, source), target = example(size, count, count)
        with torch.inference_mode():
            found, wanted = (model(photos, source, target).image for model in (other, generator))
        worst = max(worst, float((found - wanted).abs().max()))
    return worst
