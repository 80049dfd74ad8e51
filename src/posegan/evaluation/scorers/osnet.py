"""Is it still the same person? Cosines of OSNet's re-identification embeddings, from an .onnx file."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.evaluation.scorers.base import Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.images import to_bytes
from posegan.metrics import identity_similarity

WEIGHTS = ExternalFile(
    "osnet_x0_25_msmt17.onnx",
    "OSNet x0.25 trained on MSMT17, the embedding of identity similarity",
    "an ONNX export of https://kaiyangzhou.github.io/deep-person-reid/MODEL_ZOO (osnet_x0_25, MSMT17)",
    "dddd73c80b78e24ef982f9c352c1947b42d67433887011e8eb33a00313edef5e",
)
SIZE = (256, 128)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class OSNet(Scorer):
    """Identity similarity; the embeddings of source and target photos are computed once a file name."""

    name = "osnet_x0_25_msmt17"
    metrics = {  # noqa: RUF012
        "identity_source_osnet": "cosine of OSNet's embeddings of the generated and the source photo",
        "identity_target_osnet": "cosine of OSNet's embeddings of the generated and the target photo",
    }

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._network = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no public base class
            raise UserError(f"{path} is not a readable ONNX file: get it from {WEIGHTS.source}.") from error
        self._known: dict[str, Tensor] = {}

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> OSNet:
        """Return the scorer; raises UserError if the file, ImportError if onnxruntime is missing."""
        return cls(weights.find(WEIGHTS))

    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Return the cosines of each photo with its source and its target."""
        made = self._embed(images)
        source = self._embed_named(batch.source_image, batch.source_names)
        target = self._embed_named(batch.target_image, batch.target_names)
        return {
            "identity_source_osnet": identity_similarity(made, source),
            "identity_target_osnet": identity_similarity(made, target),
        }

    def summary(self, row: str) -> dict[str, float]:
        """Return nothing: the means over pairs are the scores."""
        return {}

    def _embed_named(self, images: Tensor, names: tuple[str, ...]) -> Tensor:
        if not names:
            return self._embed(to_bytes(images))
        new = [i for i, name in enumerate(names) if name not in self._known]
        if new:
            for i, embedding in zip(new, self._embed(to_bytes(images[new])), strict=True):
                self._known[names[i]] = embedding
        return torch.stack([self._known[name] for name in names])

    def _embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 to (B, 512)."""
        x = F.interpolate(images.cpu().float() / 255, SIZE, mode="bilinear", antialias=True)
        x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        (found,) = self._network.run(None, {self._network.get_inputs()[0].name: x.numpy()})
        return torch.from_numpy(found)
