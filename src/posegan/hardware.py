"""What a result says of the machine that it was measured on. It sets nothing and chooses no device."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

BF16_FLAGS = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512"}  # units that multiply bfloat16, in Linux's names


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name, and on Linux, for x86, what in it multiplies bfloat16."""
    fields: dict[str, str] = {}
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name") or platform.processor() or platform.machine()
    flags = fields.get("flags", "").split()
    units = next((unit for flag, unit in BF16_FLAGS.items() if flag in flags), None)
    return name if not flags else f"{name} ({f'bf16 in {units}' if units else 'no bf16 units'})"


def device_name(device: Any) -> str:
    """Return the name of the torch device's GPU, or of the processor."""
    if device.type != "cuda":
        return processor_name()
    import torch

    return torch.cuda.get_device_name(device)
