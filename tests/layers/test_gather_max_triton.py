"""The Triton kernels against the form for CPUs.

They run in the interpreter of Triton, to be chosen before triton is imported, so in a process of its own; they
are compiled for two kinds of GPU, and run where there is one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton", reason="comes with torch for CUDA")

from posegan.layers import gather_max_triton
from posegan.layers.gather_max_triton import GatherMax
from posegan.layers.warp import _GatherMax, gather_max

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
in_the_interpreter = pytest.mark.skipif(not INTERPRETED, reason="run by test_interpreted")


@pytest.mark.skipif(INTERPRETED, reason="is the process that it starts")
def test_interpreted() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "in_small", __file__]
    done = subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "skipped" not in done.stdout, done.stdout


def scene(shape: tuple[int, int, int, int], parts: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return features, many of them 0 as after a ReLU and some below, and places, of which some are nowhere."""
    draw = torch.Generator().manual_seed(seed)
    features = torch.randn(shape, generator=draw)
    features = torch.where(features > -1, features.clamp_min(0), features)
    pixels = shape[2] * shape[3]
    return features, torch.randint(-pixels // 3, pixels, (shape[0], parts, pixels), generator=draw).clamp_min(-1)


def value_and_gradient(form: type[torch.autograd.Function], features: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    leaf = features.clone(memory_format=torch.preserve_format).requires_grad_()
    out = form.apply(leaf, index)
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out)
    (gradient,) = torch.autograd.grad((out * upstream).sum(), leaf)
    return out.detach(), gradient


SCENES = [
    ((2, 5, 8, 6), 4),
    ((1, 70, 7, 5), 10),  # more channels than a block holds
    ((2, 64, 9, 8), 1),  # more pixels, one part
]


@in_the_interpreter
@pytest.mark.parametrize(("shape", "parts"), SCENES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_in_small_values_ties_and_gradients_are_those_of_the_other_form(
    shape: tuple[int, int, int, int], parts: int, channels_last: bool
) -> None:
    features, index = scene(shape, parts)
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
    plain = value_and_gradient(_GatherMax, features, index)
    fused = value_and_gradient(GatherMax, features, index)
    assert torch.equal(plain[0], fused[0]) and fused[0].shape == shape
    torch.testing.assert_close(plain[1], fused[1], rtol=0, atol=3e-6)
    assert (plain[0] < 0).any() or parts > 1  # somewhere nothing but a negative number was on offer


@in_the_interpreter
def test_in_small_gradients_agree_with_differences() -> None:
    _, index = scene((1, 3, 4, 3), 3)
    features = torch.randn(1, 3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.autograd.gradcheck(
        lambda x: GatherMax.apply(x, index), (features.requires_grad_(),), eps=1e-6, nondet_tol=1e-9
    )


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled there")
@pytest.mark.parametrize("architecture", [80, 90])
@pytest.mark.parametrize("number", ["fp32", "bf16"])
@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
def test_the_kernels_compile_for_gpus(architecture: int, number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from triton import compile as compiled
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {
        "parts": 10,
        "block_pixels": gather_max_triton.PIXELS,
        "block_channels": gather_max_triton.CHANNELS,
    }
    floats, places, winners = f"*{number}", "*i64", "*i8"
    for kernel, tensors in (
        (gather_max_triton.forward_kernel, {"rows": floats, "index": places, "out": floats, "winner": winners}),
        (
            gather_max_triton.backward_kernel,
            {"gradient": floats, "index": places, "winner": winners, "total": "*fp32"},
        ),
    ):
        signature = tensors | {"pixels": "i32", "channels": "i32"} | dict.fromkeys(constants, "constexpr")
        made = compiled(ASTSource(kernel, signature, constants), target=GPUTarget("cuda", architecture, 32))
        assert len(made.asm["cubin"]) > 1000


@pytest.mark.gpu
@pytest.mark.parametrize(("shape", "parts"), [*SCENES, ((4, 256, 32, 16), 10)])
@pytest.mark.parametrize("number", [torch.float32, torch.bfloat16])
def test_on_a_gpu(shape: tuple[int, int, int, int], parts: int, number: torch.dtype) -> None:
    features, index = (part.cuda() for part in scene(shape, parts))
    features = features.to(number)
    plain = value_and_gradient(_GatherMax, features, index)
    fused = value_and_gradient(GatherMax, features, index)
    assert torch.equal(plain[0], fused[0]) and torch.equal(gather_max(features, index), fused[0])
    torch.testing.assert_close(plain[1], fused[1], rtol=1e-2, atol=0.1 if number == torch.bfloat16 else 1e-5)
