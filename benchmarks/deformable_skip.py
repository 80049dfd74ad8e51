"""Time and memory of the four deformable skips of Deformable GAN against the obvious form, forward and backward.

    python benchmarks/deformable_skip.py                   # about two minutes; writes results/deformable_skip.json
    python benchmarks/deformable_skip.py --gpu --batch 64  # writes results/deformable_skip_gpu.json

The obvious form warps the full map once per part, multiplies by the mask, stacks the ten results and takes the maximum.
128x64 and the published widths. Times are medians of interleaved runs, on the CPU processor seconds of a single thread;
memory is what autograd keeps for the backward pass (bytes of distinct saved storages). On a GPU our form is timed with
its Triton kernels and without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from posegan.hardware import device_name
from posegan.layers import warp
from posegan.layers.warp import affine_grid_pixels, nearest_index, warp_by_parts
from posegan.pose import Pose, part_affines, part_masks

RESULTS = Path(__file__).parent / "results"
SKIPS = ((64, 128, 64), (128, 64, 32), (256, 32, 16), (512, 16, 8))  # channels, height, width
RUNS = 7
Skip = Callable[[Tensor, Tensor, Tensor], Tensor]


def obvious(features: Tensor, affines: Tensor, masks: Tensor) -> Tensor:
    size = (features.shape[-2], features.shape[-1])
    frame = (masks.shape[-2], masks.shape[-1])
    small = torch.nn.functional.interpolate(masks, size=size, mode="nearest")
    index = nearest_index(affine_grid_pixels(affines, size, frame), small)
    flat = features.flatten(2)
    parts = []
    for part in range(index.shape[1]):
        lookup = index[:, part, None].expand(-1, flat.shape[1], -1)
        moved = flat.gather(2, lookup.clamp_min(0)) * (lookup >= 0)
        parts.append(moved.unflatten(2, size))
    return torch.stack(parts).amax(0)


def people(count: int) -> tuple[Pose, Pose]:
    """A standing person moved about: every part there, as in a typical pair."""
    x = torch.tensor([32, 32, 22, 18, 16, 42, 46, 48, 26, 26, 26, 38, 38, 38, 29, 35, 26, 38.0])
    y = torch.tensor([14, 28, 28, 44, 58, 28, 44, 58, 64, 90, 116, 64, 90, 116, 12, 12, 13, 13.0])
    torch.manual_seed(0)
    xy = torch.stack([x, y], -1) + 4 * torch.randn(2, count, 18, 2)
    seen = torch.ones(2, count, 18, dtype=torch.bool)
    return Pose(xy[0], seen[0]), Pose(xy[1], seen[1])


def without_triton(features: Tensor, affines: Tensor, masks: Tensor) -> Tensor:
    has, warp.HAS_TRITON = warp.HAS_TRITON, False
    try:
        return warp_by_parts(features, affines, masks)
    finally:
        warp.HAS_TRITON = has


def now(device: torch.device) -> float:
    if device.type == "cpu":
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def run(skip: Skip, maps: list[Tensor], affines: Tensor, masks: Tensor) -> tuple[float, int]:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    start = now(masks.device)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outs = [skip(m, affines, masks) for m in maps]
    torch.autograd.grad([out.sum() for out in outs], maps)
    return now(masks.device) - start, sum(kept.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--batch", type=int, default=4)
    chosen = parser.parse_args()
    device = torch.device("cuda" if chosen.gpu else "cpu")
    torch.set_num_threads(1)
    source, target = (pose.to(device) for pose in people(chosen.batch))
    affines, masks = part_affines(source, target), part_masks(target, (128, 64))
    plain = [torch.randn(chosen.batch, *skip, device=device, requires_grad=True) for skip in SKIPS]
    last = [m.detach().to(memory_format=torch.channels_last).requires_grad_() for m in plain]
    forms: dict[str, tuple[Skip, list[Tensor]]] = {
        "obvious": (obvious, plain),
        "ours": (warp_by_parts, plain),
        "ours, channels last": (warp_by_parts, last),
    }
    if chosen.gpu:
        forms["ours, channels last, without Triton"] = (without_triton, last)
    for skip, maps in forms.values():  # warm up, and they must agree
        for ours, theirs in zip(maps, plain, strict=True):
            torch.testing.assert_close(skip(ours, affines, masks), obvious(theirs, affines, masks))
    runs = [{name: run(*form, affines, masks) for name, form in forms.items()} for _ in range(RUNS)]
    times = {name: statistics.median(r[name][0] for r in runs) for name in forms}
    kept = {name: runs[0][name][1] for name in forms}
    machine = device_name(torch.device("cuda" if chosen.gpu else "cpu"))
    result = {
        "what": f"four deformable skips, forward and backward, batch {chosen.batch}, 128x64, widths 64 to 512",
        "seconds" if chosen.gpu else "seconds_one_thread": {name: round(value, 5) for name, value in times.items()},
        "kept_for_backward_MiB": {name: round(value / 2**20, 1) for name, value in kept.items()},
        "speed_up": {name: round(times["obvious"] / value, 2) for name, value in times.items()},
        "machine": f"{machine}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join(["python", *sys.argv]),
    }
    out = RESULTS / f"deformable_skip{'_gpu' if chosen.gpu else ''}.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
