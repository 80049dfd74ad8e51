"""Which scorers can run here, and for every other metric the sentence that says what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch

from posegan.errors import UserError, unknown_name
from posegan.evaluation.scorers.base import Scorer
from posegan.evaluation.scorers.inception import Inception
from posegan.evaluation.scorers.lpips_alex import LpipsAlex
from posegan.evaluation.scorers.lpips_squeeze import LpipsSqueezeCaffe
from posegan.evaluation.scorers.movenet import MoveNetPose
from posegan.evaluation.scorers.osnet import OSNet
from posegan.evaluation.scorers.ssd300 import SSD300
from posegan.evaluation.scorers.weight_folder import WeightFolder
from posegan.files import require_folder

EXTRAS = {"torch_fidelity": "metrics", "lpips": "metrics", "onnxruntime": "detect"}


class _Loads(Protocol):
    metrics: dict[str, str]

    def load(self, weights: WeightFolder, total: int, device: torch.device) -> Scorer: ...


SCORERS: dict[str, _Loads] = {
    "inception": Inception,
    "lpips": LpipsAlex,
    "lpips_squeeze_caffe": LpipsSqueezeCaffe,
    "osnet": OSNet,
    "movenet": MoveNetPose,
    "ssd300": SSD300,
}
"""The scorers by the name that options use."""


def available_scorers(
    total: int,
    folder: str | Path | None = None,
    device: torch.device | str = "cpu",
    *,
    names: Sequence[str] | None = None,
    download: bool = True,
) -> tuple[list[Scorer], dict[str, str]]:
    """Return the scorers whose files and packages are here, and {metric: 'not measured: ...'} for all others.

    total: pairs in the whole list. folder: weight files under their own names. names: only these of SCORERS.
    download: fetch files that have an address for it. Raises UserError for an unknown name or a missing folder.
    """
    if folder is not None:
        require_folder(Path(folder), "give the folder that holds the weight files of the metrics")
    for name in names or ():
        if name not in SCORERS:
            raise unknown_name("scorer", name, SCORERS)
    weights = WeightFolder(Path(folder) if folder is not None else None, download)
    found: list[Scorer] = []
    missing: dict[str, str] = {}
    for name in names if names is not None else SCORERS:
        try:
            found.append(SCORERS[name].load(weights, total, torch.device(device)))
        except UserError as error:
            missing |= dict.fromkeys(SCORERS[name].metrics, f"not measured: {error}")
        except ModuleNotFoundError as error:
            package = str(error.name).partition(".")[0]
            if package not in EXTRAS:
                raise
            remedy = f'pip install "posegan[{EXTRAS[package]}]"'
            sentence = f"not measured: the package {package.replace('_', '-')} is missing: {remedy}."
            missing |= dict.fromkeys(SCORERS[name].metrics, sentence)
    return found, missing
