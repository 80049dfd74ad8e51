"""Times `render` of one photo with torch and with onnxruntime, in turns, so that one load of the machine meets both.

    posegan export --weights posegan-synthetic --out fast --split
    python benchmarks/onnx_render.py fast [--weights posegan-synthetic] [--rounds 60] [--out OUT.json]

fast: the export of these weights. What counts is the ratio of one run: milliseconds depend on who else computes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch

from posegan.inference import Predictor
from posegan.inference.export import example


def milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export")
    parser.add_argument("--weights", default="posegan-synthetic")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out")
    chosen = parser.parse_args()
    runners: dict[str, tuple[int, Predictor]] = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)  # the export's sessions take as many
        runners[f"torch, threads: {threads}"] = threads, Predictor.load(chosen.weights, "cpu")
        runners[f"onnxruntime, threads: {threads}"] = threads, Predictor.load(chosen.export)
    (photo, source), target = example(next(iter(runners.values()))[1].size, 1, 0)
    before, times = os.getloadavg()[0], {name: [] for name in runners}
    for turn in range(chosen.rounds + 5):
        for name, (threads, predictor) in runners.items():
            torch.set_num_threads(threads)
            encoded = predictor.encode(photo, source)
            passed = milliseconds(lambda predictor=predictor, encoded=encoded: predictor.render(encoded, target))
            if turn >= 5:
                times[name].append(passed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "weights": chosen.weights,
        "size": list(next(iter(runners.values()))[1].size),
        "batch": 1,
        "rounds": chosen.rounds,
        "median_ms": {name: round(value, 1) for name, value in medians.items()},
        "smallest_ms": {name: round(min(values), 1) for name, values in times.items()},
        "torch_over_onnxruntime": {
            f"threads: {n}": round(medians[f"torch, threads: {n}"] / medians[f"onnxruntime, threads: {n}"], 2)
            for n in (1, 2)
        },
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "cpus": os.cpu_count(),
        "load_before": round(before, 1),
    }
    print(json.dumps(result, indent=2))
    if chosen.out:
        Path(chosen.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
