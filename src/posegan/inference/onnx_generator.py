"""Generators that run on onnxruntime: what `posegan export` wrote, behind the interface of every other generator.

They are `Generator`s, so the predictor and all that is built on it (commands, page, evaluation) need no second path and
no word about runtimes. They run on the CPU, for photos of the exported size, in any batch size, and hand out nothing
besides the photo. How the files are made is in inference/export.py.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.models.base import Features, Generator, Output
from posegan.pose import COCO18, Pose, Size
from posegan.weights import WeightsInfo

FORMAT = "posegan-onnx-1"
WHOLE, ENCODE, RENDER = "generator", "encode", "render"  # the parts; the last two are also the names of their files
MISSING = "onnxruntime runs ONNX files: pip install 'posegan[export]'."


@dataclass(frozen=True)
class ExportInfo:
    """What an exported file says of itself: the weights it was made from, their sha256, their number."""

    weights: WeightsInfo
    sha256: str
    parameters: int

    def metadata(self, part: str) -> dict[str, str]:
        """Return it as texts for the file's metadata_props."""
        said = {key: _text(value) for key, value in dataclasses.asdict(self.weights).items()}
        return said | {
            "format": FORMAT,
            "part": part,
            "weights_sha256": self.sha256,
            "parameters": str(self.parameters),
        }

    @classmethod
    def parse(cls, said: Mapping[str, str], name: str) -> ExportInfo:
        """Return what the metadata of the file called `name` says; raises UserError if posegan did not write it."""
        if said.get("format") != FORMAT:
            raise UserError(f"{name} was not written by `posegan export`: its metadata has no format {FORMAT!r}.")
        fields = {field.name: field for field in dataclasses.fields(WeightsInfo)}
        try:
            values: dict[str, Any] = {
                key: said[key] if field.type == "str" else json.loads(said[key]) for key, field in fields.items()
            }
            info = cls(WeightsInfo(**values), said["weights_sha256"], int(said["parameters"]))
        except (KeyError, ValueError) as error:
            raise UserError(f"{name} does not say which model it holds ({error}): export it again.") from error
        if info.weights.skeleton != COCO18.name:
            raise UserError(f"{name} expects the skeleton {info.weights.skeleton!r}, not {COCO18.name!r}: export anew.")
        return info


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class OnnxGenerator(Generator):
    """A generator of one size (H, W) whose parts are onnxruntime sessions: WHOLE, or ENCODE and RENDER.

    With WHOLE alone the features are the photo itself, so that every pose costs the encoding too.
    mixer: the same generator in torch, if it is here; it mixes several photos of a person, which no graph does.
    """

    def __init__(
        self, sessions: Mapping[str, Any], size: Size, parameters: int, mixer: Generator | None = None
    ) -> None:
        super().__init__()
        self.sessions = dict(sessions)
        self.size = size
        self._parameters_of_weights = parameters
        self.mixer = mixer

    @property
    def parameter_count(self) -> int:
        """The number of the weights that were exported."""
        return self._parameters_of_weights

    def encode(self, source: Tensor, source_pose: Pose) -> Features:
        """Return what ENCODE makes of photos (B, 3, H, W); raises ValueError if they have another size."""
        if source.shape[-2:] != self.size:
            raise ValueError(f"exported for photos of {self.size}, got {tuple(source.shape[-2:])}")
        if WHOLE in self.sessions:
            return (source,)
        return tuple(_run(self.sessions[ENCODE], (source, source_pose.xy, source_pose.visible)))

    def render(self, features: Features, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos, without intermediate results."""
        poses = (source_pose.xy, source_pose.visible, target_pose.xy, target_pose.visible)
        (image,) = _run(self.sessions[WHOLE if WHOLE in self.sessions else RENDER], (*features, *poses))
        return Output(image)

    def render_together(self, features: Features, source_pose: Pose, target_pose: Pose, shares: Tensor) -> Output:
        """Return what the mixer makes of the same features, else as every generator."""
        if self.mixer is None:
            return super().render_together(features, source_pose, target_pose, shares)
        return Output(self.mixer.render_together(features, source_pose, target_pose, shares).image)


def _run(session: Any, values: Sequence[Tensor]) -> list[Tensor]:
    names = [entry.name for entry in session.get_inputs()]
    fed = {name: value.contiguous().numpy() for name, value in zip(names, values, strict=True)}
    return [torch.from_numpy(array) for array in session.run(None, fed)]


def open_session(data: bytes, name: str, weights: Mapping[str, Tensor] | None = None) -> Any:
    """Return an onnxruntime session with as many threads as torch has.

    name: for the message if that fails. weights: what the file leaves out, by the names of its initializers.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UserError(MISSING) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the processor to the browser
    arrays = {key: value.contiguous().numpy() for key, value in (weights or {}).items()}
    given = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
    if given:
        options.add_external_initializers(list(arrays), given)
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public base class
        raise UserError(f"{name} is not an ONNX file that onnxruntime can run: export it again.") from error


def is_exported(path: Path) -> bool:
    """Return whether a path is that of an exported file, or of a folder of two."""
    return path.suffix.lower() == ".onnx" or (path / f"{RENDER}.onnx").is_file()


def load_exported(path: Path) -> tuple[OnnxGenerator, ExportInfo]:
    """Return the generator of an .onnx file or of a folder with encode.onnx and render.onnx, and what they say.

    Raises UserError if a file is missing, is not posegan's, or does not belong to the other, or without onnxruntime.
    """
    files = {part: path / f"{part}.onnx" for part in (ENCODE, RENDER)} if path.is_dir() else {WHOLE: path}
    sessions, infos = {}, []
    for part, file in files.items():
        try:
            session = open_session(file.read_bytes(), str(file))
        except OSError as error:
            raise UserError(f"{file} cannot be opened ({error.strerror}): export it again.") from error
        said = session.get_modelmeta().custom_metadata_map
        infos.append(ExportInfo.parse(said, str(file)))
        if said.get("part") != part:
            raise UserError(f"{file} holds the part {said.get('part')!r} alone: give the folder of both parts.")
        sessions[part] = session
    if any(info != infos[0] for info in infos):
        raise UserError(f"The two files in {path} were made from different weights: export them again.")
    height, width = infos[0].weights.config["size"]
    return OnnxGenerator(sessions, (height, width), infos[0].parameters), infos[0]
