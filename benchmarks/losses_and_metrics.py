"""Time and memory of the metrics and of losses on feature maps against their obvious forms.

    python benchmarks/losses_and_metrics.py      # about a minute; writes results/losses_and_metrics.json

The obvious forms: scikit-image's SSIM image by image, the nearest-neighbour loss by unfolding n * n copies of the
target, and `F.l1_loss` of maps turned to float32. Times are processor seconds of a single thread, medians of
interleaved runs, so that the machine's other work counts little. Memory is what one forward and backward adds to the
peak of a fresh process (read from /proc, so this runs on Linux only).
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
import torch.nn.functional as F
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from posegan.hardware import processor_name
from posegan.losses import nearest_neighbour_loss
from posegan.losses.absolute import mean_absolute_difference
from posegan.metrics import l1, masked_l1, masked_ssim, psnr, ssim

RESULT = Path(__file__).parent / "results" / "losses_and_metrics.json"
PAIRS = 256  # for ours
SLOW_PAIRS = 64  # for the loop
PUBLISHED_PAIRS = 12000
BATCH = 64
MAP = (4, 64, 128, 64)  # relu1_2 of a batch of 4 Market-1501 photos
Images = tuple[Tensor, Tensor, Tensor]


def pictures(count: int) -> Images:
    """Two sets of smooth random pictures with noise, (N, 3, 128, 64) uint8, and a mask of their middle."""
    torch.manual_seed(0)
    smooth = F.interpolate(torch.rand(2 * count, 3, 16, 8), (128, 64), mode="bilinear")
    noisy = (255 * (0.9 * smooth + 0.1 * torch.rand(2 * count, 3, 128, 64))).round().to(torch.uint8)
    mask = torch.zeros(count, 128, 64, dtype=torch.bool)
    mask[:, 16:112, 16:48] = True
    return noisy[:count], noisy[count:], mask


def in_batches(metric: Callable[..., Tensor], images: Images) -> None:
    for part in zip(*(t.split(BATCH) for t in images), strict=True):
        metric(*part)


def scikit_ssim(generated: np.ndarray, target: np.ndarray, own_range: bool) -> None:
    extent = float(generated.max()) - float(generated.min()) if own_range else 255.0
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    structural_similarity(target, generated, data_range=extent, **options)


def masked(loop: Callable[[np.ndarray, np.ndarray], object]) -> Callable[..., object]:
    return lambda x, y, m: loop(x * m[..., None], y * m[..., None])


def one_by_one(metric: Callable[..., object], images: Images) -> None:
    arrays = [images[0].permute(0, 2, 3, 1).numpy(), images[1].permute(0, 2, 3, 1).numpy(), images[2].numpy()]
    for x, y, m in zip(*arrays, strict=True):
        metric(x, y, m)


METRICS: dict[str, tuple[Callable[..., Tensor], Callable[..., object]]] = {
    "ssim paper": (lambda x, y, m: ssim(x, y, "paper"), lambda x, y, m: scikit_ssim(x, y, True)),
    "ssim standard": (lambda x, y, m: ssim(x, y, "standard"), lambda x, y, m: scikit_ssim(x, y, False)),
    "masked ssim paper": (lambda x, y, m: masked_ssim(x, y, m), masked(lambda x, y: scikit_ssim(x, y, True))),
    "l1": (lambda x, y, m: l1(x, y), lambda x, y, m: np.abs(x.astype(np.float64) - y).mean()),
    "masked l1": (masked_l1, masked(lambda x, y: np.abs(x.astype(np.float64) - y).mean())),
    "psnr": (lambda x, y, m: psnr(x, y), lambda x, y, m: peak_signal_noise_ratio(y, x, data_range=255)),
}


def unfolded_loss(generated: Tensor, target: Tensor, window: int) -> Tensor:
    batch, channels, height, width = generated.shape
    copies = F.unfold(F.pad(target, (window // 2,) * 4, value=-10000.0), window)
    shifted = copies.view(batch, channels, window**2, height, width)
    return (generated[:, :, None] - shifted).abs().sum(1).amin(1).mean()


LOSSES = {"ours": nearest_neighbour_loss, "unfolded": unfolded_loss}


def forward_and_backward(form: str, window: int, maps: tuple[Tensor, Tensor]) -> None:
    maps[0].grad = None
    LOSSES[form](*maps, window).backward()


def feature_maps() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(MAP).requires_grad_(), torch.randn(MAP)


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def added_peak(form: str, window: int) -> int:
    """Bytes that one forward and backward adds to the peak of this process; run it in a fresh one."""
    maps = feature_maps()
    small = (maps[0][:1, :, :8, :8].detach().requires_grad_(), maps[1][:1, :, :8, :8])
    forward_and_backward(form, window, small)  # threads and kernels exist
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = resident("VmRSS")
    forward_and_backward(form, window, maps)
    return resident("VmHWM") - before


def medians(
    forms: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Median seconds of each form by a clock; they take turns, so that a busy moment falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(repeats + 1):
        for name, form in forms.items():
            start = clock()
            form()
            if turn:  # the first warms up
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def metric_rows() -> dict[str, dict[str, float]]:
    many, few, rows = pictures(PAIRS), pictures(SLOW_PAIRS), {}
    for name, (batched, slow) in METRICS.items():
        forms = {"ours": lambda m=batched: in_batches(m, many), "loop": lambda m=slow: one_by_one(m, few)}
        seconds = medians(forms, repeats=7)
        fast, loop = seconds["ours"] / PAIRS, seconds["loop"] / SLOW_PAIRS
        rows[name] = {
            "times_faster": round(loop / fast, 1),
            "processor_seconds_for_12000_pairs": round(fast * PUBLISHED_PAIRS, 1),
            "processor_seconds_of_the_loop": round(loop * PUBLISHED_PAIRS, 1),
        }
    return rows


def loss_rows() -> dict[str, dict[str, float]]:
    maps, rows = feature_maps(), {}
    for window in (3, 5):
        forms = {form: lambda f=form, w=window: forward_and_backward(f, w, maps) for form in LOSSES}
        seconds = medians(forms, repeats=7)
        peak = {}
        for form in LOSSES:
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                peak[form] = fresh.apply(added_peak, (form, window))
        megabytes = {form: round(peak[form] / 2**20) for form in LOSSES}
        rows[f"window {window}"] = {
            "times_faster": round(seconds["unfolded"] / seconds["ours"], 1),
            "times_less_memory": round(peak["unfolded"] / peak["ours"], 1),
            "processor_milliseconds": round(1000 * seconds["ours"], 1),
            "added_peak_mib": megabytes["ours"],
            "added_peak_mib_unfolded": megabytes["unfolded"],
        }
    return rows


def absolute_rows() -> dict[str, dict[str, float]]:
    rows = {}
    for dtype in (torch.float32, torch.bfloat16):
        found, wanted = (x.detach().to(dtype, memory_format=torch.channels_last) for x in feature_maps())
        found.requires_grad_()
        forms: dict[str, Callable[[], object]] = {
            "ours": lambda a=found, b=wanted: torch.autograd.grad(mean_absolute_difference(a, b), a),
            "F.l1_loss": lambda a=found, b=wanted: torch.autograd.grad(F.l1_loss(a.float(), b.float()), a),
        }
        seconds = medians(forms, repeats=15)
        rows[str(dtype).removeprefix("torch.")] = {
            "times_faster": round(seconds["F.l1_loss"] / seconds["ours"], 1),
            "processor_milliseconds": round(1000 * seconds["ours"], 1),
        }
    return rows


def main() -> None:
    torch.set_num_threads(1)
    result = {
        "machine": f"{processor_name()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "metrics against a loop over images (128x64)": metric_rows(),
        f"nearest-neighbour loss against unfolding {MAP}": loss_rows(),
        f"mean absolute difference of feature maps against F.l1_loss {MAP}": absolute_rows(),
        "date": time.strftime("%Y-%m-%d"),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
