"""Fixtures for every test folder: the data beside the repository, which may be absent."""

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # xdist runs one process a core, and tiny widths gain nothing from threads

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def market_root() -> Path:
    """Return the Market-1501 folder beside the repository; skips the test, saying so, where it is absent."""
    root = REPOSITORY.parent / "shared" / "data" / "market1501"
    if not root.is_dir():
        pytest.skip(f"the real photos are not here: {root} is missing")
    return root


@pytest.fixture(scope="session")
def feature_weights() -> Path:
    """Return the folder of other people's networks beside the repository; skips the test where it is absent."""
    folder = REPOSITORY.parent / "shared" / "weights"
    if not folder.is_dir():
        pytest.skip(f"the feature networks are not here: {folder} is missing")
    return folder
