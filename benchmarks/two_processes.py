"""How much faster two processes train than one, on one machine's CPU.

    python benchmarks/two_processes.py      # about three minutes; writes results/two_processes.json

`posegan train` on the compact model with one thread a process and four pairs a process and step (weak scaling), each
alternately with one and with two processes. A run's rate is the median of what it logs, its first lines left out.
The machine should have two cores to spare; what else runs shows in the spread.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from posegan.hardware import processor_name

RESULT = Path(__file__).parent / "results" / "two_processes.json"
PAIRS_EACH, STEPS, LOG_EVERY, ROUNDS = 4, 24, 4, 3
RECIPE = """
model: {name: posegan, features: none, discriminator_width: 16}
data: {name: synthetic, identities: 8, poses: 2}
training: {threads: 1, validate_every: 0, sample_every: 0, save_every: 1000}
"""


def rates(processes: int, folder: Path, run: int) -> list[float]:
    out = folder / f"{processes}-{run}"
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    settings = {
        "out": out,
        "steps": STEPS,
        "log_every": LOG_EVERY,
        "devices": processes,
        "batch_size": PAIRS_EACH * processes,
        "accelerator": "cpu",
    }
    options = [word for key, value in settings.items() for word in (f"--training.{key}", str(value))]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "posegan", "train", str(recipe), *options]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    logged = [line["images_per_second"] for line in lines if "images_per_second" in line]
    return logged[2:]  # the first steps warm up


def main() -> None:
    seen: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        for run in range(ROUNDS):
            for processes, found in seen.items():
                found += rates(processes, Path(name), run)
    one, two = (statistics.median(found) for found in seen.values())
    result = {
        "what": f"posegan, 128x64, {PAIRS_EACH} pairs a process and step, one thread a process",
        "pairs_per_second": {"one process": round(one, 2), "two processes": round(two, 2)},
        "least_and_most": {str(n): [round(min(v), 2), round(max(v), 2)] for n, v in seen.items()},
        "efficiency": round(two / (2 * one), 3),
        "machine": f"{processor_name()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "load_average": round(os.getloadavg()[0], 1),
        "date": time.strftime("%Y-%m-%d"),
        "command": "python benchmarks/two_processes.py",
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
