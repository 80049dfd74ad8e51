"""How many pairs a second the data path decodes and batches at 128x64: plain files, the packed cache, photos in RAM.

    python benchmarks/data_loading.py --root ../shared/data/market1501   # two minutes; writes results/data_loading.json

A pair is two photos, decoded, stacked and scaled to [-1, 1] by `BatchLoader`, in random order; heatmaps are made on the
device and are not part of it. "one by one" is a data set that opens a photo with Pillow per item, on one thread. The
sources take turns, and each number is the median of all short rounds, beside it that of the fastest round: on a machine
with other work, that is the one that was disturbed least. "per_processor_second" counts the seconds of CPU spent,
whatever else ran: two free cores give about twice as much a second. Files are in the page cache.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision

from posegan.data import BatchLoader, MarketPoseDataset, PackedPhotos, PairSampler, PhotoFiles, pack_photos
from posegan.hardware import processor_name
from posegan.images import read_photo, to_signed

RESULT = Path(__file__).parent / "results" / "data_loading.json"
BATCH = 128
TARGET = 4000  # pairs/s from the pack on two cores


def one_by_one(root: Path, people: MarketPoseDataset) -> Callable[[int], None]:
    folder = root / "bounding_box_train"
    draws = PairSampler(len(people), seed=1)

    def run(steps: int) -> None:
        for step in range(steps):
            pairs = people.pairs[draws.indices(step * BATCH, BATCH)].tolist()
            for side in zip(*pairs, strict=True):
                torch.stack([to_signed(read_photo(folder / people.names[i])) for i in side])

    return run


def loaded(people: MarketPoseDataset, workers: int) -> Callable[[int], None]:
    loader = BatchLoader(people, PairSampler(len(people), seed=1), BATCH, workers=workers)

    def run(steps: int) -> None:
        for _ in loader.run(0, steps):
            pass

    return run


def measure(run: Callable[[int], None], steps: int) -> tuple[float, float]:
    """Return pairs per second and per second of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(steps)
    return BATCH * steps / (time.perf_counter() - wall), BATCH * steps / (time.process_time() - cpu)


def summary(rates: list[tuple[float, float]]) -> dict[str, int]:
    walls, cpus = zip(*rates, strict=True)
    return {
        "pairs_per_second": round(statistics.median(walls)),
        "fastest_round": round(max(walls)),
        "per_processor_second": round(statistics.median(cpus)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="Market-1501 folder")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--steps", type=int, default=8, help=f"batches of {BATCH} pairs in a round")
    parser.add_argument("--workers", type=int, default=2, help="threads of the loader")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "train.pack"
        start = time.perf_counter()
        report = pack_photos(arguments.root / "bounding_box_train", pack)
        packing = time.perf_counter() - start
        people = MarketPoseDataset(arguments.root, pack=pack, maps=False)
        files = MarketPoseDataset(arguments.root, maps=False)
        files.photos = PhotoFiles(arguments.root / "bounding_box_train", files.names, files.size)
        packed = MarketPoseDataset(arguments.root, pack=pack, maps=False, memory=0)
        assert isinstance(packed.photos, PackedPhotos)
        people.photos.read(torch.arange(len(people.names)))  # the first pass is the pack's
        runs = {
            "one by one": one_by_one(arguments.root, packed),
            "files": loaded(files, arguments.workers),
            "pack": loaded(packed, arguments.workers),
            "in RAM": loaded(people, arguments.workers),
        }
        rates: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(arguments.rounds):
            for name, run in runs.items():
                rates[name].append(measure(run, arguments.steps // 4 if name == "one by one" else arguments.steps))
    rows = {name: summary(rate) for name, rate in rates.items()}
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{processor_name()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}",
        "versions": f"torch {torch.__version__}, torchvision {torchvision.__version__}",
        "command": f"python benchmarks/data_loading.py --root {arguments.root} --rounds {arguments.rounds}",
        "photos": report.totals["photos"],
        "pack_bytes": report.totals["bytes"],
        "packing_seconds": round(packing, 1),
        "pairs at 128x64": rows,
        "pack_against_one_by_one": round(
            rows["pack"]["per_processor_second"] / rows["one by one"]["per_processor_second"], 2
        ),
        "pack_against_files": round(rows["pack"]["per_processor_second"] / rows["files"]["per_processor_second"], 2),
        "target_pairs_per_second": TARGET,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
