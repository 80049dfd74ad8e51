"""The identity embedding with its weights: do two pictures show the same person, by their looks? It crops nothing.

The limits of its verdict are in the weight file, as measured on photos of people it was not trained on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.identity.network import SIZE, IdentityNet
from posegan.images import to_bytes, to_signed
from posegan.weights import WeightsInfo, read_weights, save_weights, tell_licence

SHIPPED = "embedding-market-research"
KIND = "embedding"  # what the weight file says instead of a model's name

Likelihood = Literal["likely", "doubtful", "unlikely"]


@dataclass(frozen=True)
class Limits:
    """likely: the cosine that one in twenty pairs of photos of different people reaches.

    unlikely: the cosine that one in twenty pairs of photos of one person stays below.
    """

    likely: float
    unlikely: float

    def verdict(self, similarity: float) -> Likelihood:
        """Return whether two pictures of that cosine show one person.

        'likely': more alike than 19 of 20 pairs of photos of different people. 'unlikely': less alike than 19 of 20
        pairs of photos of one person. Where both hold, or neither, 'doubtful'.
        """
        above, below = similarity >= self.likely, similarity < self.unlikely
        return "doubtful" if above == below else "likely" if above else "unlikely"


class IdentityEmbedding:
    """The network and its limits, on the CPU, in evaluation mode."""

    def __init__(self, network: IdentityNet, limits: Limits) -> None:
        self.network = network.eval()
        self.limits = limits

    @classmethod
    def load(cls, path: str | Path | None = None) -> IdentityEmbedding:
        """Return the embedding of a weight file, by default the shipped one; its licence is told once.

        Raises UserError if the file is missing, damaged or holds no embedding.
        """
        path = shipped_file() if path is None else Path(path)
        info, tensors = read_weights(path)
        if info.model != KIND:
            raise UserError(f"{path} holds no identity embedding but the model {info.model!r}: give another file.")
        try:
            network = IdentityNet(len(tensors["colours"]))
            network.load_state_dict(tensors)
            limits = Limits(**info.config)
        except (RuntimeError, KeyError, TypeError) as error:
            raise UserError(f"{path} does not fit this version's embedding: get it again.") from error
        tell_licence(path.stem, info.licence)
        return cls(network, limits)

    @torch.inference_mode()
    def __call__(self, photos: Tensor) -> Tensor:
        """Return the unit vectors (B, 128) of photos (B, 3, 128, 64), uint8 or [-1, 1], which is rounded to 8 bits.

        Raises ValueError for photos of another size.
        """
        if tuple(photos.shape[1:]) != (3, *SIZE):
            raise ValueError(f"photos are (B, 3, {SIZE[0]}, {SIZE[1]}), got {tuple(photos.shape)}")
        vectors: Tensor = self.network(to_signed(to_bytes(photos.cpu())))
        return vectors


def shipped_file() -> Path:
    """Return the weight file that comes with the package."""
    return Path(str(resources.files("posegan") / "assets" / "identity" / f"{SHIPPED}.safetensors"))


def save_embedding(path: Path, network: IdentityNet, limits: Limits, data: str, step: int, licence: str) -> None:
    """Write network, limits and description in float16, whole or not at all."""
    info = WeightsInfo(KIND, asdict(limits), data=data, step=step, licence=licence)
    save_weights(path, network.state_dict(), info, half=True)
