"""Chromium on the page of a real `posegan serve` over tiny weights. Without chromium every test here skips."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install 'posegan[browser]'")
pytest.importorskip("fastapi", reason="the page needs fastapi: pip install 'posegan[web]'")

from playwright import sync_api

from posegan.config import to_tree
from posegan.models import create_model
from posegan.weights import WeightsInfo, save_weights
from tests.app.serving import serving

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    """Start Debian's chromium, or what the variable CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not here: apt-get install chromium, or name one in the variable CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small untrained model, quick, whose pictures change a lot with the pose."""
    torch.manual_seed(0)
    model = create_model("posegan", width=8, depth=2, blocks=0, attention=False)
    state = {
        name: value * (40 if name.startswith("image.") else 1) for name, value in model.generator.state_dict().items()
    }
    path = tmp_path_factory.mktemp("weights") / "vivid.safetensors"
    save_weights(path, state, WeightsInfo("posegan", to_tree(model.config), data="synthetic", licence="Nobody's."))
    return path


@pytest.fixture(scope="session")
def address(weights: Path) -> Iterator[str]:
    with serving("--weights", str(weights), "posegan-synthetic") as address:
        yield address


@pytest.fixture
def options() -> dict[str, object]:
    """Return the settings of the browser's window; tests of a phone have others."""
    return {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def page(chromium: sync_api.Browser, address: str, options: dict[str, object]) -> Iterator[sync_api.Page]:
    """Open the page; whatever it logs, and every request to another machine, fails the test."""
    context = chromium.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(60_000)  # the machine may be busy
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if _foreign(request.url, address) else None)
    page.goto(address)
    page.wait_for_selector(".result .time:not(:empty)")
    yield page
    assert [text for text in complaints if "the server responded with a status of 4" not in text] == []
    context.close()


def _foreign(url: str, address: str) -> bool:
    return not url.startswith((address, address.replace("http", "ws"), "data:", f"blob:{address}"))
