"""Joint heatmaps against their obvious form: making them, and the convolution that sees them first.

    python benchmarks/heatmaps.py      # half a minute; writes results/heatmaps.json

The obvious form is one Gaussian a joint over the whole map, in NumPy. Far from its joint it holds numbers below the
smallest normal float32 (1.2e-38), each of which costs a processor a hundred times as much as another; ours are 0 there.
Medians of interleaved runs on a single thread; the convolution is PATN's first, 7x7 on photo and heatmaps, with its
gradient. The share of such numbers is counted in the obvious maps.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from posegan.hardware import processor_name
from posegan.pose import render_heatmap

sys.path.insert(0, str(Path(__file__).parents[1]))  # the people lie in tests/
from benchmarks.deformable_step import obvious_heatmap
from benchmarks.losses_and_metrics import medians
from tests.pairs import people

RESULT = Path(__file__).parent / "results" / "heatmaps.json"
SIZE, BATCH, RUNS = (128, 64), 4, 15
Job = Callable[[], object]


def milliseconds(jobs: dict[str, Job]) -> dict[str, float]:
    """Return median milliseconds of each job, run in turn."""
    return {name: round(1000 * seconds, 2) for name, seconds in medians(jobs, RUNS).items()}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pose = people(BATCH, SIZE, 0, 1.0)
    makers: dict[str, Callable[[], Tensor]] = {
        "obvious": lambda: obvious_heatmap(pose, SIZE),
        "ours": lambda: render_heatmap(pose, SIZE, 6.0),
    }
    photos = torch.rand(BATCH, 3, *SIZE) * 2 - 1
    conv = nn.Conv2d(21, 64, 7, padding=3).to(memory_format=torch.channels_last)

    def step(maps: Tensor) -> Job:
        seen = torch.cat([photos, maps], 1).contiguous(memory_format=torch.channels_last)
        return lambda: conv(seen).sum().backward()

    making = milliseconds(dict(makers))
    convolution = milliseconds({name: step(make()) for name, make in makers.items()})
    small = (makers["obvious"]() > 0) & (makers["obvious"]() < torch.finfo(torch.float32).tiny)
    result = {
        "making_ms": making,
        "convolution_forward_and_backward_ms": convolution,
        "times_faster": {
            "making": round(making["obvious"] / making["ours"], 1),
            "convolution": round(convolution["obvious"] / convolution["ours"], 1),
        },
        "share_of_numbers_below_normal_in_the_obvious_maps": round(small.float().mean().item(), 4),
        "largest_difference": (makers["obvious"]() - makers["ours"]()).abs().max().item(),
        "machine": f"{processor_name()}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "command": "python benchmarks/heatmaps.py",
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
