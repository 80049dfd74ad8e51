"""The identity embedding with its weights: do two pictures show the same person, by their looks? It crops nothing.

The thresholds of its verdict are in the weight file, beside the photos' similarities they were measured on.
"""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from posegan import __version__
from posegan.errors import UserError
from posegan.files import write_bytes
from posegan.identity.network import SIZE, IdentityNet
from posegan.images import to_bytes, to_signed

FORMAT = "posegan-embedding-1"
SHIPPED = "embedding-market-research"

Likelihood = Literal["likely", "doubtful", "unlikely"]


@dataclass(frozen=True)
class EmbeddingInfo:
    """What an embedding's weight file says of itself."""

    data: str
    """The data set it was trained on."""
    step: int
    """Training steps made."""
    licence: str
    """What the weights may be used for."""
    likely: float
    """Cosine that one in twenty pairs of photos of different people reaches."""
    unlikely: float
    """Cosine that one in twenty pairs of photos of one person stays below."""
    measured: dict[str, float] = field(default_factory=dict)
    """What it scores on the people it was measured with."""
    version: str = __version__
    """Version of posegan that wrote the file."""


class IdentityEmbedding:
    """The network with its thresholds, on the CPU, in evaluation mode."""

    def __init__(self, network: IdentityNet, info: EmbeddingInfo) -> None:
        self.network = network.eval()
        self.info = info

    @classmethod
    def load(cls, path: str | Path | None = None) -> IdentityEmbedding:
        """Return the embedding of a weight file, by default the shipped one, whose licence is told once.

        Raises UserError if the file is missing, damaged or of another format.
        """
        path = shipped_file() if path is None else Path(path)
        network, info = _read(path)
        if "research" in info.licence.lower():
            _tell_licence(path.stem, info.licence)
        return cls(network, info)

    @torch.inference_mode()
    def __call__(self, photos: Tensor) -> Tensor:
        """Return the unit vectors (B, 128) of photos (B, 3, 128, 64), uint8 or [-1, 1], rounded to 8 bits first.

        Raises ValueError for photos of another size.
        """
        if tuple(photos.shape[1:]) != (3, *SIZE):
            raise ValueError(f"photos are (B, 3, {SIZE[0]}, {SIZE[1]}), got {tuple(photos.shape)}")
        vectors: Tensor = self.network(to_signed(to_bytes(photos.cpu())))
        return vectors

    def verdict(self, similarity: float) -> Likelihood:
        """Return whether two pictures of that cosine show one person.

        'likely': more alike than 19 of 20 pairs of photos of different people. 'unlikely': less alike than 19 of 20
        pairs of photos of one person. Where both hold, 'doubtful' too.
        """
        above, below = similarity >= self.info.likely, similarity < self.info.unlikely
        return "doubtful" if above == below else "likely" if above else "unlikely"


def shipped_file() -> Path:
    """Return the weight file that comes with the package."""
    return Path(str(resources.files("posegan") / "assets" / f"{SHIPPED}.safetensors"))


def save_embedding(path: Path, network: IdentityNet, info: EmbeddingInfo) -> None:
    """Write network and description in float16, whole or not at all."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    write_bytes(path, save(tensors, metadata={"format": FORMAT, "info": json.dumps(asdict(info))}))


def _read(path: Path) -> tuple[IdentityNet, EmbeddingInfo]:
    if not path.is_file():
        raise UserError(f"{path} is missing: give an embedding that posegan wrote, or install posegan again.")
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if described.get("format") != FORMAT:
            raise UserError(f"{path} is no identity embedding of posegan: its metadata has no format {FORMAT!r}.")
        info = EmbeddingInfo(**json.loads(described.get("info", "")))
        network = IdentityNet()
        network.load_state_dict(tensors)
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError) as error:
        cause = str(error).partition("\n")[0]
        raise UserError(f"{path} does not fit this version of posegan ({cause}): get it again.") from error
    return network, info


@functools.cache
def _tell_licence(name: str, licence: str) -> None:
    sys.stderr.write(f"{name}: {licence}\n")
