"""`benchmark`: any set of weights on one list of pairs, between ceilings and floors, beside the published rows.

It says what happens in which order: who takes part (entrants.py), what is measured and kept (parts.py, store.py), what
is shown (exhibits.py, page.py).
"""

from __future__ import annotations

import json
import math
import platform
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from posegan import __version__
from posegan.data.assemble import Split
from posegan.data.dataset import PosePairDataset
from posegan.data.photos import cores
from posegan.errors import UserError
from posegan.evaluation.benchmark_result import RANKING, Benchmark, RowResult, WeightsFacts, now
from posegan.evaluation.columns import direction
from posegan.evaluation.entrants import Entrant, Entrants, find_entrants, leave_out_other_sizes
from posegan.evaluation.exhibits import Exhibit, exhibit, fixed_pairs_of, ranked_pairs_of, seconds_per_photo, show_pairs
from posegan.evaluation.page import write_page
from posegan.evaluation.parts import Measurement
from posegan.evaluation.published import published_rows
from posegan.evaluation.report import hardware
from posegan.evaluation.rows import (
    JpegTarget,
    MeanTarget,
    NearestTrainingPose,
    RealTarget,
    Row,
    SourceCopied,
    SourceWarped,
)
from posegan.evaluation.scorers import SCORERS, Scorer, available_scorers
from posegan.evaluation.scores import METRICS, WINDOWS, fitting
from posegan.evaluation.store import Store
from posegan.evaluation.survey import TrainingPhotos, survey, training_photos
from posegan.files import write_text
from posegan.inference.catalogue import paper_of
from posegan.inference.open_data import kind_of, named_pairs, open_data
from posegan.inference.output import out_folder
from posegan.inference.predictor import choose_device
from posegan.metrics import Accumulator, frame_photos
from posegan.models import MODELS
from posegan.models.base import count_parameters
from posegan.places import require_folder_place

PROTOCOL = 1  # raised when a row or a score changes its meaning under the same name
DEFAULT_SIZE = (128, 64)  # where neither the data nor any weights say another


@dataclass(frozen=True)
class Order:
    """What was asked for, as `benchmark` takes it."""

    data: str | Path
    weights: Sequence[str]
    out: str | Path
    pairs: str | Path | None
    split: Split | None
    models: Sequence[str]
    limit: int | None
    features_dir: str | Path | None
    framing: str

    def command(self, weights: Sequence[str]) -> str:
        """Return the command that does it with those weights."""
        words = ["posegan", "benchmark", "--data", str(self.data)]
        words += ["--pairs", str(self.pairs)] if self.pairs else []
        words += ["--split", self.split] if self.split else []
        words += ["--weights", *weights] if weights else []
        words += ["--models", *self.models] if self.models else []
        words += ["--limit", str(self.limit)] if self.limit else []
        words += ["--features-dir", str(self.features_dir)] if self.features_dir else []
        words += ["--framing", self.framing] if self.framing != "plain" else []
        return shlex.join([*words, "--out", str(self.out)])


