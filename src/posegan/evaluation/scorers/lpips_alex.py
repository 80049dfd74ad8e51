"""LPIPS as the field prints it: the lpips package, AlexNet trunk, heads v0.1, photos at their own size in [-1, 1]."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.evaluation.scorers.base import Scorer
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import ExternalFile
from posegan.images import to_bytes, to_signed
from posegan.layers.state_files import read_state

URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
WEIGHTS = ExternalFile(
    "alexnet-owt-7be5be79.pth", "torchvision's AlexNet, the trunk of LPIPS", f"{URL} (its sha256 starts with 7be5be79)"
)


class LpipsAlex(Scorer):
    """LPIPS with AlexNet."""

    name = "lpips-alex-v0.1"
    metrics = {"lpips_alex": "LPIPS, AlexNet, v0.1, photos at their own size; lower is better"}  # noqa: RUF012

    def __init__(self, path: Path, device: torch.device) -> None:
        super().__init__(path)
        self._device, self._network = device, _load(path).to(device)

    @classmethod
    def load(cls, weights: WeightFolder, total: int, device: torch.device) -> LpipsAlex:
        """Return the scorer; raises UserError if a file is missing or wrong, ImportError if lpips is missing."""
        return cls(weights.find(WEIGHTS, URL), device)

    @torch.no_grad()
    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        """Return the distance of each photo from its target."""
        made, target = (to_signed(to_bytes(x)).to(self._device) for x in (images, batch.target_image))
        return {"lpips_alex": self._network(made, target).flatten().cpu()}

    def summary(self, row: str) -> dict[str, float]:
        """Return nothing: the mean over pairs is the score."""
        return {}


def _load(path: Path) -> torch.nn.Module:
    import lpips

    state = read_state(path)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # the package builds torchvision's AlexNet the deprecated way
        network: torch.nn.Module = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trunk = network.get_submodule("net")
    try:  # slice2.3.weight of the package is features.3.weight of torchvision
        trunk.load_state_dict({key: state[f"features.{key.partition('.')[2]}"] for key in trunk.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path} is not {WEIGHTS.purpose}: get it from {URL}.") from error
    return network.requires_grad_(False)
