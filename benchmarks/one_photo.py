"""Times one photo with torch and with onnxruntime, in turns, so that one load of the machine meets both.

    python benchmarks/one_photo.py [--rounds 60]      # a minute; writes results/one_photo.json

`render` is a further pose of a photo that was encoded, `repose` the whole way from a photo to a picture. onnxruntime
runs the graphs that ship beside the weights. What counts are the ratios of one run: milliseconds depend on who else
computes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch

from posegan.hardware import processor_name
from posegan.inference import Predictor
from posegan.inference.export import example
from posegan.weights import bundled_names

RESULT = Path(__file__).parent / "results" / "one_photo.json"
THREADS = (1, 2)


def milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def measure(weights: str, rounds: int) -> dict[str, dict[str, float]]:
    """Return medians and ratios for weights of that name."""
    runners: dict[tuple[str, int], Predictor] = {}
    for threads in THREADS:
        torch.set_num_threads(threads)  # onnxruntime's sessions take as many
        runners["torch", threads] = Predictor.load(weights, "cpu")
        runners["onnxruntime", threads] = Predictor.load(weights, "cpu", fast=True)
    (photo, source), target = example(runners["torch", 1].size, 1, 0)
    times = defaultdict(list)
    for turn in range(rounds + 5):
        for (runtime, threads), predictor in runners.items():
            torch.set_num_threads(threads)
            encoded = predictor.encode(photo, source)
            passed = {
                "render": milliseconds(lambda p=predictor, e=encoded: p.render(e, target)),
                "repose": milliseconds(lambda p=predictor: p.repose(photo, source, target)),
            }
            if turn >= 5:
                for what, value in passed.items():
                    times[what, runtime, threads].append(value)
    medians = {key: statistics.median(values) for key, values in times.items()}
    return {
        "median_ms": {f"{what}, {run}, threads: {n}": round(value, 1) for (what, run, n), value in medians.items()},
        "torch_over_onnxruntime": {
            f"{what}, threads: {n}": round(medians[what, "torch", n] / medians[what, "onnxruntime", n], 2)
            for what in ("render", "repose")
            for n in THREADS
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    chosen = parser.parse_args()
    before = os.getloadavg()[0]
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": processor_name(),
        "size": [128, 64],
        "batch": 1,
        "rounds": chosen.rounds,
        "weights": {name: measure(name, chosen.rounds) for name in bundled_names()},
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "cpus": os.cpu_count(),
        "load_before": round(before, 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
