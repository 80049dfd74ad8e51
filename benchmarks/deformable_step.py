"""Time and memory of a whole training step of Deformable GAN against the same step in the obvious form.

    python benchmarks/deformable_step.py      # about three minutes; writes results/deformable_step.json

Published width, 128x64, batch 4, discriminator and generator update, features of a VGG19 with random weights. The
obvious form has the same networks, losses and optimisers, but warps the full map once per part, unfolds the n * n
windows of the nearest-neighbour loss, and makes heatmaps, masks and affines one person after the other in NumPy and
scikit-image (the references of the tests); its convolutions are torch's own. Three batches a step, as the released code
draws them, are timed beside one shared batch, and our form in bfloat16 (autocast) beside float32, which pays on
processors with units for it. Times are processor seconds of one thread, medians of runs that take turns; memory is what
a step adds to the peak of a fresh process (from /proc, so Linux only).
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from deformable_skip import obvious as obvious_skip
from losses_and_metrics import resident, unfolded_loss
from torch import Tensor

from posegan.batch import Batch
from posegan.data import SyntheticPeople, SyntheticPoseDataset
from posegan.hardware import processor_name
from posegan.models import create_model
from posegan.pose import Pose, Size
from posegan.training.machine import start_fabric
from posegan.training.settings import TrainingSettings
from posegan.training.speed import random_features
from posegan.training.step import Stepper

sys.path.insert(0, str(Path(__file__).parents[1]))  # the slow references lie in tests/
from tests.pose import reference_affine, reference_masks

RESULT = Path(__file__).parent / "results" / "deformable_step.json"
SIZE, BATCH, RUNS = (128, 64), 4, 3
FORMS = ("ours", "ours, three batches", "ours, bf16", "ours, three batches, bf16", "obvious", "obvious, three batches")


def obvious_heatmap(pose: Pose, size: Size, sigma: float = 6.0) -> Tensor:
    rows, columns = np.mgrid[: size[0], : size[1]]
    maps = np.zeros((len(pose), 18, *size), dtype=np.float32)
    for person, (places, seen) in enumerate(zip(pose.xy.numpy(), pose.visible.numpy(), strict=True)):
        for joint in np.flatnonzero(seen):
            x, y = places[joint]
            maps[person, joint] = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return torch.from_numpy(maps)


def points(pose: Pose) -> list[np.ndarray]:
    missing = torch.where(pose.visible[..., None], pose.xy, torch.nan)
    return list(missing.double().numpy())


def obvious_masks(target: Pose, size: Size) -> Tensor:
    return torch.from_numpy(np.stack([reference_masks.part_masks(p, size) for p in points(target)])).float()


def obvious_affines(source: Pose, target: Pose) -> Tensor:
    pairs = zip(points(source), points(target), strict=True)
    return torch.from_numpy(np.stack([reference_affine.part_affines(*pair) for pair in pairs])).float()


def obvious_warp(features: Tensor, affines: Tensor, masks: Tensor, *_: str) -> Tensor:
    return obvious_skip(features, affines, masks)


OBVIOUS = {
    "warp_by_parts": obvious_warp,
    "nearest_neighbour_loss": unfolded_loss,
    "render_heatmap": obvious_heatmap,
    "part_masks": obvious_masks,
    "part_affines": obvious_affines,
}


def stepper(form: str, folder: Path) -> Callable[[int], dict[str, Tensor]]:
    """Return what makes the k-th training step in that form and returns its losses."""
    torch.manual_seed(1)
    features = random_features("vgg19_caffe", folder)
    torch.manual_seed(0)
    batches = "independent" if "three" in form else "shared"
    model = create_model("deformable", size=SIZE, batches=batches, features_path=str(features))
    phase = model.phases()[0]
    fabric = start_fabric(TrainingSettings(precision="bf16-mixed" if "bf16" in form else "32-true"))
    ours = form.startswith("ours")
    step = Stepper(model.to(memory_format=torch.channels_last).train(), phase, fabric, fast=ours)
    data = SyntheticPoseDataset(SyntheticPeople(8, SIZE, 3), "train+validation", maps=False)
    drawn: list[Batch] = [data.batch(torch.arange(BATCH) + BATCH * k) for k in range(phase.streams)]
    batches_of_step = tuple(batch.to(torch.device("cpu"), channels_last=True) for batch in drawn)

    def run(k: int) -> dict[str, float]:
        if ours:
            return step.step(k, batches_of_step, k)
        with patch.multiple("posegan.models.deformable", **OBVIOUS):
            return step.step(k, batches_of_step, k)

    return run


def added_peak(form: str, folder: Path) -> int:
    """Bytes that one step adds to the peak of this process once optimisers exist; run it in a fresh one."""
    torch.set_num_threads(1)
    step = stepper(form, folder)
    step(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = resident("VmRSS")
    step(1)
    return resident("VmHWM") - before


def seconds_of(steps: dict[str, Callable[[int], object]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {form: [] for form in steps}
    for k in range(1, RUNS + 1):
        for form, step in steps.items():
            start = time.process_time()
            step(k)
            taken[form].append(time.process_time() - start)
    return {form: statistics.median(values) for form, values in taken.items()}


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = {form: stepper(form, folder) for form in FORMS}
        first = {form: step(0) for form, step in steps.items()}
        for slow in FORMS[-2:]:  # the forms agree, but for a pixel of a mask here and there, and for what bf16 rounds
            for fast, off in (
                (slow.replace("obvious", "ours"), 0.05),
                (slow.replace("obvious", "ours") + ", bf16", 0.1),
            ):
                for loss, value in first[fast].items():
                    assert abs(value - first[slow][loss]) < off * abs(value), (fast, slow, loss, first)
        seconds = seconds_of(steps)
        peaks = {}
        for form in FORMS:
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                peaks[form] = fresh.apply(added_peak, (form, folder))
    result = {
        "what": f"training step (both updates) of deformable, published width, batch {BATCH}, {SIZE[0]}x{SIZE[1]}",
        "seconds_one_thread": {form: round(value, 3) for form, value in seconds.items()},
        "times_faster": {
            f"{fast} against {slow}": round(seconds[slow] / seconds[fast], 2)
            for slow in ("obvious", "obvious, three batches")
            for fast in FORMS[:4]
            if ("three" in slow) or ("three" not in fast)
        },
        "added_peak_mib": {form: round(value / 2**20) for form, value in peaks.items()},
        "machine": f"{processor_name()}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "command": "python benchmarks/deformable_step.py",
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
