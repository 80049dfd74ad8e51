"""Pictures of the synthetic people per processor second of a single thread.

    python benchmarks/synthetic_people.py      # about a minute; writes results/synthetic_people.json

Renders without correspondence, best of several runs. Processor time instead of wall time, so that other programs on
the machine disturb little; they still share its caches.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch

from posegan.data.synthetic import SyntheticPeople
from posegan.hardware import processor_name

RESULT = Path(__file__).parent / "results" / "synthetic_people.json"
CASES = ((128, 64, 32), (128, 64, 128), (256, 256, 8))  # height, width, batch
RUNS = 4


def measure(height: int, width: int, batch: int) -> float:
    """Pictures per processor second."""
    people = SyntheticPeople(identities=batch, size=(height, width))
    seed = torch.arange(batch)
    times = []
    for run in range(RUNS + 1):  # the first warms up
        start = time.process_time()
        people.render(seed + run, seed * 7 + 3, seed * 13 + 5, seed * 3 + 1)
        times.append(time.process_time() - start)
    return batch / min(times[1:])


def main() -> None:
    torch.set_num_threads(1)
    rates = {
        f"{height}x{width}, batch {batch}": round(measure(height, width, batch), 1) for height, width, batch in CASES
    }
    result = {
        "what": f"SyntheticPeople.render without correspondence, one thread, best of {RUNS}",
        "images_per_cpu_second": rates,
        "machine": f"{processor_name()}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "command": "python benchmarks/synthetic_people.py",
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
