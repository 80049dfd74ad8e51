"""The page that ships is the one that web/ builds."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
STATIC = Path(str(resources.files("posegan") / "app" / "static"))


def test_the_bundle_was_built_from_these_sources():
    hashed = hashlib.sha256()
    for file in sorted((WEB / "src").iterdir(), key=lambda path: path.name):
        hashed.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    for name in ("page.js", "worker.js"):
        first = (STATIC / name).read_text(encoding="utf-8").partition("\n")[0]
        assert hashed.hexdigest() in first, "run `npm ci && npm run build` in web/ and commit the result"
    for name in ("index.html", "page.css", "icon.svg"):
        assert (STATIC / name).read_bytes() == (WEB / "src" / name).read_bytes()


def test_the_page_names_no_other_machine():
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text


def test_the_lock_file_names_no_registry():
    assert "://" not in (WEB / "package-lock.json").read_text(encoding="utf-8").replace(
        "https://github.com/sponsors", ""
    )


@pytest.mark.skipif(not (WEB / "node_modules").is_dir() or not shutil.which("npm"), reason="needs `npm ci` in web/")
def test_the_sources_are_typed_and_their_own_tests_pass():
    for script in ("check", "test"):
        done = subprocess.run(["npm", "run", "-s", script], cwd=WEB, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
