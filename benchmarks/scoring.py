"""Time to score the published number of pairs, 12,000 of 128x64, with every pixel metric of `posegan evaluate`.

    python benchmarks/scoring.py      # about a minute on an idle machine; writes results/scoring.json

SSIM (paper, standard), mask-SSIM, L1, mask-L1, PSNR and the body masks that they need, on PAIRS pairs, extrapolated to
12,000 (pairs are independent); the baseline is scikit-image's loop over single pairs with the same masks given to it.
Times are processor seconds of one thread, medians of interleaved runs, since the machine may have other work. For two
cores, two processes score half of the pairs each, as `posegan benchmark` shares them out, and the slower one counts.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from losses_and_metrics import PUBLISHED_PAIRS, pictures, scikit_ssim
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from posegan.evaluation.scores import score
from posegan.hardware import processor_name
from posegan.inference.poses import bundled_poses
from posegan.pose import Pose, body_mask

RESULT = Path(__file__).parent / "results" / "scoring.json"
PAIRS, SLOW_PAIRS, BATCH, REPEATS = 640, 96, 32, 3
SIZE = (128, 64)


def poses(count: int) -> Pose:
    shapes = [named.pose for named in bundled_poses().values()]
    return Pose.stack([shapes[i % len(shapes)] for i in range(count)])


def ours(generated: Tensor, target: Tensor, pose: Pose) -> None:
    for first in range(0, len(generated), BATCH):
        part = slice(first, first + BATCH)
        score(generated[part], target[part], body_mask(pose[part], SIZE))


def loop(generated: np.ndarray, target: np.ndarray, masks: np.ndarray) -> None:
    for x, y, m in zip(generated, target, masks, strict=True):
        black = x * m[..., None], y * m[..., None]
        scikit_ssim(x, y, own_range=True)
        scikit_ssim(x, y, own_range=False)
        scikit_ssim(*black, own_range=True)
        for a, b in ((x, y), black):
            np.abs(a.astype(np.float64) - b).mean()
        peak_signal_noise_ratio(y, x, data_range=255)


def processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def half(first: int) -> float:
    """Processor seconds of every second pair, in a process of its own."""
    torch.set_num_threads(1)
    generated, target, _ = pictures(PAIRS)
    chosen = slice(first, None, 2)
    pose = poses(PAIRS)[chosen]
    ours(generated[:BATCH], target[:BATCH], pose[:BATCH])  # warms up
    return processor_seconds(lambda: ours(generated[chosen], target[chosen], pose))


def main() -> None:
    generated, target, _ = pictures(PAIRS)
    pose = poses(PAIRS)
    mask = body_mask(pose[:SLOW_PAIRS], SIZE).numpy()
    arrays = [t[:SLOW_PAIRS].permute(0, 2, 3, 1).numpy() for t in (generated, target)]
    torch.set_num_threads(1)
    ours(generated[:BATCH], target[:BATCH], pose[:BATCH])  # warms up
    loop(arrays[0][:BATCH], arrays[1][:BATCH], mask[:BATCH])
    fast, slow = [], []
    for _ in range(REPEATS):
        fast.append(processor_seconds(lambda: ours(generated, target, pose)) / PAIRS)
        slow.append(processor_seconds(lambda: loop(arrays[0], arrays[1], mask)) / SLOW_PAIRS)
    pair, slow_pair = statistics.median(fast), statistics.median(slow)
    with multiprocessing.get_context("spawn").Pool(2) as both:
        halves = max(both.map(half, range(2), chunksize=1))
    result = {
        "machine": f"{processor_name()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "measured_pairs": PAIRS,
        "processor_seconds_for_12000_pairs": round(pair * PUBLISHED_PAIRS, 1),
        "processor_seconds_of_scikit_images_loop": round(slow_pair * PUBLISHED_PAIRS, 1),
        "times_faster": round(slow_pair / pair, 1),
        "seconds_for_12000_pairs_on_two_cores": round(halves / PAIRS * PUBLISHED_PAIRS, 1),
        "load_average_meanwhile": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
