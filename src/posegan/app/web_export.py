"""`posegan export --web`: the page as a folder of files for any web server; the models run in the visitor's browser.

The page is the one of `posegan serve`, told by index.html to work without a server. onnxruntime-web, which runs the
models there, is not ours and 14 MB large, so it does not ship: it is taken from an npm package and checked.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from posegan import __version__
from posegan.app import facts
from posegan.app.examples import Examples
from posegan.app.messages import pose_to_json
from posegan.app.photos import SIDE
from posegan.app.placing import EDGE
from posegan.app.studio import Studio, load_predictors
from posegan.data.folder import MARGIN
from posegan.detect import Builtin
from posegan.errors import UserError
from posegan.files import write_bytes
from posegan.images import png_bytes
from posegan.inference import matte
from posegan.inference.animate import CLEAREST
from posegan.inference.export import export_onnx
from posegan.inference.export_detector import export_detector, search_rules
from posegan.inference.onnx_generator import ENCODE, RENDER, is_exported
from posegan.inference.output import out_folder, provenance
from posegan.inference.targets import ANKLES, CROWN, HIPS, NECK, SMALLEST
from posegan.places import require_folder_place
from posegan.pose import mask, retarget
from posegan.pose.io import BODY25
from posegan.pose.mask import BODY_LIMBS
from posegan.pose.pose import TORSO

RUNTIME = "onnxruntime-web@1.30.0"  # as in web/package.json
RUNTIME_FILES = {  # of its folder dist: sha256
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
CHECKOUT = (
    Path(str(resources.files("posegan"))).parents[1] / "web" / "node_modules" / "onnxruntime-web"
)  # where posegan is developed

DETECTOR = "detector.onnx"
FREE = "detector-synthetic"

POLICY = (  # the browser itself sees to it that nothing is sent to other machines
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)


def export_web(
    weights: Sequence[str], folder: str | Path, runtime: str | Path | None = None, *, detector: bool = True
) -> dict[str, int]:
    """Write the page into a folder and return the bytes of its files by name; index.html comes last.

    weights: as `load_predictors`, also folders that `posegan export --split` wrote. runtime: the npm package RUNTIME,
    unpacked or as `npm pack` stores it; None takes that of a checkout's web/node_modules. detector: whether the page
    finds the joints of photos.
    Raises UserError if it or weights cannot be read, or a model or the detector does not export.
    """
    require_folder_place(folder)
    files = {f"ort/{name}": data for name, data in read_runtime(runtime).items()}
    studio = Studio(load_predictors(weights, "cpu"))
    out = out_folder(folder)
    finder = _detector(studio) if detector else None
    if finder is not None:
        files[DETECTOR] = finder[0]
    for name, predictor in studio.predictors.items():
        assert predictor.path is not None
        place = out / "models" / name
        if is_exported(predictor.path):
            for part in (ENCODE, RENDER):
                files[f"models/{name}/{part}.onnx"] = _part(predictor.path, part)
        else:
            export_onnx(predictor.path, place, split=True)
    size = next(iter(studio.predictors.values())).size
    examples = Examples(size)
    photos = [examples.get(number) for number in range(len(examples))]
    files |= {f"examples/{number}.png": png_bytes(photo.pixels) for number, photo in enumerate(photos)}
    told = {
        "version": __version__,
        "skeleton": facts.skeleton(),
        "models": [model | {"said": _said(studio, str(model["name"]))} for model in studio.describe()],
        "library": facts.library(),
        "examples": [
            {"picture": f"examples/{number}.png", "origin": photo.origin, "pose": pose_to_json(photo.source.pose)}
            for number, photo in enumerate(photos)
            if photo.source is not None
        ],
        "body": body_rules(),
        "matte": matte_rules(),
        "body25": list(BODY25),
        "margin": MARGIN,
        "side": SIDE,
        "detector": None if finder is None else finder[1],
    }
    files["page.json"] = json.dumps(told).encode()
    static = resources.files("posegan") / "app" / "static"
    for name in ("icon.svg", "page.css", "page.js", "worker.js"):
        files[f"static/{name}"] = (static / name).read_bytes()
    files["index.html"] = _index((static / "index.html").read_text(encoding="utf-8")).encode()
    for name, data in files.items():
        write_bytes(out / name, data)
    return {path.relative_to(out).as_posix(): path.stat().st_size for path in sorted(out.rglob("*")) if path.is_file()}


def _detector(studio: Studio) -> tuple[bytes, dict[str, Any]]:
    """Return the detector that may lie beside the models as ONNX, and what the page is told of it.

    Beside weights of synthetic people alone, which anybody may use for anything, it is the one of the same kind.
    """
    free = all(model["synthetic"] for model in studio.describe())
    try:
        detector = Builtin(FREE if free else None)
        data = export_detector(detector)
    except UserError as error:
        raise UserError(f"The page's detector cannot be made, --no-detector leaves it out: {error}") from error
    told = {"name": detector.path.stem, "licence": detector.info.licence, "file": DETECTOR}
    return data, told | {"search": search_rules()}


def _part(path: Path, part: str) -> bytes:
    if not path.is_dir():
        raise UserError(f"{path} holds a whole generator: the page needs the folder of `posegan export --split`.")
    return (path / f"{part}.onnx").read_bytes()


def _said(studio: Studio, name: str) -> dict[str, str]:
    said = provenance(studio.predictor(name))
    del said["posegan:source"]  # the page knows which photo it is
    return said


def _index(page: str) -> str:
    """Return index.html for the page without a server."""
    server = '<html lang="en" data-backend="server">\n  <head>\n'
    assert server in page
    policy = f'    <meta http-equiv="Content-Security-Policy" content="{POLICY}" />\n'
    return page.replace(server, server.replace('"server"', '"browser"') + policy)


def body_rules() -> dict[str, Any]:
    """Return the numbers with which poses of others are put where a photo's person stands."""
    return {
        "share": retarget.SHARE,
        "spread": retarget.SPREAD,
        "noise": retarget.NOISE,
        "foreshortening": retarget.FORESHORTENING,
        "upright": retarget.UPRIGHT,
        "hips": HIPS,
        "neck": NECK,
        "ankles": ANKLES,
        "face": retarget.FACE,
        "pairs": retarget.PAIRS,
        "tree": retarget.TREE,
        "crown": CROWN,
        "smallest": SMALLEST,
        "edge": EDGE,
    }


