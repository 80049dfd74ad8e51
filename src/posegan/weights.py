"""Weight files: one safetensors file holds a generator and everything needed to build it. No pickles.

It does not choose devices and does not run anything; training state for exact resume is in posegan.training.state.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from posegan import __version__
from posegan.errors import UserError, unknown_name
from posegan.files import sha256_of, write_bytes
from posegan.models import ReposeModel, create_model
from posegan.pose import COCO18
from posegan.weights_difference import between, pack, unpack

FORMAT = "posegan-weights-1"
OTHERS = ("detector-", "embedding-")  # bundled networks that make no pictures


@dataclass(frozen=True)
class WeightsInfo:
    """What a weight file says of itself."""

    model: str
    """Registered name of the model."""
    config: dict[str, Any]
    """All fields of the model's config dataclass."""
    data: str = ""
    """The data set it was trained on."""
    step: int = 0
    """Training steps made."""
    licence: str = ""
    """What the weights may be used for."""
    skeleton: str = COCO18.name
    """Name of the skeleton whose joints the model expects."""
    version: str = ""
    """Version of posegan that wrote the file."""
    base: str = ""
    """Bundled weights that the file only holds a difference to."""
    base_sha256: str = ""
    """sha256 of the file of those."""
    share: float | None = None
    """Where the file holds no weights: which share of the difference that `base` is stored as they take."""

    @property
    def synthetic(self) -> bool:
        """Whether they were trained on synthetic people only: anybody may use such weights for anything."""
        return self.data == "synthetic"


def save_weights(path: Path, generator: dict[str, Tensor], info: WeightsInfo, *, half: bool = False) -> None:
    """Write a generator's state and its description, whole or not at all; `half` stores float16."""
    info = dataclasses.replace(info, version=__version__)
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in generator.items()
    }
    described = {"format": FORMAT, "info": json.dumps(dataclasses.asdict(info))}
    write_bytes(path, save(tensors, metadata=described))


def save_difference(path: Path, generator: dict[str, Tensor], info: WeightsInfo, base: str) -> None:
    """Write a generator's state as its difference to the bundled weights `base`, rounded (posegan.weights_difference).

    Raises UserError as `find_weights` and `read_weights` for `base`.
    """
    there = find_weights(base)
    info = dataclasses.replace(info, base=base, base_sha256=sha256_of(there))
    save_weights(path, pack(generator, read_weights(there)[1]), info)


def save_share(path: Path, base: str, share: float) -> None:
    """Write that the weights take this share of the difference that the bundled weights `base` are stored as.

    Raises UserError as `find_weights` and `read_info` for `base`.
    """
    there = find_weights(base)
    save_weights(path, {}, dataclasses.replace(read_info(there), base=base, base_sha256=sha256_of(there), share=share))


def read_weights(path: Path) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """Return a weight file's description and its tensors as float32.

    Raises UserError as `read_info`, if it is a difference to weights that are not there or do not fit, or if a weight
    is not finite.
    """
    info, tensors = _stored(path)
    if info.base:
        tensors = _whole(tensors, info, path)
    broken = next((name for name, value in tensors.items() if not bool(value.isfinite().all())), None)
    if broken is not None:  # a picture of NaN would be black, without a word
        raise UserError(
            f"{path} is broken: its {broken!r} is not finite; take weights of an earlier step, or train again."
        )
    return info, tensors


def read_info(path: Path) -> WeightsInfo:
    """Return a weight file's description; its tensors are not read.

    Raises UserError if the file is missing, cut off, of another format, or made for another skeleton.
    """
    path = Path(path)
    if path.suffix == ".onnx" or path.is_dir():
        raise UserError(f"{path} is an ONNX export, which this cannot read: give the .safetensors file it was made of.")
    if not path.is_file():
        known = ", ".join(map(repr, bundled_names()))
        shipped = f" or the name of shipped weights: {known}" if known else ""
        raise UserError(f"{path} is missing: give a .safetensors file that posegan wrote{shipped}.")
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is no readable safetensors file ({error}): give one that posegan wrote, or get it again."
        ) from error
    if described.get("format") != FORMAT:
        raise UserError(f"{path} was not written by posegan: its metadata has no format {FORMAT!r}; use such a file.")
    info = _parse(described.get("info", ""), path)
    if info.skeleton != COCO18.name:
        raise UserError(f"{path} expects the skeleton {info.skeleton!r}; this version knows {COCO18.name!r} only.")
    return info


