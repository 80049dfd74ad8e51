"""Scores of single pictures by networks of the evaluation, in the form that `posegan augment` and others take."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.evaluation.scorers.osnet import WEIGHTS, OSNet
from posegan.images import to_signed
from posegan.inference.picture_score import Pictures


class IdentityScore:
    """How much the person looks like the source photo's to OSNet: the cosine of the two embeddings."""

    name = "identity_osnet"

    def __init__(self, network: OSNet) -> None:
        self._network = network

    @classmethod
    def load(cls, path: str | Path) -> IdentityScore:
        """Return the score with OSNet from an .onnx file; raises UserError if it or onnxruntime is missing."""
        try:
            return cls(OSNet(WEIGHTS.require(path)))
        except ModuleNotFoundError as error:
            raise UserError(f"OSNet needs the package {error.name}: pip install 'posegan[detect]'.") from error

    def __call__(self, pictures: Pictures) -> Tensor:
        """Return the cosines, -1 to 1."""
        source, names = to_signed(pictures.sources), tuple(pictures.names)
        batch = Batch(source, source, pictures.poses, pictures.poses, names, names)
        mask = torch.zeros(len(names), *batch.size, dtype=torch.bool)
        return self._network.add("picture", pictures.images, batch, mask, 0)["identity_source_osnet"]
