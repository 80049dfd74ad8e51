"""The files of the exported page, without a browser: its runtime is the right one, index.html works without a server.

What the page does is tested in tests/browser/test_exported_page.py.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from posegan.app import web_export
from posegan.app.web_export import CHECKOUT, RUNTIME, RUNTIME_FILES, body_rules, export_web, matte_rules, read_runtime
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.pose import COCO18

WEB = Path(__file__).resolve().parents[2] / "web"
FAKE = {name: name.encode() for name in RUNTIME_FILES}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that hold their own name pass for the runtime."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in FAKE.items()}
    monkeypatch.setattr(web_export, "RUNTIME_FILES", hashes)


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_the_runtime_is_that_of_the_page_sources():
    name, _, version = RUNTIME.rpartition("@")
    assert json.loads((WEB / "package.json").read_text())["devDependencies"][name] == version


@pytest.mark.skipif(not CHECKOUT.is_dir(), reason="needs `npm ci` in web/")
def test_the_runtime_has_these_hashes():
    assert {name: sha256_of(CHECKOUT / "dist" / name) for name in RUNTIME_FILES} == RUNTIME_FILES


@pytest.mark.usefixtures("fakes")
def test_the_runtime_is_read_from_a_folder_or_a_packed_file(tmp_path: Path):
    (tmp_path / "package" / "dist").mkdir(parents=True)
    for name, data in FAKE.items():
        (tmp_path / "package" / "dist" / name).write_bytes(data)
    file = packed(tmp_path / "x.tgz", FAKE)
    for path in (tmp_path / "package", tmp_path / "package" / "dist", str(file)):
        assert read_runtime(path) == FAKE


@pytest.mark.usefixtures("fakes")
def test_another_runtime_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    remedy = f"npm pack {RUNTIME}"
    with pytest.raises(UserError, match=f"is not of {RUNTIME}.*{remedy}"):
        read_runtime(packed(tmp_path / "other.tgz", dict.fromkeys(FAKE, b"other")))
    (tmp_path / "text.tgz").write_text("no archive")
    for path in (tmp_path, tmp_path / "gone.tgz", tmp_path / "text.tgz", packed(tmp_path / "half.tgz", {})):
        with pytest.raises(UserError, match=f"does not hold the npm package.*{remedy}"):
            read_runtime(path)
    monkeypatch.setattr(web_export, "CHECKOUT", tmp_path / "none")
    with pytest.raises(UserError, match=f"do not ship with posegan: .*{remedy}"):
        read_runtime(None)


@pytest.mark.usefixtures("fakes")
def test_the_folder_holds_the_page(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def exported(path: Path, out: Path, *, split: bool) -> None:
        assert split
        out.mkdir(parents=True)
        (out / "encode.onnx").write_bytes(path.read_bytes()[:9])

    monkeypatch.setattr(web_export, "export_onnx", exported)
    out = tmp_path / "page"
    files = export_web([str(weights)], out, packed(tmp_path / "x.tgz", FAKE))
    assert {"index.html", "page.json", "static/page.js", "static/worker.js", "examples/0.png"} <= files.keys()
    assert {f"ort/{name}" for name in FAKE} <= files.keys()
    assert files["models/tiny/encode.onnx"] == 9
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'data-backend="browser"' in page
    assert "connect-src 'self'" in page
    assert '="/' not in page  # every address is relative: the folder may lie anywhere
    told = json.loads((out / "page.json").read_text(encoding="utf-8"))
    assert told["models"][0]["said"]["posegan:weights-sha256"] == sha256_of(weights)
    assert len(told["examples"]) == len([name for name in files if name.startswith("examples/")])
    assert len(told["skeleton"]["joints"]) == len(told["body25"]) == len(told["body"]["tree"]) == 18


def test_the_matte_takes_its_torso_from_both_sides():
    rules = matte_rules()
    assert [[COCO18.joints[joint] for joint in side] for side in rules["sides"]] == [
        ["right_hip", "right_shoulder"],
        ["left_hip", "left_shoulder"],
    ]
    assert len(rules["limbs"]) == 23


def test_the_rules_of_bodies_name_six_limbs():
    rules = body_rules()
    assert {len(rules[key]) for key in ("share", "spread", "noise", "foreshortening")} == {6}
    assert len(rules["pairs"]) == 4