def _stored(path: Path) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """Return what a weight file holds, be it weights, a difference or nothing, its numbers as float32."""
    info = read_info(path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    return info, {n: value.float() if value.dtype == torch.float16 else value for n, value in tensors.items()}


def _base_of(info: WeightsInfo, path: Path) -> Path:
    base = find_weights(info.base)
    if sha256_of(base) != info.base_sha256:
        raise UserError(f"{path} is a difference to another {info.base!r} than this version has: get them together.")
    return base


def _whole(difference: dict[str, Tensor], info: WeightsInfo, path: Path) -> dict[str, Tensor]:
    base = _base_of(info, path)
    if info.share is not None:  # of the difference that the base is stored as
        described, difference = _stored(base)
        base = _base_of(described, base)
    start = read_weights(base)[1]
    try:
        end = unpack(difference, start)
        return end if info.share is None else between(start, end, info.share)
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path} does not fit {info.base!r} ({error}): get it again.") from error


def _parse(text: str, path: Path) -> WeightsInfo:
    known = {f.name for f in dataclasses.fields(WeightsInfo)}
    try:
        return WeightsInfo(**{key: value for key, value in json.loads(text).items() if key in known})
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} does not say which model it holds ({error}): get it again.") from error


def root_of(path: Path) -> Path:
    """Return the weight file that others lie behind, if the file is stored as a difference, or else the file itself.

    Raises UserError as `find_weights` and `read_info`.
    """
    base = read_info(path).base
    return root_of(find_weights(base)) if base else path


def load_model(path: Path) -> tuple[ReposeModel, WeightsInfo]:
    """Return the model that a weight file describes, its generator filled, in evaluation mode.

    Raises UserError as `read_weights`, or if names or shapes of the weights are not the model's.
    """
    info, tensors = read_weights(path)
    try:
        model = create_model(info.model, **info.config)
    except UserError as error:
        raise UserError(
            f"{path} was written by posegan {info.version} and does not fit this version: {error}"
        ) from error
    fill(model, tensors, path)
    return model.eval(), info


def fill(model: ReposeModel, tensors: dict[str, Tensor], path: Path) -> None:
    """Load a weight file's tensors into the model's generator; raises UserError if names or shapes differ."""
    try:
        model.generator.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        first = first.partition('", ')[0].rstrip('". ') + '".' if first.startswith(("Missing", "Unexpected")) else first
        raise UserError(f"{path} does not fit the model: {first} Use the config and version that wrote it.") from error


@functools.cache
def tell_licence(name: str, licence: str) -> None:
    """Say once on the standard error what weights may be used for, if that is research only."""
    if "research" in licence.lower():
        sys.stderr.write(f"{name}: {licence}\n")


def _bundled() -> dict[str, Path]:
    folder = Path(str(resources.files("posegan") / "assets"))
    files = sorted(folder.glob("*.safetensors"), key=lambda file: file.stem)
    return {file.stem: file for file in files if not file.name.startswith(OTHERS)}


def bundled_names() -> tuple[str, ...]:
    """Return the names of the generators' weights that are shipped with the package."""
    return tuple(_bundled())


def find_weights(name_or_path: str | Path) -> Path:
    """Return the file of bundled weights by name, or the given path, which may be that of an ONNX export.

    Raises UserError if there is neither.
    """
    path = Path(name_or_path)
    if path.suffix in (".safetensors", ".onnx") or path.is_file() or (path / "render.onnx").is_file():
        return path
    if (path / "weights.safetensors").is_file():
        return path / "weights.safetensors"
    if (path / "config.yaml").is_file():
        raise UserError(f"The run folder {path} holds no weights yet: train on until they are saved.")
    bundled = _bundled()
    if str(name_or_path) not in bundled:
        if path.is_dir():
            raise UserError(f"{path} holds no weights.safetensors: give a run folder or a .safetensors file.")
        raise unknown_name("weights", str(name_or_path), [*bundled, "a .safetensors file", "a run folder"])
    return bundled[str(name_or_path)]
