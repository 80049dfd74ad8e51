"""The machine of a run: its processes, devices and memory, and what bit-exact resume depends on. It trains nothing."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from posegan.errors import UserError
from posegan.training.settings import TrainingSettings

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
