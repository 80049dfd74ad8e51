"""Time of convolutions in the forms of layers/faster_convolutions.py against torch's own, alone and in whole steps.

    python benchmarks/convolutions.py      # about five minutes on two cores; writes results/convolutions.json

Float32 on a CPU, channels last. Layers: the forward pass, and forward and backward together with the gradients of input
and kernels, medians of runs that take turns, on one thread and on two. Errors are the largest difference to the result
in float64 over its largest value. Steps: published widths, 128x64, batch 4, two threads, optimisers included, with
feature networks of random weights. Layers that would not gain are left to torch, so their ratio is 1 but for noise.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from losses_and_metrics import medians
from torch import Tensor
from torch.nn import functional as F

from posegan.hardware import processor_name
from posegan.layers.faster_convolutions import FasterConvolutions
from posegan.training.machine import start_fabric
from posegan.training.settings import TrainingSettings
from posegan.training.speed import _batch, _jobs, _settings, model_on

RESULT = Path(__file__).parent / "results" / "convolutions.json"
RUNS, STEPS = 7, 3
MODELS = ("patn", "aps", "pg2", "deformable", "sdgan", "vunet")
LAYERS = (  # kind, photos, channels, outputs, height, width of the input
    ("3x3", 4, 64, 64, 128, 64),
    ("3x3", 4, 96, 96, 32, 16),
    ("3x3", 4, 128, 128, 64, 32),
    ("3x3", 4, 256, 256, 32, 16),
    ("3x3", 1, 256, 256, 32, 16),
    ("3x3", 4, 512, 512, 32, 16),
    ("3x3", 4, 512, 512, 16, 8),
    ("3x3", 4, 512, 512, 8, 4),
    ("3x3", 4, 1024, 512, 2, 2),
    ("4x4 of stride 2", 4, 128, 256, 64, 32),
    ("4x4 of stride 2", 4, 256, 512, 32, 16),
    ("4x4 of stride 2", 4, 512, 512, 8, 4),
    ("4x4 of stride 2, transposed", 4, 512, 128, 64, 32),
    ("4x4 of stride 2, transposed", 4, 1024, 256, 32, 16),
    ("4x4 of stride 2, transposed", 4, 1536, 512, 16, 8),
    ("4x4 of stride 2, transposed", 4, 1536, 512, 8, 4),
    ("4x4 of stride 2, transposed", 4, 1024, 512, 4, 2),
)


def layer(kind: str, channels: int, outputs: int) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor]:
    """Return the convolution and its kernels."""
    if kind == "3x3":
        return lambda x, w: F.conv2d(x, w, padding=1), torch.randn(outputs, channels, 3, 3)
    if kind == "4x4 of stride 2":
        return lambda x, w: F.conv2d(x, w, stride=2, padding=1), torch.randn(outputs, channels, 4, 4)
    return lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), torch.randn(channels, outputs, 4, 4)


def faster(job: Callable[[], object]) -> Callable[[], object]:
    """Return a job that runs in the context."""

    def run() -> object:
        with FasterConvolutions():
            return job()

    return run


def measure_layer(kind: str, photos: int, channels: int, outputs: int, height: int, width: int) -> dict[str, Any]:
    """Time one layer both ways."""
    torch.manual_seed(0)
    order = torch.channels_last
    convolve, kernels = layer(kind, channels, outputs)
    w = (kernels / kernels[0].numel() ** 0.5).to(memory_format=order).requires_grad_()
    x = torch.randn(photos, channels, height, width).to(memory_format=order).requires_grad_()
    true = convolve(x.detach().double(), w.detach().double())
    direction = torch.randn(true.shape).to(memory_format=order)

    def forward() -> Tensor:
        with torch.no_grad():
            return convolve(x, w)

    def both() -> object:
        return torch.autograd.grad(convolve(x, w), (x, w), direction)

    jobs = {"forward": forward, "forward and backward": both}
    row: dict[str, Any] = {"layer": kind, "photos": photos, "channels": channels, "outputs": outputs}
    row |= {"height": height, "width": width}
    for name, job in jobs.items():
        times = medians({"usual": job, "faster": faster(job)}, RUNS, time.perf_counter)
        row[name] = {f"{form}_ms": 1e3 * seconds for form, seconds in times.items()}
        row[name]["times_faster"] = times["usual"] / times["faster"]
    for form, job in (("usual", forward), ("faster", faster(forward))):
        found = job()
        assert isinstance(found, Tensor)
        row[f"{form}_error"] = float((found - true).abs().max() / true.abs().max())
    return row


def measure_steps(fabric: Fabric, name: str) -> list[dict[str, Any]]:
    """Time a step of each phase of a model both ways."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = model_on(fabric.device, name, _settings(name, (128, 64), Path(folder), {}))
        batch = _batch((128, 64), 4).to("cpu", channels_last=True)
        for what, fast, usual in _jobs(model, fabric, batch):
            if what == "generation":
                continue
            times = medians({"usual": usual, "faster": fast}, STEPS, time.perf_counter)
            row: dict[str, Any] = {"model": name, "what": what}
            rows.append(
                row | {f"{k}_s": v for k, v in times.items()} | {"times_faster": times["usual"] / times["faster"]}
            )
    return rows


def main() -> None:
    fabric = start_fabric(TrainingSettings(accelerator="cpu"))  # which keeps freed memory
    result: dict[str, Any] = {
        "machine": f"{processor_name()}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "layers": {},
        "steps": [],
    }
    for threads in (1, 2):
        torch.set_num_threads(threads)
        rows = result["layers"][f"{threads} threads"] = []
        for description in LAYERS:
            rows.append(measure_layer(*description))
            speeds = [rows[-1][part]["times_faster"] for part in ("forward", "forward and backward")]
            print(threads, *description, *(f"x{speed:.2f}" for speed in speeds), flush=True)
    for name in MODELS:
        for row in measure_steps(fabric, name):
            result["steps"].append(row)
            print(
                name,
                row["what"],
                f"{row['usual_s']:.2f} -> {row['faster_s']:.2f} s, x{row['times_faster']:.2f}",
                flush=True,
            )
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
