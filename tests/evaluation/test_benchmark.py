"""`posegan benchmark`: its rows, its mistakes, and that no digit depends on being stopped or shared out."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.cli import main
from posegan.evaluation import benchmark as module
from posegan.evaluation import evaluate, exhibits, parts, scorers
from posegan.evaluation.benchmark import benchmark
from posegan.evaluation.benchmark_result import Benchmark
from posegan.evaluation.published import published_rows
from posegan.evaluation.scorers import REAL, SCORERS, Scorer
from posegan.evaluation.scores import METRICS, WINDOWS
from posegan.models.base import count_parameters
from posegan.training.settings import load_recipe
from tests.small_world import write_market

from .conftest import STRANGE, untrained

DETECTOR = resources.files("posegan") / "assets" / "detectors" / "detector-synthetic.safetensors"

FLOORS = {"source copied", "source warped", "mean target", "nearest training pose"}
CEILINGS = {"real", "real, JPEG quality 75"}


@pytest.fixture(autouse=True)
def no_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))  # weight files of this machine would add columns
    monkeypatch.setattr(exhibits, "RUNS", 2)


@pytest.fixture
def measure(market: Path, weights: Path, tmp_path: Path) -> Callable[..., Benchmark]:
    """Measure tiny weights on six pairs."""

    def run(out: str = "out", **options: Any) -> Benchmark:
        chosen: dict[str, Any] = {"weights": [str(weights)], "device": "cpu", "processes": 1, "download": False}
        chosen |= options
        return benchmark(chosen.pop("data", market), chosen.pop("weights"), tmp_path / out, **chosen)

    return run


def digits(result: Benchmark) -> dict[str, Any]:
    """Everything measured, to the last bit; no dates and no timings."""
    return {
        row.name: (dict(row.values), dict(row.stds), {m: repr(values.tolist()) for m, values in row.scores.items()})
        for row in sorted(result.rows, key=lambda row: row.name)
    }


class Brightness(Scorer):
    """A scorer of sets without a network: the mean of a row, as a share of that of the real photos, and its number."""

    name = "brightness"
    metrics = {  # noqa: RUF012
        "brightness": "mean of all photos",
        "brightness_share": "share of that of the row 'real'",
        "photos": "number of photos seen",
    }

    @classmethod
    def load(cls, weights: object, total: int, device: torch.device) -> Brightness:
        return cls()

    def add(self, row: str, images: Tensor, batch: Batch, mask: Tensor, first: int) -> dict[str, Tensor]:
        self._add(row, {"total": images.double().mean((1, 2, 3)).sum(), "count": torch.tensor(float(len(images)))})
        return {}

    def summary(self, row: str) -> dict[str, float]:
        means = {name: float(sums["total"] / sums["count"]) for name, sums in self._sums.items()}
        seen = float(self._sums[row]["count"])
        return {"brightness": means[row], "brightness_share": means[row] / means[REAL], "photos": seen}


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"brightness": Brightness}
    monkeypatch.setattr(scorers.available, "SCORERS", only)
    monkeypatch.setattr(module, "SCORERS", only)


# --- what is measured


def test_weights_stand_between_ceilings_and_floors(measured: tuple[Benchmark, Path]) -> None:
    result, out = measured
    kinds = [row.kind for row in result.rows]
    assert kinds == sorted(kinds, key=["ceiling", "model", "floor"].index)
    assert {row.name for row in result.rows if row.kind == "ceiling"} == CEILINGS
    assert {row.name for row in result.rows if row.kind == "floor"} == FLOORS
    assert {row.name for row in result.rows if row.kind == "model"} == {"tiny", STRANGE}
    by_name = {row.name: row.values for row in result.rows}
    assert by_name["real"]["ssim_paper"] == pytest.approx(1)
    assert by_name["real"]["l1"] == 0
    assert 0 < by_name["real, JPEG quality 75"]["l1"] < by_name["source copied"]["l1"]
    evaluated = evaluate(out.parent / "tiny.safetensors", out.parent / "market")
    for ours, theirs in (("real", "real"), ("source copied", "source copied"), ("tiny", "posegan")):
        for metric, value in evaluated.rows[theirs].items():
            if metric != "psnr":  # equal photos have none
                assert by_name[ours][metric] == value, (ours, metric)
    other = {"mask_ssim_standard", "ssim_pg2", "ssim_uniform51", "ssim_gaussian1.5", "ssim_gaussian1.2"}
    assert other <= set(by_name["tiny"])


def test_validation_people_beside_poses_of_others(measure: Callable[..., Benchmark], tmp_path: Path) -> None:
    result = measure(data=write_market(tmp_path / "ten", 7), split="validation")
    (person,) = {name[:4] for pair in result.pairs for name in pair}
    assert person not in ("0011", "0012", "0013")
    assert {row.name for row in result.rows if row.kind == "floor"} == FLOORS  # also that of the training photos
    assert result.run["pairs"] == "the data set's own for validation"
    assert "--split validation" in str(result.run["command"])


def test_json_says_all_that_a_reader_needs(measured: tuple[Benchmark, Path]) -> None:
    text = (measured[1] / "benchmark.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)
    assert found["N"] == 6
    facts = found["rows"]["tiny"]["weights"]
    assert (facts["step"], facts["model"], facts["data"], len(facts["sha256"])) == (3, "posegan", "nothing", 64)
    assert facts["command"].startswith("posegan benchmark --data ")
    assert "--weights tiny=" in facts["command"]
    assert found["rows"]["tiny"]["made"]["date"][:2] == "20"
    assert set(found["rows"]["tiny"]["scores"]) <= set(found["protocols"])
    assert found["published"]["APS"]["scores"]["ssim_paper"] == 0.312
    assert "Huang et al. 2020" in found["published"]["APS"]["source"]
    assert "other lists of pairs" in found["published_footnote"]
    assert {"fid_targets", "fid_training", "lpips_alex", "identity_source_osnet"} <= set(found["not_measured"])
    for sentence in found["not_measured"].values():
        assert sentence.startswith("not measured: ")
        assert "missing: get it from" in sentence
        assert "sha256" in sentence


def test_markdown_labels_published_rows(measured: tuple[Benchmark, Path]) -> None:
    text = (measured[1] / "benchmark.md").read_text(encoding="utf-8")
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    published = [line for line in tables if "APS" in line]
    assert len(published) == 3  # pixels, pose, sets; none of the SSIMs of other papers
    assert all(line.startswith("| *published:* APS ") for line in published)
    assert "They are means over other lists of pairs" in text
    assert any(line.startswith("| tiny ") and "posegan benchmark --data" in line for line in tables)
    assert "not measured: weights-inception-2015-12-05-6726825d.pth" in text


@pytest.mark.contract
@pytest.mark.parametrize("kind", ["market", "deepfashion"])
def test_published_sizes_are_those_of_the_recipes(kind: str) -> None:
    recipes = Path(__file__).parents[2] / "recipes" / kind
    for row in published_rows(kind):
        if row.model:
            recipe = recipes / f"{'deformable-full' if row.model == 'deformable' else row.model}.yaml"
            with torch.device("meta"):
                generator = load_recipe(recipe).new_model().generator
            assert row.parameters == round(count_parameters(generator) / 1e6, 2), row.name


def test_the_command_of_a_row_gives_the_row(measured: tuple[Benchmark, Path], tmp_path: Path) -> None:
    first, out = measured
    command = next(row.weights.command for row in first.rows if row.weights and row.name == "tiny")
    words = [str(tmp_path) if word == str(out) else word for word in shlex.split(command)]
    assert main([*words[1:], "--no-download", "--processes", "1"]) == 0
    again = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    assert STRANGE not in again
    assert again["tiny"]["scores"] == first.as_json()["rows"]["tiny"]["scores"]


def test_pairs_of_training_photos_have_no_retrieval_floor(measure: Callable[..., Benchmark], market: Path) -> None:
    (market / "market-pairs-train.csv").write_text("from,to\n0001_c1s1_000000_00.png,0001_c1s1_000001_00.png\n")
    for folder, other in (("test", "train"),):
        shutil.copytree(market / f"bounding_box_{other}", market / f"bounding_box_{folder}", dirs_exist_ok=True)
    annotations = market / "market-annotation-test.csv"
    annotations.write_text((market / "market-annotation-train.csv").read_text())
    result = measure(pairs=market / "market-pairs-train.csv")
    assert result.left_out == {"nearest training pose": "the measured pairs are training photos themselves."}
    assert "nearest training pose" not in {row.name for row in result.rows}


# --- stopping, going on, sharing out


def test_stopped_and_given_again_is_the_same_to_the_digit(
    measure: Callable[..., Benchmark], monkeypatch: pytest.MonkeyPatch, brightness: None, tmp_path: Path
) -> None:
    monkeypatch.setattr(parts, "BATCH", 2)  # three parts of two pairs
    whole = measure("whole")
    assert whole.rows[0].values["brightness_share"] == 1
    asked: list[Path] = []
    write = parts.write_part

    def stop_after_ten(path: Path, part: dict[str, Any]) -> None:
        if len(asked) == 10:
            raise KeyboardInterrupt
        asked.append(path)
        write(path, part)

    monkeypatch.setattr(parts, "write_part", stop_after_ten)
    with pytest.raises(KeyboardInterrupt):
        measure("stopped")
    assert not list((tmp_path / "stopped").glob("benchmark.*"))
    kept = {path: path.stat().st_mtime_ns for path in asked}
    assert all(path.is_file() for path in kept)
    done: list[Path] = []

    def note(path: Path, part: dict[str, Any]) -> None:
        done.append(path)
        write(path, part)

    monkeypatch.setattr(parts, "write_part", note)
    resumed = measure("stopped")
    assert not set(done) & set(kept), "a finished part was measured again"
    assert len(done) + len(kept) == 3 * 7  # parts of rows
    assert digits(resumed) == digits(whole)
    assert not list((tmp_path / "stopped" / "parts").rglob("part-*.pt"))


def test_nothing_is_measured_twice(
    measure: Callable[..., Benchmark], monkeypatch: pytest.MonkeyPatch, weights: Path, tmp_path: Path
) -> None:
    calls: list[str] = []
    part_of = parts._row_part

    def note(*arguments: Any) -> dict[str, Any]:
        calls.append(arguments[3].name)
        return part_of(*arguments)

    monkeypatch.setattr(parts, "_row_part", note)
    first = measure()
    assert set(calls) == CEILINGS | FLOORS | {"tiny"}
    calls.clear()
    assert digits(measure()) == digits(first)
    assert calls == []
    renamed = measure(weights=[f"another name={weights}"])
    assert calls == []  # the same file
    assert digits(renamed)["another name"] == digits(first)["tiny"]
    both = measure(weights=[str(weights), str(untrained(tmp_path / "other.safetensors", 1))])
    assert calls == ["other"]
    assert digits(both)["tiny"] == digits(first)["tiny"] != digits(both)["other"]
    calls.clear()
    measure(limit=4)
    assert set(calls) == CEILINGS | FLOORS | {"tiny"}  # other pairs


def test_one_file_under_two_names_counts_once_for_each(
    measure: Callable[..., Benchmark], brightness: None, weights: Path
) -> None:
    result = measure(weights=[f"one={weights}", f"two={weights}"])
    by_name = {row.name: row.values for row in result.rows}
    assert by_name["one"] == by_name["two"]
    assert {values["photos"] for values in by_name.values()} == {6}


@pytest.mark.contract
def test_two_processes_give_the_digits_of_one(measure: Callable[..., Benchmark]) -> None:
    one = measure("one", data="synthetic", limit=36)
    two = measure("two", data="synthetic", limit=36, processes=2)
    assert len(parts.parts_of(36)) == 2
    assert digits(two) == digits(one)
    assert one.published == []
    assert one.left_out == {"nearest training pose": "synthetic people have no training photos."}


@pytest.mark.parametrize("count", [1, 31, 32, 33, 512, 513, 5568, 12000])
def test_parts_cover_the_list_once(count: int) -> None:
    found = parts.parts_of(count)
    assert [i for part in found for i in part] == list(range(count))
    assert len(found) <= parts.PARTS
    assert all(part.start % parts.BATCH == 0 for part in found)


@pytest.mark.data
@pytest.mark.timeout(1200)
def test_two_processes_give_the_digits_of_one_with_networks(
    market_root: Path, feature_weights: Path, weights: Path, tmp_path: Path
) -> None:
    results = [
        benchmark(
            market_root,
            [str(weights)],
            tmp_path / str(processes),
            limit=40,
            processes=processes,
            features_dir=feature_weights,
            device="cpu",
            download=False,
        )
        for processes in (1, 2)
    ]
    assert digits(results[0]) == digits(results[1])
    real = results[0].rows[0].values
    assert real["identity_target_osnet"] == pytest.approx(1)
    assert real["pckh_paper_movenet_share"] == 1
    assert real["lpips_squeeze_caffe"] == pytest.approx(0, abs=1e-6)


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--weights", "nowhere"], "Unknown weights 'nowhere'"),
        (["--weights", "{tmp}/none.safetensors"], "none.safetensors"),
        (["--models", "posegann"], "Unknown model 'posegann'; did you mean 'posegan'"),
        (["--models", "vunet"], "There is nothing to measure, give other weights. the model vunet: no weights"),
        (["--weights", "{large}"], "large: it is for photos of 256x256 (height x width), the data has 128x64."),
        (["--weights", "{weights}", "{copy}/tiny.safetensors"], "Two rows would be called 'tiny'"),
        (["--weights", "{detector}"], "detector-synthetic.safetensors is a 'detector', no generator"),
        (["--weights", "source copied={weights}"], "'source copied' is the name of a row that every benchmark has"),
        (["--pairs", "{tmp}/empty.csv"], "empty.csv"),
        (["--pairs", "{tmp}/strange.csv"], "strange.csv names no two photos"),
        (["--framing", "round"], "Unknown framing 'round'"),
        (["--framing", "white_256"], "is for photos of 256x176, these have 128x64"),
        (["--out", "{tmp}/empty.csv"], "empty.csv is a file: give a folder"),
        (["--data", "{tmp}/nowhere"], "There is no folder"),
        (["--features-dir", "{tmp}/nowhere"], "There is no folder"),
        (["--limit", "0"], "limit"),
    ],
)
def test_mistakes_are_sentences(
    arguments: list[str],
    sentence: str,
    market: Path,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.csv").write_text("from,to\n")
    (tmp_path / "strange.csv").write_text("from,to\na.png,b.png\n")
    (tmp_path / "copy").mkdir()
    untrained(tmp_path / "copy" / "tiny.safetensors", 2)
    large = untrained(tmp_path / "large.safetensors", size=(256, 256))
    names = {"tmp": tmp_path, "weights": weights, "copy": tmp_path / "copy", "large": large, "detector": DETECTOR}
    given = [argument.format(**names) for argument in arguments]
    defaults = {"--data": str(market), "--weights": str(weights), "--out": str(tmp_path / "out")}
    for option, value in defaults.items():
        given += [] if option in given else [option, value]
    assert main(["benchmark", *given, "--no-download", "--processes", "1"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "out").glob("benchmark.*"))
    assert (tmp_path / "empty.csv").read_text() == "from,to\n"


def test_the_protocols_are_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    names = [*METRICS, *WINDOWS, *(metric for scorer in SCORERS.values() for metric in scorer.metrics)]
    assert [name for name in names if f"`{name}`" not in text] == []
