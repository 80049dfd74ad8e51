"""The name of a machine in results."""

import platform
from pathlib import Path

import pytest
import torch

from posegan.hardware import device_name, processor_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model name\t: EPYC 9\nflags\t\t: fpu avx512_bf16\n\nmodel name\t: other\n", "EPYC 9 (bf16 in AVX-512)"),
        ("model name: Xeon\nflags: fpu avx512_bf16 amx_bf16\n", "Xeon (bf16 in AMX)"),
        ("model name: Old\nflags: fpu sse2\n", "Old (no bf16 units)"),
        ("model name: Some ARM\n", "Some ARM"),
    ],
)
def test_the_processor_is_named_with_its_bf16_units(tmp_path: Path, text: str, name: str):
    (tmp_path / "cpuinfo").write_text(text)
    assert processor_name(tmp_path / "cpuinfo") == name


def test_elsewhere_than_on_linux_it_is_what_python_knows(tmp_path: Path):
    assert processor_name(tmp_path / "none") == (platform.processor() or platform.machine())


def test_a_cpu_device_has_the_processors_name():
    assert device_name(torch.device("cpu")) == processor_name()
