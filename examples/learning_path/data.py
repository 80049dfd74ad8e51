"""The images that the steps learn from: scikit-learn's digits, which need no download, or MNIST on request.

scikit-learn's 1,797 digits are 8x8 pixels with 17 grey levels, written by 13 people (the test set of Alpaydin and
Kaynak's "Optical Recognition of Handwritten Digits", 1998). They are a small MNIST: what works on one works on the
other, and 8x8 pixels train in seconds on a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posegan.errors import UserError

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Digits:
    """Grey images (N, H, W) in [0, 1], ink is 1, and their labels (N,) 0 to 9, split into training and test."""

    name: str
    images: Images
    labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def size(self) -> int:
        """Height and width of an image in pixels."""
        return int(self.images.shape[1])


def load_digits(folder: Path | None = None, download: bool = False) -> Digits:
    """Return MNIST if a folder is given, scikit-learn's digits if not; raises UserError if they are not there."""
    if folder is not None:
        train, test = (torchvision_set("MNIST", folder, download, train=part) for part in (True, False))
        return Digits(
            "MNIST", _unit(train.data.numpy()), train.targets.numpy(), _unit(test.data.numpy()), test.targets.numpy()
        )
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise UserError("The digits come with scikit-learn, which is missing: pip install -e '.[learn]'.") from error
    bunch = datasets.load_digits()
    images = (bunch.images / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    # The file is ordered by writer; shuffled, training and test hold the same hands. That is the easier question.
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:500], order[500:]
    return Digits("scikit-learn digits", images[train], labels[train], images[test], labels[test])


def torchvision_set(name: str, folder: Path, download: bool, train: bool) -> Any:
    """Return one half of a data set of torchvision ("MNIST", "CIFAR10"); raises UserError if it cannot be had."""
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(folder), train=train, download=download)
    except (RuntimeError, OSError) as error:  # torchvision: not found or corrupted; the network
        remedy = "check the connection" if download else "add --download to fetch it"
        reason = str(error).split("\n")[0].rstrip(".").replace(". You can use download=True to download it", "")
        raise UserError(f"{name} could not be read from {folder} ({reason}): {remedy}.") from error


def _unit(pixels: NDArray[np.uint8]) -> Images:
    return (pixels / 255).astype(np.float32)