def matte_rules() -> dict[str, Any]:
    """Return the numbers with which a motion's person is told from what is behind, which then stands still."""
    right_hip, left_hip, left_shoulder, right_shoulder = TORSO
    return {
        "limbs": BODY_LIMBS,
        "sides": [[right_hip, right_shoulder], [left_hip, left_shoulder]],
        "growth": matte.GROWTH,
        "feather": matte.FEATHER,
        "closing": mask.REACH,
        "clearest": CLEAREST,
    }


def read_runtime(path: str | Path | None) -> dict[str, bytes]:
    """Return RUNTIME_FILES from the npm package at `path`; raises UserError if it is missing or another version."""
    remedy = f"get it with `npm pack {RUNTIME}` and give the .tgz with --ort"
    if path is None and not CHECKOUT.is_dir():
        raise UserError(f"The page needs {RUNTIME}, 14 MB that do not ship with posegan: {remedy}.")
    path = CHECKOUT if path is None else Path(path)
    if not path.exists():
        raise UserError(f"There is no {path}: check the path, or {remedy}.")
    try:
        found = _unpacked(path) if path.is_dir() else _packed(path)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise UserError(f"{path} does not hold the npm package {RUNTIME}: {remedy}.") from error
    for name, data in found.items():
        if hashlib.sha256(data).hexdigest() != RUNTIME_FILES[name]:
            raise UserError(f"{path} holds a {name} that is not of {RUNTIME}: {remedy}.")
    return found


def _unpacked(folder: Path) -> dict[str, bytes]:
    folder = folder / "dist" if (folder / "dist").is_dir() else folder
    return {name: (folder / name).read_bytes() for name in RUNTIME_FILES}


def _packed(file: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(file) as archive:
        for name in RUNTIME_FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None
            found[name] = member.read()
    return found
