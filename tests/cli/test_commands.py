"""The commands from the outside: what they write and print, and one clear sentence for every mistake."""

from __future__ import annotations

import errno
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import posegan.cli
from posegan.cli import COMMANDS, main
from posegan.images import read_photo, write_png
from posegan.pose import write_openpose
from tests.small_world import photo, standing


def source(market: Path) -> str:
    return str(market / "bounding_box_test" / "0011_c1s1_000000_00.png")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(importlib.import_module(COMMANDS[name][0]).run)
    assert main([name, "--help"]) == 0
    assert f"usage: posegan {name}" in capsys.readouterr().out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"posegan {posegan.__version__}"


def test_generate(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out.png"
    common = ["generate", "--weights", str(weights), "--device", "cpu", "--source", source(market), "--out", str(out)]
    for pose in (
        "walking",
        source(market).replace("000000", "000001"),
        f"{market}/market-annotation-test.csv:{Path(source(market)).name}",
    ):
        assert main([*common, "--pose", pose]) == 0
        assert read_photo(out).shape == (3, 128, 64)
        out.unlink()
    assert f"wrote {out}" in capsys.readouterr().out


def test_generate_with_a_source_pose(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "me.png", photo(1, standing().resize((128, 64), (300, 200)), (300, 200)))
    write_openpose(tmp_path / "pose.json", [standing().resize((128, 64), (300, 200))])
    argv = ["generate", "--weights", weights, "--source", tmp_path / "me.png", "--source-pose", tmp_path / "pose.json"]
    bare = [str(a) for a in [*argv, "--pose", "back", "--out", tmp_path / "bare.png", "--no-metadata"]]
    assert main(bare) == 0
    assert read_photo(tmp_path / "bare.png").shape == (3, 128, 64)
    assert "--paste" in capsys.readouterr().out
    assert main(bare) == 2  # it might be anybody's
    assert "does not say that posegan made it" in capsys.readouterr().err
    pasted = [str(a) for a in [*argv, "--pose", "back", "--out", tmp_path / "out.png", "--paste"]]
    assert main(pasted) == 0
    assert read_photo(tmp_path / "out.png").shape == (3, 300, 200)
    assert "--paste" not in capsys.readouterr().out
    assert main([*pasted, "--generated-only"]) == 0
    assert main([*(a for a in pasted if a != "--paste"), "--generated-only"]) == 2
    assert "--generated-only" in capsys.readouterr().err


def test_generate_many(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["generate", "--weights", weights, "--data", market, "--pairs", market / "market-pairs-test.csv"]
    assert main([str(a) for a in [*argv, "--out", tmp_path / "out"]]) == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 6
    assert "6 pictures" in capsys.readouterr().out


def test_evaluate(weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["evaluate", "--weights", weights, "--data", market, "--limit", 2, "--out", tmp_path / "out"]
    assert main([str(a) for a in argv]) == 0
    printed = capsys.readouterr().out
    assert "source copied" in printed
    assert "2 pairs" in printed
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["N"] == 2
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"metrics.json", "scores.csv", "sheet.png"}


def test_prepare(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", str(market), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "18 train pairs" in said
    assert "a tenth of the people is held out" in said  # here nobody


def test_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "deformable" in printed
    assert "CVPR 2018" in printed


def test_demo(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("posegan.inference.demo.IDENTITIES", (900_001,))
    monkeypatch.setattr("posegan.inference.demo.FRAMES", 2)
    assert main(["demo", "--weights", str(weights), "--out", str(tmp_path / "out")]) == 0
    assert f"wrote {tmp_path / 'out' / 'walk.gif'}" in capsys.readouterr().out


MISTAKES = {
    "unknown command": ("trian", "Unknown command 'trian'; did you mean 'train'"),
    "unknown option": (
        "evaluate --dta x --data D --out O",
        "Unknown option '--dta'; did you mean '--data'",
    ),
    "missing option": ("evaluate --data D", "required: --out"),
    "unknown option for a required one": ("generate --sorce S --pose back", "Unknown option '--sorce'; did you mean"),
    "abbreviated option": ("evaluate --dat D --out O", "Unknown option '--dat'; did you mean '--data'"),
    "word too many": ("evaluate --data D --out O more", "unrecognized arguments: more; see `posegan evaluate --help`"),
    "a name too long": (f"generate --source {'s' * 300}.png --pose back --out O.png", "(File name too long)"),
    "no number": ("evaluate --data D --out O --limit none", "'none' is not a positive whole number"),
    "zero": ("evaluate --data D --out O --limit 0", "'0' is not a positive whole number"),
    "unknown weights": ("evaluate --weights posegn --data {market} --out O", "Unknown weights 'posegn'"),
    "missing weights": ("evaluate --weights gone.safetensors --data {market} --out O", "gone.safetensors is missing"),
    "damaged weights": (
        "generate --weights {bad}.safetensors --source {photo} --pose back --out O.png",
        "no readable safetensors",
    ),
    "weights for nothing": ("evaluate --weights {weights} --data gone --out {tmp}/o", "There is no folder gone"),
    "no data to measure": ("benchmark --weights {weights} --data gone --out {tmp}/o", "There is no folder gone"),
    "out is a file": ("evaluate --weights {weights} --data {market} --out {bad}", "is a file: give a folder"),
    "unknown device": ("evaluate --weights {weights} --device tpu --data {market} --out O", "Unknown device 'tpu'"),
    "missing pairs": (
        "evaluate --weights {weights} --data {market} --pairs gone.csv --out {tmp}/o",
        "gone.csv cannot be opened",
    ),
    "empty pairs": (
        "evaluate --weights {weights} --data {market} --pairs {empty} --out {tmp}/o",
        "names no two photos",
    ),
    "foreign pairs": (
        "evaluate --weights {weights} --data {market} --pairs {bad} --out {tmp}/o",
        "starts with the header",
    ),
    "missing pairs and keypoints": (
        "generate --weights {weights} --data {tmp} --pairs gone.csv --out {tmp}/o",
        "gone.csv cannot be opened",
    ),
    "raw photos": ("augment --weights {weights} --data {tmp} --out {tmp}-more", "keypoints with `posegan prepare"),
    "raw photos to prepare": ("prepare {market}/bounding_box_test --out {tmp}/o", "put each person's photos into"),
    "unknown pairs": (
        "generate --weights {weights} --data {market} --pairs {odd} --out {tmp}/o",
        "1 pairs whose photos",
    ),
    "unknown pose": (
        "generate --weights {weights} --source {photo} --pose walkin --out {tmp}/o.png",
        "did you mean 'walking'",
    ),
    "missing photo": (
        "generate --weights {weights} --source gone.png --pose back --out {tmp}/o.png",
        "gone.png cannot be opened",
    ),
    "missing pose": (
        "generate --weights {weights} --source {photo} --pose gone.csv:a.png --out {tmp}/o.png",
        "gone.csv cannot be opened",
    ),
    "missing joints": (
        "generate --weights {weights} --source {photo} --source-pose gone.json --pose back --out {tmp}/o.png",
        "gone.json cannot be opened",
    ),
    "no pose": (
        "generate --weights {weights} --source {photo} --pose {bad}.safetensors --out {tmp}/o.png",
        "is not a pose: give a bundled pose name",
    ),
    "unreadable pose": (
        "generate --weights {weights} --source {photo} --pose {bad}.png --out {tmp}/o.png",
        "not a readable photo",
    ),
    "unreadable photo": (
        "generate --weights {weights} --source {bad}.png --pose back --out {tmp}/o.png",
        "not a readable photo",
    ),
    "photo without pose": (
        "generate --weights {weights} --source {plain} --pose back --out {tmp}/o.png",
        "--source-pose",
    ),
    "out is the source": ("generate --weights {weights} --source {photo} --pose back --out {photo}", "would be lost"),
    "out is a folder": (
        "generate --weights {weights} --source {photo} --pose back --out {tmp}",
        "is a folder: give a file",
    ),
    "nothing to do": ("generate --out O", "Give --source PHOTO and --pose POSE, or"),
    "half of many": ("generate --pairs P --out O", "--pairs and --data go together"),
    "one and many": ("generate --pairs P --data D --source S --pose back --out O", "give one or the other"),
    "pairs are not pasted": ("generate --pairs P --data D --out O --paste", "as they are, in the model's frame"),
    "odd policy": ("generate --source S --pose back --out O --missing drop", "invalid choice: 'drop'"),
    "nothing to prepare": ("prepare gone", "There is no folder gone"),
    "no data set": ("prepare {photo}", "is no data set: give the folder of photos or of a data set, or the zip"),
    "models takes nothing": ("models all", "unrecognized arguments: all"),
    "missing recipe": ("train gone.yaml", "gone.yaml"),
}


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize(("line", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(
    line: str, sentence: str, weights: Path, market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, empty, odd, plain = tmp_path / "bad", tmp_path / "empty.csv", tmp_path / "odd.csv", tmp_path / "plain.png"
    for file in (bad, bad.with_suffix(".png"), bad.with_suffix(".safetensors")):
        file.write_text("damaged")
    empty.write_text("from,to\n")
    odd.write_text("from,to\n0011_c1s1_000000_00.png,0011_c1s1_000001_00.png\n0011_c1s1_000000_00.png,gone.png\n")
    write_png(plain, photo(1, standing()))
    places = {"weights": weights, "market": market, "photo": source(market), "tmp": tmp_path}
    places |= {"bad": bad, "empty": empty, "odd": odd, "plain": plain}
    assert main([word.format(**places) for word in line.split()]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    complaint = printed.err.strip().splitlines()[-1]
    assert complaint.startswith("posegan: ")
    assert sentence in complaint
    assert "Traceback" not in printed.err
    assert complaint.endswith((".", "?"))
    assert not any((tmp_path.parent / folder).exists() for folder in (f"{tmp_path.name}/o", f"{tmp_path.name}-more"))


def test_without_weights_the_remedy_is_told(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("predictor", "demo"):
        monkeypatch.setattr(f"posegan.inference.{module}.bundled_names", lambda: ())
    made = f"generate --source {source(market)} --pose back --out O.png"
    for command in ("demo", "evaluate --data synthetic --out O", made):
        assert main(command.split()) == 2
        assert "holds no bundled weights" in capsys.readouterr().err


def told_without_torch(line: str) -> str:
    """Return what a command says that is refused before torch is loaded."""
    code = f"import sys; from posegan.cli import main; sys.exit(main({line.split()}) + ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("command", ["generate --pose back", "animate --poses walk", "inspect --pose back", "detect"])
def test_a_wrong_file_name_does_not_wait_for_torch(command: str, tmp_path: Path) -> None:
    photos = "--images" if command == "detect" else "--source"
    line = f"{command} {photos} {tmp_path / 'gone.png'} --out o.png"
    assert "gone.png cannot be opened (No such file or directory): check the path." in told_without_torch(line)


@pytest.mark.parametrize("command", ["evaluate", "benchmark", "augment", "inspect"])
def test_a_wrong_folder_does_not_wait_for_torch(command: str) -> None:
    told = told_without_torch(f"{command} --data gone --out o.png")
    assert told == "posegan: There is no folder gone: give the folder of a data set, or 'synthetic'.\n"


def test_a_wrong_name_of_a_sequence_does_not_wait_for_torch(market: Path) -> None:
    told = told_without_torch(f"animate --source {source(market)} --poses wakl-left --out o.gif")
    assert told.startswith("posegan: Unknown sequence 'wakl-left'; did you mean 'walk-left'")


def test_photos_to_prepare_that_are_not_there_do_not_wait_for_torch() -> None:
    told = told_without_torch("prepare gone")
    assert told.startswith("posegan: There is no folder gone: give the folder of photos or of a data set, or the zip")


WRONG_PLACES = {
    "generate": "generate --source {photo} --pose back --out {file}/o.png",
    "pairs": "generate --data {market} --pairs {file} --out {file}",
    "animate": "animate --source {photo} --poses walk --out {file}/o.gif",
    "sample": "sample --weights W --out {file}/o.png",
    "augment": "augment --data {market} --out {file}",
    "evaluate": "evaluate --data {market} --out {file}",
    "benchmark": "benchmark --data synthetic --out {file}",
    "inspect": "inspect --data synthetic --out {file}/o.png",
    "detect": "detect --images {photo} --out {file}/o.csv",
    "pictures": "detect --images {photo} --out o.csv --pictures {file}",
    "prepare": "prepare {market} --out {file}",
    "blend": "blend A B --share 0.5 --out {file}/o.safetensors",
    "export": "export --out {file}/o.onnx",
    "split": "export --split --out {file}",
    "web": "export --web {file}",
    "demo": "demo --out {file}",
    "speed": "speed --out {file}/o.json",
}


@pytest.mark.parametrize("line", WRONG_PLACES.values(), ids=WRONG_PLACES)
def test_a_wrong_place_for_results_does_not_wait_for_torch(line: str, market: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = told_without_torch(line.format(photo=source(market), market=market, file=tmp_path / "file"))
    assert told == f"posegan: {tmp_path / 'file'} is a file: give a folder for the results, or delete it.\n"


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(posegan.cli, "_dispatch", interrupted)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "posegan: stopped.\n"


def test_no_permission(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def denied(arguments: list[str]) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "out/sheet.png")

    monkeypatch.setattr(posegan.cli, "_dispatch", denied)
    assert main(["models"]) == 2
    assert capsys.readouterr().err == "posegan: out/sheet.png cannot be used (Permission denied): give another.\n"


def test_too_little_device_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(arguments: list[str]) -> int:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(posegan.cli, "_dispatch", full)
    assert main(["models"]) == 2
    assert "too little memory for this: use a smaller batch size" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no such pipes on Windows")
@pytest.mark.parametrize(("unbuffered", "arguments"), [("", "--help"), ("1", "--help"), ("", "generate --help")])
def test_a_reader_that_has_gone_is_no_error(unbuffered: str, arguments: str) -> None:
    code = f"import sys; from posegan.cli import main; sys.stdin.readline(); sys.exit(main({arguments.split()}))"
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stderr.read() == ""
        assert process.wait(20) == 141


def test_python_m_posegan() -> None:
    done = subprocess.run([sys.executable, "-m", "posegan", "--help"], capture_output=True, text=True, check=True)
    assert "usage: posegan COMMAND" in done.stdout
