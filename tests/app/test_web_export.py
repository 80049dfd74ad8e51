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
from posegan.config import to_tree
from posegan.detect import Builtin, builtin, windows
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.models import create_model
from posegan.pose import COCO18
from posegan.weights import WeightsInfo, save_weights

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
    with pytest.raises(UserError, match=rf"There is no .*gone\.tgz: check the path, or get it with `{remedy}"):
        read_runtime(tmp_path / "gone.tgz")
    for path in (tmp_path, tmp_path / "text.tgz", packed(tmp_path / "half.tgz", {})):
        with pytest.raises(UserError, match=f"does not hold the npm package.*{remedy}"):
            read_runtime(path)
    monkeypatch.setattr(web_export, "CHECKOUT", tmp_path / "none")
    with pytest.raises(UserError, match=f"do not ship with posegan: .*{remedy}"):
        read_runtime(None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the models and the detector become files of a few bytes."""

    def exported(path: Path, out: Path, *, split: bool) -> None:
        assert split
        out.mkdir(parents=True)
        (out / "encode.onnx").write_bytes(path.read_bytes()[:9])

    monkeypatch.setattr(web_export, "export_onnx", exported)
    monkeypatch.setattr(web_export, "export_detector", lambda detector: detector.path.stem.encode())


@pytest.mark.usefixtures("fakes", "quick")
def test_the_folder_holds_the_page(weights: Path, tmp_path: Path):
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


def with_data(path: Path, data: str) -> Path:
    """Write very small weights that say what they were trained on."""
    config = {"width": 4, "depth": 2, "blocks": 0, "attention": False, "size": [32, 16]}
    model = create_model("posegan", **config)
    save_weights(path, model.generator.state_dict(), WeightsInfo("posegan", to_tree(model.config), data=data))
    return path


@pytest.mark.usefixtures("fakes", "quick")
def test_the_detector_is_as_free_as_the_models(tmp_path: Path):
    free, bound = (with_data(tmp_path / f"{data}.safetensors", data) for data in ("synthetic", "market"))
    runtime = packed(tmp_path / "x.tgz", FAKE)
    for given, name, said in (
        ([free], "detector-synthetic", "MIT"),
        ([free, bound], "detector-market-research", "For research only"),
    ):
        out = tmp_path / name
        export_web([str(path) for path in given], out, runtime)
        assert (out / "detector.onnx").read_bytes() == name.encode()
        told = json.loads((out / "page.json").read_text(encoding="utf-8"))["detector"]
        assert (told["name"], told["file"]) == (name, "detector.onnx")
        assert told["licence"].startswith(said)
        assert told["search"]["least"] == builtin.LEAST
        assert told["search"]["windows"]["heights"] == list(windows.HEIGHTS)


@pytest.mark.usefixtures("fakes", "quick")
def test_a_page_without_a_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weights, runtime = str(with_data(tmp_path / "w.safetensors", "synthetic")), packed(tmp_path / "x.tgz", FAKE)

    def fail(detector: Builtin) -> bytes:
        raise UserError("Export needs the package onnxscript.")

    monkeypatch.setattr(web_export, "export_detector", fail)
    with pytest.raises(UserError, match="--no-detector leaves it out: Export needs the package onnxscript"):
        export_web([weights], tmp_path / "none", runtime)
    assert list((tmp_path / "none").iterdir()) == []
    files = export_web([weights], tmp_path / "page", runtime, detector=False)
    assert "detector.onnx" not in files
    assert json.loads((tmp_path / "page" / "page.json").read_text(encoding="utf-8"))["detector"] is None


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
