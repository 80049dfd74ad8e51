"""What a run asks of the machine."""

import os
import platform
import subprocess
import sys
import warnings

import pytest
import torch

from posegan.training import machine
from posegan.training.machine import keep_freed_memory, warn_of_slow_bf16

FAULTS = """
import resource, sys, torch
from posegan.training.machine import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
torch.set_num_threads(1)

def step():
    blocks = [torch.ones(6_000_000) for _ in range(4)]  # together more than glibc keeps by itself

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    """Return how often a process met a page that the kernel had to fill, in ten steps that need 96 MB each.

    The process begins with glibc's first thresholds, held: left to itself it moves them, more or less by chance.
    """
    environment = os.environ | {
        "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072"
    }
    command = [sys.executable, "-c", FAULTS, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_freed_memory_is_used_again_without_asking_the_kernel():
    assert faults("keep") < 20 < faults("give back")


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()


def test_a_processor_that_is_slower_in_bfloat16_is_told_of(monkeypatch):
    rates = {"32-true": 170.0, "bf16-mixed": 93.0}
    monkeypatch.setattr(machine, "convolution_rate", lambda device, kind: float(torch.rand(1) * 0) + rates[kind])
    before = torch.get_rng_state()
    with pytest.warns(UserWarning, match="93 GFLOP/s in bfloat16 and at 170 in float32: 32-true is faster"):
        warn_of_slow_bf16(torch.device("cpu"), "bf16-mixed")
    assert torch.equal(torch.get_rng_state(), before)
    rates["bf16-mixed"] = 340.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_slow_bf16(torch.device("cpu"), "bf16-mixed")
        rates["bf16-mixed"] = 1.0
        warn_of_slow_bf16(torch.device("cpu"), "32-true")
        warn_of_slow_bf16(torch.device("cuda"), "bf16-mixed")
