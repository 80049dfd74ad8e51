"""The machine of a run: its processes, devices and memory, and what bit-exact resume depends on. It trains nothing."""

from __future__ import annotations

import ctypes
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import nn

from posegan.errors import UserError
from posegan.training.settings import TrainingSettings

PROBES = ((64, 128), (128, 64), (256, 32))  # channels and side of the convolutions that measure the device
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
LARGEST = (1 << 30, 32 << 20)  # bytes: larger blocks still go back to the system; old versions take no more than 32 MiB


def keep_freed_memory() -> bool:
    """Let this process keep freed blocks of memory for the next step; returns whether that was possible.

    glibc gives large blocks back at once, and the kernel has to fill the next ones with zeros: on a CPU that took a
    tenth of a training step (docs/speed.md). Nothing is changed where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1)) and any(mallopt(M_MMAP_THRESHOLD, most) for most in LARGEST)


def start_fabric(settings: TrainingSettings) -> Fabric:
    """Return fabric with all processes of the run started, each set to keep the memory that it frees.

    Raises UserError if this machine has no such devices, or if torchrun started another number of processes.
    """
    keep_freed_memory()
    processes = settings.devices * settings.nodes
    started = int(os.environ.get("WORLD_SIZE", processes))
    if started != processes:  # each process would train alone, all in the same folder
        raise UserError(
            f"{started} processes were started, the settings are for {settings.devices} on each of {settings.nodes} "
            "machines: set training.devices to torchrun's --nproc_per_node and training.nodes to its --nnodes."
        )
    try:
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy="ddp" if processes > 1 else "auto",
            precision=settings.precision,
        )
    except (RuntimeError, MisconfigurationException) as error:
        raise UserError(
            f"This machine has not {settings.devices} of training.accelerator {settings.accelerator!r} ({error}): set "
            "training.accelerator to auto or cpu, or lower training.devices."
        ) from error
    fabric.launch()
    return fabric


def conditions(device: torch.device) -> dict[str, str]:
    """Return what bit-exact resume depends on besides the state."""
    return {"torch": str(torch.__version__), "threads": str(torch.get_num_threads()), "device": device.type}


def warn_of_differences(then: dict[str, str], now: dict[str, str], folder: Path) -> None:
    """Warn if the conditions of a run in `folder` have changed since its state was saved."""
    changed = [f"{key} was {then.get(key)}, is {value}" for key, value in now.items() if then.get(key) != value]
    if changed:
        text = f"{folder} goes on under other conditions ({'; '.join(changed)}): results will not be equal to the bit"
        warnings.warn(text, stacklevel=2)


def warn_of_slow_bf16(device: torch.device, precision: str) -> None:
    """Warn if a CPU convolves more slowly in bfloat16, which some do that have units for it; random numbers stay."""
    if device.type != "cpu" or precision != "bf16-mixed":
        return
    with torch.random.fork_rng(devices=[]):
        plain, mixed = (convolution_rate(device, kind) for kind in ("32-true", "bf16-mixed"))
    if mixed < plain:
        text = (
            f"training.precision is bf16-mixed, but this processor convolves at {mixed:.0f} GFLOP/s in bfloat16 and at "
            f"{plain:.0f} in float32: 32-true is faster here"
        )
        warnings.warn(text, stacklevel=2)


def convolution_rate(device: torch.device, precision: str = "32-true") -> float:
    """Return the GFLOP/s that the device reaches in the best of a few 3x3 convolutions, forward only."""
    best = 0.0
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    for channels, side in PROBES:
        x = torch.randn(4, channels, side, side, device=device, dtype=kind).to(memory_format=torch.channels_last)
        conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False, device=device, dtype=kind)
        conv = conv.to(memory_format=torch.channels_last)
        operations = 2 * 9 * channels**2 * x.shape[0] * side**2
        with torch.inference_mode():
            seconds = [wall(lambda c=conv, x=x: c(x), device) for _ in range(8)]  # type: ignore[misc]
        best = max(best, operations / min(seconds) / 1e9)
    return best


def wall(job: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that a job takes until the device has finished it."""
    _wait(device)
    start = time.perf_counter()
    job()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    """Let the device finish what was started."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
