from pathlib import Path

import pytest

from .tiny import make_market


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Market-1501 folder of 12 people with 3 photos each; tests that change files make their own."""
    return make_market(tmp_path_factory.mktemp("data") / "market", people=12)
