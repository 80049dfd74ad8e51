"""`posegan export` from the outside: what it prints, and one sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegan.app import web_export
from posegan.cli import main
from posegan.inference import export

MISTAKES = {
    "neither": ("", "either --out"),
    "both": ("--out x.onnx --web page", "either --out"),
    "split page": ("--web page --split", "--split is for --out"),
    "two models": ("--out x.onnx --weights a b", "several --weights"),
    "runtime for ONNX": ("--out x.onnx --ort y.tgz", "--ort and --no-detector are for --web"),
    "ending": ("--out x.bin --weights {weights}", "ends in .onnx"),
    "folder": ("--out x.onnx --split --weights {weights}", "a folder for two files"),
    "weights": ("--out x.onnx --weights gone.safetensors", "gone.safetensors is missing"),
    "runtime": ("--web {tmp}/page --ort {tmp}/gone.tgz --weights {weights}", "npm pack onnxruntime-web@"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, sentence = MISTAKES[name]
    assert main(["export", *words.format(weights=weights, tmp=tmp_path).split()]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_it_prints_files_and_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def written(weights: str, out: str, *, split: bool) -> export.Exported:
        assert (weights, split) == ("w", True)
        (tmp_path / "encode.onnx").write_bytes(b"x" * 200_000)
        return export.Exported((tmp_path / "encode.onnx",), 3.4e-6)

    monkeypatch.setattr(export, "export_onnx", written)
    assert main(["export", "--weights", "w", "--out", str(tmp_path), "--split"]) == 0
    printed = capsys.readouterr().out
    assert f"wrote {tmp_path / 'encode.onnx'} (0.2 MB)" in printed
    assert "largest difference from torch: 3e-06" in printed
    assert "(allowed: 0.0078)" in printed


def test_the_page_is_written_with_how_to_see_it(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(web_export, "export_web", lambda weights, folder, runtime, detector: {"index.html": 2_000_000})
    assert main(["export", "--web", "page"]) == 0
    assert "wrote 1 files, 2 MB, into page" in (printed := capsys.readouterr().out)
    assert "python -m http.server --bind 127.0.0.1 -d page" in printed
