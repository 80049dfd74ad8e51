"""A server over tiny weights, and pictures as people bring them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the page needs fastapi: pip install 'posegan[web]'")
pytest.importorskip("httpx2", reason="the test client needs httpx2")

from starlette.testclient import TestClient

from posegan.app.server import create_app
from posegan.app.studio import Studio, load_predictors
from tests.small_world import weights as weights

ADDRESS = "http://127.0.0.1:8765"
LIVE = "ws://127.0.0.1:8765/api/live"


@pytest.fixture(scope="session")
def studio(weights: Path) -> Studio:
    return Studio(load_predictors([str(weights)], "cpu"))


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with TestClient(create_app(studio), base_url=ADDRESS) as client:
        yield client


def picture(size: tuple[int, int] = (40, 60), mode: str = "RGB", kind: str = "PNG", **options: object) -> bytes:
    """Return the file of a (width, height) picture whose left half is red, or bright."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.convert(mode).save(file, kind, **options)
    return file.getvalue()