def benchmark(
    data: str | Path,
    weights: Sequence[str] = (),
    out: str | Path = "benchmark",
    *,
    pairs: str | Path | None = None,
    split: Split | None = None,
    models: Sequence[str] = (),
    limit: int | None = None,
    processes: int | None = None,
    features_dir: str | Path | None = None,
    framing: str = "plain",
    device: str = "auto",
    download: bool = True,
    progress: bool = False,
) -> Benchmark:
    """Measure weights, ceilings and floors on the pairs of a data set and write the report into the folder `out`.

    data, pairs, split: as `open_data`. weights, models: as `find_entrants`. limit: only the first pairs.
    processes: at a time, one thread each; by default one a core, or one in all on a GPU. Their number changes no digit.
    features_dir: weights of the metrics' networks; download: fetch those that have an address.
    framing: as `frame_photos`. What an earlier run into the same folder has measured is not measured again.
    Writes benchmark.json, benchmark.md and benchmark.html.
    Raises UserError as those functions, if none of the weights fit the photos, and if `out` is a file.
    """
    order = Order(data, weights, out, pairs, split, models, limit, features_dir, framing)
    require_folder_place(out, data)
    device = str(choose_device(device))
    entrants = find_entrants(weights, models, device)
    dataset = open_data(data, entrants.found[0].size if entrants.found else DEFAULT_SIZE, pairs, split)
    leave_out_other_sizes(entrants, dataset.size)
    folder = out_folder(out)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    scorers, not_measured = available_scorers(count, features_dir, device, download=download)
    definitions = _definitions(dataset, framing, scorers, not_measured)
    known = survey(dataset, count)
    training = _training(order, dataset, count, entrants, scorers, not_measured)
    rows = _rows(entrants, known.mean_target, training)
    measurement = Measurement(
        dataset,
        count,
        framing,
        tuple(name for name, made in SCORERS.items() if not made.metrics.keys() <= not_measured.keys()),
        Path(features_dir) if features_dir is not None else None,
        device,
        training.photos if training and any(scorer.wants_training for scorer in scorers) else None,
        training.key if training else "",
    )
    files = {scorer.name: dict(scorer.files) for scorer in scorers}
    shared = [PROTOCOL, __version__, known.fingerprint, count, framing, definitions, files]
    store = Store(folder / "parts", shared, {"hardware": hardware(torch.device(device)), "versions": _versions()})
    with _bar(progress) as begin:
        store.fill(measurement, rows, processes or (cores() if device == "cpu" else 1), begin)
    fixed = fixed_pairs_of(count)
    results, exhibits = [], {}
    for row, found in zip(rows, _results(store, measurement, rows), strict=True):
        entrant = next((one for one in entrants.found if one.row is row), None)
        ranked = ranked_pairs_of(found.scores[RANKING]) if entrant else {}
        exhibits[row.name] = exhibit(row, dataset, fixed, ranked, device)
        results.append(replace(found, weights=_facts(entrant, store, dataset, order)) if entrant else found)
        if entrant:
            entrant.row.release()
    result = Benchmark(
        rows=_arranged(results),
        published=published_rows(kind_of(data)),
        pairs=dataset.pair_names()[:count],
        protocols=definitions,
        not_measured=not_measured,
        left_out=entrants.left_out,
        run=_circumstances(order, dataset, known.fingerprint, device),
    )
    _write(folder, result, dataset, fixed, exhibits)
    return result


def _definitions(
    dataset: PosePairDataset, framing: str, scorers: Sequence[Scorer], not_measured: dict[str, str]
) -> dict[str, str]:
    """Return what each measured score means; says of the windows larger than the photos that they are not measured."""
    height, width = frame_photos(torch.zeros(1, 3, *dataset.size), framing).shape[-2:]
    definitions = dict(METRICS) | {metric: WINDOWS[metric] for metric in fitting((height, width))}
    definitions |= {metric: text for scorer in scorers for metric, text in scorer.metrics.items()}
    too_large = "not measured: its window is larger than the photos."
    not_measured |= dict.fromkeys((metric for metric in WINDOWS if metric not in definitions), too_large)
    return definitions


def _circumstances(order: Order, dataset: PosePairDataset, fingerprint: str, device: str) -> dict[str, object]:
    return {
        "data": Path(order.data).name or str(order.data),
        "pairs": named_pairs(order.pairs, order.split),
        "size": list(dataset.size),
        "fingerprint": fingerprint,
        "framing": order.framing,
        "left_out": dataset.report.counts,
        "command": order.command(order.weights),
        "date": now(),
        "versions": _versions(),
        "hardware": hardware(torch.device(device)),
    }


def _write(
    folder: Path,
    result: Benchmark,
    dataset: PosePairDataset,
    fixed: Sequence[int],
    exhibits: dict[str, Exhibit],
) -> None:
    write_text(folder / "benchmark.json", json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "benchmark.md", result.markdown())
    shown = show_pairs(dataset, sorted({pair for item in exhibits.values() for pair in item.pictures}))
    write_page(folder / "benchmark.html", result, fixed, shown, exhibits)


def _training(
    order: Order,
    dataset: PosePairDataset,
    count: int,
    entrants: Entrants,
    scorers: Sequence[Scorer],
    not_measured: dict[str, str],
) -> TrainingPhotos | None:
    """Return the training photos; if there are none, say so of the row and of the scores that need them."""
    try:
        return training_photos(order.data, dataset, count, order.split)
    except UserError as error:
        entrants.left_out[NearestTrainingPose.name] = str(error)
        wanting = [scorer for scorer in scorers if scorer.wants_training]
        not_measured |= {m: f"not measured: {error}" for s in wanting for m in s.metrics if m.endswith("_training")}
        return None


def _rows(entrants: Entrants, mean_target: torch.Tensor, training: TrainingPhotos | None) -> list[Row]:
    rows: list[Row] = [RealTarget(), JpegTarget(), *(entrant.row for entrant in entrants.found)]
    rows += [SourceCopied(), SourceWarped(), MeanTarget(mean_target), *([training.row] if training else [])]
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"{name!r} is the name of a row that every benchmark has: name the weights otherwise, as LABEL=PATH."
            )
    return rows


def _results(store: Store, measurement: Measurement, rows: Sequence[Row]) -> list[RowResult]:
    """Return every row's scores: means over pairs, and of all photos together what the scorers say."""
    scorers, parts = measurement.load_scorers(), [store.row(row) for row in rows]
    training = store.training(measurement)
    once = {store.label(row): part for row, part in zip(rows, parts, strict=True)}  # one file may have two names
    for part in [*once.values(), *([training] if training else [])]:
        for scorer in scorers:
            scorer.merge(part["states"].get(scorer.name, {}))
    results = []
    for row, part in zip(rows, parts, strict=True):
        means = Accumulator()
        means.add({metric: values[~values.isnan()] for metric, values in part["scores"].items()})
        whole = {m: v for scorer in scorers for m, v in scorer.summary(store.label(row)).items()}
        values = {metric: v for metric, v in (means.means() | whole).items() if not math.isnan(v)}
        stds = {metric: v for metric, v in means.stds().items() if not math.isnan(v)}
        made = json.loads(part["made"])
        results.append(RowResult(row.name, row.kind, row.meaning, values, stds, part["scores"], made))
    return results


def _facts(entrant: Entrant, store: Store, dataset: PosePairDataset, order: Order) -> WeightsFacts:
    row, info = entrant.row, entrant.info
    machine = hardware(torch.device(row.device))
    name = "speed-" + "-".join(str(machine[key]) for key in ("device", "threads")).replace(":", "-")
    timed = store.note(
        row, name, lambda: {"seconds": seconds_per_photo(row.predictor, dataset), "on": machine, "date": now()}
    )
    return WeightsFacts(
        file=str(Path(*row.path.parts[-2:])),
        sha256=row.sha256,
        model=info.model,
        paper=paper_of(MODELS.get(info.model)),
        step=info.step,
        data=info.data,
        licence=info.licence,
        parameters=count_parameters(row.predictor.generator),
        seconds=timed["seconds"],
        timed_on=timed["on"],
        command=order.command([f"{row.name}={row.path}"]),
    )


def _arranged(results: Sequence[RowResult]) -> list[RowResult]:
    """Ceilings, then models from the best down, then floors from the best down."""
    place = {"ceiling": 0, "model": 1, "floor": 2}
    sign = -direction(RANKING)
    return sorted(results, key=lambda row: (place[row.kind], sign * row.values.get(RANKING, -math.inf)))


def _versions() -> dict[str, str]:
    return {"posegan": __version__, "torch": torch.__version__, "python": platform.python_version()}


@contextmanager
def _bar(progress: bool) -> Iterator[Callable[[int], Callable[[], None]]]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (progress and console.is_terminal)) as bar:

        def begin(count: int) -> Callable[[], None]:
            task = bar.add_task("measuring", total=count)
            return lambda: bar.advance(task)

        yield begin
